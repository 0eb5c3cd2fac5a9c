"""Answers that come chunk by chunk. Leaving the loop closes the connection, which ends the generation."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from types import TracebackType
from typing import Generic, TypeVar

import httpx

from ._decoders import Decoder
from ._errors import connection_errors

Chunk = TypeVar("Chunk", covariant=True)

_BROKEN = "The connection broke during the answer."


class Stream(Generic[Chunk]):
    """Iterates over the chunks of one answer. Raises ParallamaError where it does not come to its end.

    Close it, or use it in a `with` statement, where it may be left early and is kept in a variable.
    """

    def __init__(self, response: httpx.Response, decoder: Decoder) -> None:
        self._response = response
        self._chunks: Generator[Chunk, None, None] = _read(response, decoder)

    def __iter__(self) -> Stream[Chunk]:
        return self

    def __next__(self) -> Chunk:
        return next(self._chunks)

    def __enter__(self) -> Stream[Chunk]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the server then stops generating."""
        self._chunks.close()
        self._response.close()


class AsyncStream(Generic[Chunk]):
    """As Stream, with `async for`, `async with` and `aclose()`."""

    def __init__(self, response: httpx.Response, decoder: Decoder) -> None:
        self._response = response
        self._chunks: AsyncGenerator[Chunk, None] = _aread(response, decoder)

    def __aiter__(self) -> AsyncStream[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        return await self._chunks.__anext__()

    async def __aenter__(self) -> AsyncStream[Chunk]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connection; the server then stops generating."""
        await self._chunks.aclose()
        await self._response.aclose()


# Not methods: a generator that held its stream would keep it alive after a loop was left.
def _read(response: httpx.Response, decoder: Decoder) -> Generator[Chunk, None, None]:
    try:
        with connection_errors(_BROKEN):
            for data in response.iter_bytes():
                yield from decoder.feed(data)
                if decoder.done:
                    return
        yield from decoder.end()
    finally:
        response.close()


async def _aread(response: httpx.Response, decoder: Decoder) -> AsyncGenerator[Chunk, None]:
    try:
        with connection_errors(_BROKEN):
            async for data in response.aiter_bytes():
                for chunk in decoder.feed(data):
                    yield chunk
                if decoder.done:
                    return
        for chunk in decoder.end():
            yield chunk
    finally:
        await response.aclose()
