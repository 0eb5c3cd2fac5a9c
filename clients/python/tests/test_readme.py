"""Every example of the README runs, against the gateway of the tests."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example(example: str, url: str, member_key: str) -> None:
    code = (
        example.replace("http://server:8000", url)
        .replace("your-api-key", member_key)
        .replace("myuser", f"py-{uuid.uuid4().hex[:12]}")
    )
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    if "print(" in code:
        assert run.stdout.strip() != ""
