"""Streams: cut anywhere, failing anywhere, left early."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from fake_server import Answer, Asked, fake_server, stream

from parallama import AsyncParallamaClient, ParallamaClient, ParallamaError
from parallama._decoders import Decoder, NdjsonDecoder, SseDecoder

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
LINES = [
    {"text": "Grüße, \u2028\u0085 ", "done": False},
    {"text": "🦙\n", "done": False},
    {"text": "", "done": True, "usage": USAGE},
]
EVENTS = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in ("Grüße, \u2029", "🦙\n")]

NDJSON = "\r\n\n".join(json.dumps(line, ensure_ascii=False) for line in LINES).encode()
FIRST, SECOND = (json.dumps(event, ensure_ascii=False) for event in EVENTS)
SSE = (
    f": hello\n\ndata: {FIRST}\n\n: ping\r\n\r\ndata:{SECOND}\r\n\r\ndata: [DONE]\n\ndata: junk\n\n".encode()
)


def decoded(decoder: Decoder, data: bytes, size: int) -> list[object]:
    chunks = [chunk for at in range(0, len(data), size) for chunk in decoder.feed(data[at : at + size])]
    return [*chunks, *decoder.end()]


@pytest.mark.parametrize("size", range(1, 40))
def test_any_split_of_bytes(size: int) -> None:
    assert decoded(NdjsonDecoder(), NDJSON, size) == LINES
    assert decoded(NdjsonDecoder(), NDJSON + b"\n", size) == LINES
    assert decoded(SseDecoder(), SSE, size) == EVENTS


def failing(answer: Answer, gateway: str) -> tuple[int, ParallamaError]:
    """How many chunks came, and what was raised then."""
    count = 0
    with fake_server(answer) as server:
        client = ParallamaClient(server.url, gateway=gateway)  # type: ignore[call-overload]
        with client:
            try:
                for _ in client.generate(prompt="x", stream=True):
                    count += 1
            except ParallamaError as error:
                return count, error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("gateway", "text"),
    [
        ("ollama", b'{"text":"a","done":false}\n{"error":"It broke."}\n'),
        ("openai", b'data: {"choices":[]}\n\ndata: {"error":{"message":"It broke."}}\n\n'),
    ],
)
def test_an_error_inside(gateway: str, text: bytes) -> None:
    count, error = failing(lambda _, handler: stream(handler, text), gateway)
    assert (count, str(error), error.status) == (1, "It broke.", None)


@pytest.mark.parametrize(
    ("gateway", "text"),
    [("ollama", b'{"text":"a","done":false}\n'), ("openai", b'data: {"choices":[]}\n\n')],
)
def test_without_its_end_mark_it_is_not_taken_for_whole(gateway: str, text: bytes) -> None:
    count, error = failing(lambda _, handler: stream(handler, text), gateway)
    assert (count, error.code) == (1, "stream_truncated")


def test_not_json() -> None:
    count, error = failing(lambda _, handler: stream(handler, b"data: hello\n\n"), "openai")
    assert (count, error.code) == (0, "invalid_answer")


def test_a_connection_that_breaks() -> None:
    broken: Answer = lambda _, handler: stream(handler, b'{"text":"a","done":false}\n', cut=True)  # noqa: E731
    count, error = failing(broken, "ollama")
    assert (count, error.code) == (1, "connection_error")


class Endless:
    """Sends one chunk and never ends; notices when the client has gone."""

    def __init__(self) -> None:
        self.gone = threading.Event()

    def __call__(self, _: Asked, handler: BaseHTTPRequestHandler) -> None:
        stream(handler, b'{"text":"a","done":false}\n', cut=True)
        # A client that leaves bytes unread closes with a reset rather than an end.
        with contextlib.suppress(ConnectionResetError):
            if handler.connection.recv(1):
                return
        self.gone.set()


@pytest.fixture
def endless() -> Endless:
    return Endless()


def test_leaving_the_loop_closes_the_connection(endless: Endless) -> None:
    with fake_server(endless) as server, ParallamaClient(server.url) as client:
        for chunk in client.generate(prompt="x", stream=True):
            assert chunk["text"] == "a"
            break
        gc.collect()
        assert endless.gone.wait(10)


@pytest.mark.parametrize("begun", [True, False])
def test_closing_a_stream_closes_the_connection(endless: Endless, begun: bool) -> None:
    with fake_server(endless) as server, ParallamaClient(server.url) as client:
        with client.generate(prompt="x", stream=True) as chunks:
            if begun:
                next(chunks)
        assert endless.gone.wait(10)
        assert list(chunks) == []


def test_async_leaving_the_loop_closes_the_connection(endless: Endless) -> None:
    async def body(url: str) -> None:
        async with AsyncParallamaClient(url) as client:
            async for chunk in await client.generate(prompt="x", stream=True):
                assert chunk["text"] == "a"
                break
            gc.collect()
            assert await asyncio.to_thread(endless.gone.wait, 10)

    with fake_server(endless) as server:
        asyncio.run(body(server.url))


def test_async_closing_a_stream_closes_the_connection(endless: Endless) -> None:
    async def body(url: str) -> None:
        async with AsyncParallamaClient(url) as client:
            async with await client.generate(prompt="x", stream=True) as chunks:
                pass
            assert await asyncio.to_thread(endless.gone.wait, 10)
            assert [chunk async for chunk in chunks] == []

    with fake_server(endless) as server:
        asyncio.run(body(server.url))


def test_cancelling_a_task_closes_the_connection(endless: Endless) -> None:
    async def body(url: str) -> None:
        async with AsyncParallamaClient(url) as client:
            begun = asyncio.Event()

            async def read() -> None:
                async for _ in await client.generate(prompt="x", stream=True):
                    begun.set()

            task = asyncio.create_task(read())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(endless.gone.wait, 10)

    with fake_server(endless) as server:
        asyncio.run(body(server.url))


def test_a_timeout_inside_a_stream(endless: Endless) -> None:
    with (
        fake_server(endless) as server,
        ParallamaClient(server.url, timeout=0.2) as client,
        pytest.raises(ParallamaError) as raised,
    ):
        list(client.generate(prompt="x", stream=True))
    assert raised.value.code == "timeout"
