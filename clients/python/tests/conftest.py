"""The gateway that the tests run against is started by test/python/client.test.ts."""

from __future__ import annotations

import os

import pytest


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run these tests by `npx vitest run test/python`", pytrace=False)
    return value


@pytest.fixture(scope="session")
def url() -> str:
    return _given("PARALLAMA_URL")


@pytest.fixture(scope="session")
def member_key() -> str:
    """Of `ada`, who has no limits."""
    return _given("PARALLAMA_MEMBER_KEY")


@pytest.fixture(scope="session")
def blocked_key() -> str:
    """Of a user who may make no request."""
    return _given("PARALLAMA_BLOCKED_KEY")
