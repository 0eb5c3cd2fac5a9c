"""What a failed call raises."""

from __future__ import annotations

import pickle
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest
from fake_server import Answer, Asked, fake_server, say

from parallama import ParallamaClient, ParallamaError


def error_from(answer: Answer, timeout: float = 30) -> ParallamaError:
    with (
        fake_server(answer) as server,
        ParallamaClient(server.url, timeout=timeout) as client,
        pytest.raises(ParallamaError) as raised,
    ):
        client.generate(prompt="x")
    return raised.value


def saying(status: int, body: object, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, handler: say(handler, status, body, named)


def test_openai_body() -> None:
    body = {"message": "Token limit reached.", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}
    error = error_from(saying(429, {"error": body}, retry_after="17"))
    assert str(error) == "Token limit reached."
    assert vars(error) == {
        "status": 429,
        "code": "rate_limit_exceeded",
        "type": "tokens",
        "param": None,
        "retry_after": 17,
    }


def test_ollama_body() -> None:
    error = error_from(saying(404, {"error": "model 'x' not found"}))
    assert (str(error), error.status, error.code) == ("model 'x' not found", 404, None)
    assert error.retry_after is None


def test_retry_after_as_a_date_and_as_nonsense() -> None:
    error = error_from(saying(503, {}, retry_after=formatdate(time.time() + 60, usegmt=True)))
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 61
    assert error_from(saying(503, {}, retry_after="soon")).retry_after is None


def test_answers_that_are_not_json() -> None:
    error = error_from(saying(502, b"<h1>Bad Gateway</h1>"))
    assert (str(error), error.status) == ("The server answered 502.", 502)
    error = error_from(saying(200, b"hello"))
    assert (error.status, error.code) == (200, "invalid_answer")
    # Not followed: a POST would become a GET.
    assert error_from(saying(301, b"", location="http://127.0.0.1:1/")).status == 301


def test_no_server() -> None:
    with ParallamaClient("http://127.0.0.1:1") as client, pytest.raises(ParallamaError) as raised:
        client.list_models()
    assert str(raised.value) == "Cannot reach http://127.0.0.1:1."
    assert (raised.value.status, raised.value.code) == (None, "connection_error")


def test_servers_that_hang_up() -> None:
    def at_once(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    def midway(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b'{"text":')
        handler.close_connection = True

    assert error_from(at_once).code == "connection_error"
    assert error_from(midway).code == "connection_error"


def test_a_server_that_says_nothing() -> None:
    error = error_from(lambda *_: time.sleep(1), timeout=0.1)
    assert (error.status, error.code) == (None, "timeout")


def test_errors_can_be_pickled() -> None:
    error = ParallamaError("no", status=429, code="rate_limit_exceeded", retry_after=3)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), vars(copy)) == (str(error), vars(error))
