"""Tokens: kept, used before a key, renewed once for all who need it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from fake_server import Asked, fake_server, say

from parallama import AsyncParallamaClient, ParallamaClient, ParallamaError

MODELS = "/ollama/v1/models"


def refused(code: str) -> dict[str, object]:
    return {"error": {"message": "no", "type": "invalid_request_error", "code": code}}


class Accounts:
    """Accepts one access token at a time; a refresh token works once."""

    def __init__(self) -> None:
        self.issued = 1
        self.busy = False
        self._lock = threading.Lock()

    def __call__(self, asked: Asked, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            status, body = self._answer(asked)
        say(handler, status, body)

    def _answer(self, asked: Asked) -> tuple[int, object]:
        if asked.path == MODELS:
            right = asked.authorization == f"Bearer access-{self.issued}"
            return (200, {"models": []}) if right else (401, refused("token_expired"))
        if asked.path == "/auth/login":
            return 200, self._issue()
        if asked.path == "/auth/register":
            return 201, {"user_id": "u", "refresh_token": self._issue()["refresh_token"]}
        if self.busy:
            return 503, refused("store_unavailable")
        if asked.body == {"refresh_token": f"rt_{self.issued}"}:
            return 200, self._issue()
        return 401, refused("invalid_refresh_token")

    def _issue(self) -> dict[str, object]:
        self.issued += 1
        return {"access_token": f"access-{self.issued}", "refresh_token": f"rt_{self.issued}"}


def test_login_keeps_the_tokens_and_uses_them() -> None:
    with fake_server(Accounts()) as server, ParallamaClient(server.url, "pk_live_x") as client:
        assert client.login("bob", "secret123")["access_token"] == "access-2"
        assert client.list_models() == {"models": []}
    login, models = server.asked
    assert login.authorization is None
    assert login.body == {"username": "bob", "password": "secret123"}
    assert models.authorization == "Bearer access-2"


def test_register_logs_in_with_its_refresh_token() -> None:
    with fake_server(Accounts()) as server, ParallamaClient(server.url) as client:
        client.register("bob", "secret123")
        assert (client.access_token, client.refresh_token) == (None, "rt_2")
        client.list_models()
        assert (client.access_token, client.refresh_token) == ("access-3", "rt_3")
        assert server.count(MODELS) == 1


def test_a_second_expiry_is_renewed_with_the_new_refresh_token() -> None:
    accounts = Accounts()
    with (
        fake_server(accounts) as server,
        ParallamaClient(server.url, access_token="stale", refresh_token="rt_1") as client,
    ):
        client.list_models()
        client.login("bob", "secret123")
        accounts.issued = 7
        assert client.refresh_token == "rt_3"
        with pytest.raises(ParallamaError):
            client.list_models()
        assert server.count("/auth/token") == 2


def test_threads_share_one_exchange() -> None:
    with (
        fake_server(Accounts()) as server,
        ParallamaClient(server.url, access_token="stale", refresh_token="rt_1") as client,
        ThreadPoolExecutor(8) as pool,
    ):
        replies = list(pool.map(lambda _: client.list_models(), range(24)))
    assert replies == [{"models": []}] * 24
    assert server.count("/auth/token") == 1


def test_tasks_share_one_exchange() -> None:
    async def body(url: str) -> None:
        async with AsyncParallamaClient(url, access_token="stale", refresh_token="rt_1") as client:
            replies = await asyncio.gather(*(client.list_models() for _ in range(24)))
            assert replies == [{"models": []}] * 24

    with fake_server(Accounts()) as server:
        asyncio.run(body(server.url))
    assert server.count("/auth/token") == 1


def test_a_refused_refresh_token_is_given_up() -> None:
    with (
        fake_server(Accounts()) as server,
        ParallamaClient(server.url, access_token="stale", refresh_token="rt_old") as client,
    ):
        with pytest.raises(ParallamaError) as first:
            client.list_models()
        with pytest.raises(ParallamaError) as second:
            client.list_models()
    assert (first.value.status, first.value.code) == (401, "invalid_refresh_token")
    assert (second.value.status, second.value.code) == (401, "token_expired")
    assert server.count("/auth/token") == 1


def test_a_refresh_token_survives_a_busy_server() -> None:
    accounts = Accounts()
    accounts.busy = True
    with (
        fake_server(accounts) as server,
        ParallamaClient(server.url, access_token="stale", refresh_token="rt_1") as client,
    ):
        with pytest.raises(ParallamaError) as raised:
            client.list_models()
        assert raised.value.status == 503
        accounts.busy = False
        assert client.list_models() == {"models": []}


def test_a_refused_key_is_not_tried_again() -> None:
    with fake_server(Accounts()) as server, ParallamaClient(server.url, "pk_live_bad") as client:
        with pytest.raises(ParallamaError) as raised:
            client.list_models()
        assert raised.value.status == 401
    assert len(server.asked) == 1


def cut_off_once() -> httpx.MockTransport:
    """A token server that cannot be reached the first time."""
    calls = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        if request.url.path == MODELS:
            right = request.headers["authorization"] == "Bearer access-2"
            return httpx.Response(200 if right else 401, json={"models": []})
        calls += 1
        if calls == 1:
            raise httpx.ConnectError("no route")
        return httpx.Response(200, json={"access_token": "access-2"})

    return httpx.MockTransport(answer)


def test_a_broken_exchange_holds_nobody_up() -> None:
    with ParallamaClient(
        "http://x", access_token="stale", refresh_token="rt_1", transport=cut_off_once()
    ) as client:
        with pytest.raises(ParallamaError) as raised:
            client.list_models()
        assert raised.value.code == "connection_error"
        assert client.list_models() == {"models": []}
        # Where the server keeps the refresh token, so does the client.
        assert (client.access_token, client.refresh_token) == ("access-2", "rt_1")


def test_a_broken_exchange_holds_no_task_up() -> None:
    async def body() -> None:
        async with AsyncParallamaClient(
            "http://x", access_token="stale", refresh_token="rt_1", transport=cut_off_once()
        ) as client:
            with pytest.raises(ParallamaError) as raised:
                await client.list_models()
            assert raised.value.code == "connection_error"
            assert await client.list_models() == {"models": []}

    asyncio.run(body())
