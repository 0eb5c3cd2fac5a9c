"""HTTP to one gateway: JSON in, a good answer out, or a ParallamaError. Two classes, one `await` apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from ._credentials import Credentials
from ._decoders import Decoder
from ._errors import connection_errors, error_of_response, json_of
from ._settings import HEADERS
from ._streams import AsyncStream, Stream

Body = Mapping[str, Any]
Timeout = float | httpx.Timeout | None


class Connection:
    def __init__(
        self, root: str, credentials: Credentials, timeout: Timeout, transport: httpx.BaseTransport | None
    ) -> None:
        self.http = httpx.Client(base_url=root, headers=HEADERS, timeout=timeout, transport=transport)
        self._credentials = credentials
        self._unreachable = f"Cannot reach {root}."

    def get(self, path: str) -> Any:
        return json_of(self._send("GET", path, None, self._credentials))

    def ask(self, path: str, body: Body) -> Any:
        return json_of(self._send("POST", path, body, self._credentials))

    def ask_unsigned(self, path: str, body: Body) -> Any:
        return json_of(self._send("POST", path, body, None))

    def open(self, path: str, body: Body, decoder: Decoder) -> Stream[Any]:
        response = self._send("POST", path, body, self._credentials, stream=True)
        if not response.is_success:
            with connection_errors(self._unreachable):
                response.read()
            raise error_of_response(response)
        return Stream(response, decoder)

    def _send(
        self, method: str, path: str, body: Body | None, auth: Credentials | None, stream: bool = False
    ) -> httpx.Response:
        request = self.http.build_request(method, path, json=body)
        with connection_errors(self._unreachable):
            return self.http.send(request, auth=auth, stream=stream)


class AsyncConnection:
    def __init__(
        self,
        root: str,
        credentials: Credentials,
        timeout: Timeout,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self.http = httpx.AsyncClient(base_url=root, headers=HEADERS, timeout=timeout, transport=transport)
        self._credentials = credentials
        self._unreachable = f"Cannot reach {root}."

    async def get(self, path: str) -> Any:
        return json_of(await self._send("GET", path, None, self._credentials))

    async def ask(self, path: str, body: Body) -> Any:
        return json_of(await self._send("POST", path, body, self._credentials))

    async def ask_unsigned(self, path: str, body: Body) -> Any:
        return json_of(await self._send("POST", path, body, None))

    async def open(self, path: str, body: Body, decoder: Decoder) -> AsyncStream[Any]:
        response = await self._send("POST", path, body, self._credentials, stream=True)
        if not response.is_success:
            with connection_errors(self._unreachable):
                await response.aread()
            raise error_of_response(response)
        return AsyncStream(response, decoder)

    async def _send(
        self, method: str, path: str, body: Body | None, auth: Credentials | None, stream: bool = False
    ) -> httpx.Response:
        request = self.http.build_request(method, path, json=body)
        with connection_errors(self._unreachable):
            return await self.http.send(request, auth=auth, stream=stream)
