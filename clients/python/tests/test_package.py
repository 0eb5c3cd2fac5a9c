"""The package as it is installed: what it says of itself, its types, its manner."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import metadata, requires
from importlib.resources import files
from pathlib import Path

import pytest

import parallama

ROOT = Path(__file__).parents[1]
COMPATIBILITY = "../../test/compat/python"


def test_needs_httpx_only() -> None:
    assert [one.split(">")[0] for one in requires("parallama") or []] == ["httpx"]
    told = metadata("parallama")
    assert told["License-Expression"] == "MIT"
    assert told["Requires-Python"] == ">=3.10"


def test_is_typed_and_comes_from_the_wheel() -> None:
    assert files("parallama").joinpath("py.typed").is_file()
    assert ROOT not in Path(parallama.__file__).parents


@pytest.mark.parametrize(
    "command",
    [
        ["mypy", "--cache-dir=/dev/null", "src", "tests"],
        ["ruff", "check", "--no-cache", ".", COMPATIBILITY],
        ["ruff", "format", "--no-cache", "--check", ".", COMPATIBILITY],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_types_and_style(command: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
