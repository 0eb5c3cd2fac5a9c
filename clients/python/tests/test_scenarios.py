"""The scenarios that the clients of both languages share, run by these two against a real gateway."""

from __future__ import annotations

import asyncio
import json
import uuid
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from parallama import AsyncParallamaClient, ParallamaClient, ParallamaError

Json = dict[str, Any]

SCENARIOS: list[Json] = json.loads(
    (Path(__file__).parents[3] / "test/client/scenarios.json").read_text(encoding="utf-8")
)
PASSWORD = "a-good-password"


def new_name() -> str:
    return f"py-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def credentials(request: pytest.FixtureRequest, url: str, member_key: str, blocked_key: str) -> Json:
    """Whose client the scenario is for; a member's where it says nothing."""

    def refresh_token() -> str:
        with ParallamaClient(url) as client:
            return client.register(new_name(), PASSWORD)["refresh_token"]

    match request.getfixturevalue("scenario").get("as", "member"):
        case "member":
            return {"api_key": member_key}
        case "nobody":
            return {}
        case "wrong key":
            return {"api_key": "pk_live_wrong"}
        case "blocked":
            return {"api_key": blocked_key}
        case "registered":
            return {"refresh_token": refresh_token()}
        case "expired":
            return {"access_token": "stale", "refresh_token": refresh_token()}
        case other:
            raise LookupError(other)


def arguments(scenario: Json) -> Json:
    given: Json = dict(scenario.get("with", {}))
    return {**given, "username": new_name()} if given.get("username") == "<new>" else given


def text_of(chunk: Json) -> str:
    """Of a chunk of any kind."""
    if "text" in chunk:
        return str(chunk["text"])
    [part] = chunk.get("messages") or chunk.get("choices") or [{}]
    return str(part.get("content") or part.get("text") or part.get("delta", {}).get("content") or "")


def run(client: ParallamaClient[Any, Any, Any, Any, Any], scenario: Json, seen: Json) -> None:
    given = arguments(scenario)
    reply = attrgetter(scenario["call"])(client)(**given)
    if given.get("stream"):
        for chunk in reply:
            seen["text"] += text_of(chunk)
            seen["last"] = chunk
    else:
        seen["reply"] = reply


async def arun(client: AsyncParallamaClient[Any, Any, Any, Any, Any], scenario: Json, seen: Json) -> None:
    given = arguments(scenario)
    reply = await attrgetter(scenario["call"])(client)(**given)
    if given.get("stream"):
        async for chunk in reply:
            seen["text"] += text_of(chunk)
            seen["last"] = chunk
    else:
        seen["reply"] = reply


def matches(seen: Any, expected: Any) -> bool:
    """Whether all that is expected is so; `<string>` and `<number>` stand for any."""
    if expected == "<string>":
        return isinstance(seen, str) and seen != ""
    if expected == "<number>":
        return isinstance(seen, int | float)
    if isinstance(expected, dict):
        return isinstance(seen, dict) and all(
            name in seen and matches(seen[name], value) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(seen, list)
            and len(seen) == len(expected)
            and all(matches(one, other) for one, other in zip(seen, expected, strict=True))
        )
    return bool(seen == expected)


def check(scenario: Json, seen: Json, error: ParallamaError | None) -> None:
    if "error" in scenario:
        assert error is not None
        assert matches({**vars(error), "message": str(error)}, scenario["error"]), vars(error)
        assert matches(seen["text"], scenario.get("before", "")), seen
    else:
        if error is not None:
            raise error
        assert matches(seen.get("reply", seen), scenario["expected"]), seen


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: f"{one['gateway']}: {one['name']}")
class TestScenarios:
    def test_sync(self, scenario: Json, url: str, credentials: Json) -> None:
        seen: Json = {"text": ""}
        error = None
        with ParallamaClient(url, gateway=scenario["gateway"], **credentials) as client:
            try:
                run(client, scenario, seen)
            except ParallamaError as raised:
                error = raised
            check(scenario, seen, error)
            for name, value in scenario.get("then", {}).items():
                assert matches(getattr(client, name), value)

    def test_async(self, scenario: Json, url: str, credentials: Json) -> None:
        async def body() -> None:
            seen: Json = {"text": ""}
            error = None
            async with AsyncParallamaClient(url, gateway=scenario["gateway"], **credentials) as client:
                try:
                    await arun(client, scenario, seen)
                except ParallamaError as raised:
                    error = raised
                check(scenario, seen, error)
                for name, value in scenario.get("then", {}).items():
                    assert matches(getattr(client, name), value)

        asyncio.run(body())
