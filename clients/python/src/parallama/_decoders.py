"""Streams of the two dialects, read without I/O: bytes in any pieces in, whole chunks out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ._errors import ParallamaError, error_of_body


class Decoder:
    """`done` once the end mark has been seen; what comes after it is not looked at."""

    def __init__(self) -> None:
        self.done = False
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Any]:
        # Only line feeds end a line: texts may hold U+2028 and the like, which str.splitlines would split at.
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self.done:
                yield from self._read(line.removesuffix(b"\r"))

    def end(self) -> Iterator[Any]:
        """A stream that just stops looks like a short answer; only its end mark tells that it is whole."""
        yield from self.feed(b"\n")
        if not self.done:
            raise ParallamaError("The stream ended before the answer was complete.", code="stream_truncated")

    def _read(self, line: bytes) -> Iterator[Any]:
        raise NotImplementedError


class NdjsonDecoder(Decoder):
    """The guide's streams: one JSON value a line, the last one with `"done": true`."""

    def _read(self, line: bytes) -> Iterator[Any]:
        if line:
            chunk = _parse(line)
            self.done = isinstance(chunk, dict) and chunk.get("done") is True
            yield chunk


class SseDecoder(Decoder):
    """OpenAI's streams: server-sent events, the last one `[DONE]`."""

    def __init__(self) -> None:
        super().__init__()
        self._data: list[bytes] = []

    def _read(self, line: bytes) -> Iterator[Any]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        if line or not self._data:
            return
        event = b"\n".join(self._data)
        self._data = []
        if event == b"[DONE]":
            self.done = True
        else:
            yield _parse(event)


def _parse(data: bytes) -> Any:
    try:
        chunk = json.loads(data)
    except ValueError as cause:
        raise ParallamaError("The server sent an event that is not JSON.", code="invalid_answer") from cause
    error = error_of_body(chunk)
    if error is not None:
        raise error
    return chunk
