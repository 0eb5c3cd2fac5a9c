"""What a failed call raises: the gateway's own words, and what a program needs to decide what to do."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class ParallamaError(Exception):
    """Raised by every method of the clients.

    >>> try:
    ...     client.chat(model="llama2", messages=messages)
    ... except ParallamaError as error:
    ...     if error.status == 429:
    ...         time.sleep(error.retry_after)
    """

    status: int | None
    """HTTP status; None where there was no answer, or where a stream failed after it had begun."""
    code: str | None
    """The gateway's code (`rate_limit_exceeded`, `model_not_found`, ...), or one of the client's own:
    `connection_error`, `timeout`, `stream_truncated`, `invalid_answer`."""
    type: str | None
    param: str | None
    """The field of the request that was wrong: `messages[0].content`."""
    retry_after: int | None
    """Seconds to wait before another try."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.type = type
        self.param = param
        self.retry_after = retry_after


def error_of_response(response: httpx.Response) -> ParallamaError:
    """The error of an answer that is not 2xx and has been read."""
    status = response.status_code
    retry_after = _seconds(response.headers.get("retry-after"))
    try:
        body = response.json()
    except ValueError:
        body = None
    error = error_of_body(body, status=status, retry_after=retry_after)
    message = f"The server answered {status}."
    return error or ParallamaError(message, status=status, retry_after=retry_after)


def error_of_body(
    body: object, *, status: int | None = None, retry_after: int | None = None
) -> ParallamaError | None:
    """Reads both dialects: Ollama's `{"error": "text"}` and OpenAI's `{"error": {"message", ...}}`."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return ParallamaError(error, status=status, retry_after=retry_after)
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    return ParallamaError(
        error["message"],
        status=status,
        code=_text(error.get("code")),
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        retry_after=retry_after,
    )


def json_of(response: httpx.Response) -> Any:
    """The JSON of a good answer that has been read."""
    if not response.is_success:
        raise error_of_response(response)
    try:
        return response.json()
    except ValueError as cause:
        raise ParallamaError(
            "The answer is not JSON: is this a Parallama server?",
            status=response.status_code,
            code="invalid_answer",
        ) from cause


@contextmanager
def connection_errors(message: str) -> Iterator[None]:
    """Turns what httpx raises into ParallamaError."""
    try:
        yield
    except httpx.TimeoutException as cause:
        raise ParallamaError("The server did not answer in time.", code="timeout") from cause
    except httpx.RequestError as cause:
        raise ParallamaError(message, code="connection_error") from cause


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _seconds(header: str | None) -> int | None:
    """`Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.isdecimal():
        return int(header)
    try:
        return max(0, math.ceil(parsedate_to_datetime(header).timestamp() - time.time()))
    except ValueError:
        return None
