"""A server on a real socket that says exactly what a test wants, also what no gateway would say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    method: str
    path: str
    authorization: str | None
    user_agent: str | None
    body: Any


Answer = Callable[[Asked, BaseHTTPRequestHandler], None]


@dataclass
class FakeServer:
    url: str
    asked: list[Asked] = field(default_factory=list)

    def count(self, path: str) -> int:
        return sum(one.path == path for one in self.asked)


def say(
    handler: BaseHTTPRequestHandler, status: int, body: object, headers: dict[str, str] | None = None
) -> None:
    """A whole answer: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(data)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def stream(handler: BaseHTTPRequestHandler, *pieces: bytes, cut: bool = False) -> None:
    """An answer in chunks; where it is cut, without its end."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for piece in pieces:
        handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.flush()
    if cut:
        handler.close_connection = True
    else:
        handler.wfile.write(b"0\r\n\r\n")


@contextmanager
def fake_server(answer: Answer) -> Iterator[FakeServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(
                self.command,
                self.path,
                self.headers.get("Authorization"),
                self.headers.get("User-Agent"),
                json.loads(body) if body else None,
            )
            server.asked.append(asked)
            answer(asked, self)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = FakeServer(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
