"""What a client proves itself with: tokens where it has them, else its API key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any

import httpx

from ._errors import ParallamaError, json_of


class Credentials(httpx.Auth):
    """Signs requests; after a 401 with a refresh token at hand, signs once more with a new access token.

    A refresh token works once: calls that need a new access token at the same time share one exchange.
    """

    def __init__(
        self, root: str, api_key: str | None, access_token: str | None, refresh_token: str | None
    ) -> None:
        self.access_token = access_token
        self.refresh_token = refresh_token
        self._api_key = api_key
        self._url = f"{root}/auth/token"
        self._lock = threading.Lock()
        self._async_lock = asyncio.Lock()

    def keep(self, tokens: Mapping[str, Any]) -> None:
        """Takes what a login, a registration (no access token) or a refresh (maybe no refresh token) gave."""
        self.access_token = tokens.get("access_token")
        self.refresh_token = tokens.get("refresh_token") or self.refresh_token

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        used = self.access_token
        if used is not None or self.refresh_token is None:
            response = yield self._signed(request)
            if response.status_code != 401 or self.refresh_token is None:
                return
        with self._lock:
            if self._needs_token(used):
                response = yield self._exchange(request)
                response.read()
                self._keep_exchanged(response)
        yield self._signed(request)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        used = self.access_token
        if used is not None or self.refresh_token is None:
            response = yield self._signed(request)
            if response.status_code != 401 or self.refresh_token is None:
                return
        async with self._async_lock:
            if self._needs_token(used):
                response = yield self._exchange(request)
                await response.aread()
                self._keep_exchanged(response)
        yield self._signed(request)

    def _signed(self, request: httpx.Request) -> httpx.Request:
        bearer = self.access_token or self._api_key
        if bearer is not None:
            request.headers["Authorization"] = f"Bearer {bearer}"
        return request

    def _needs_token(self, used: str | None) -> bool:
        # Another call may have fetched a new token, or lost the old one, while this one was on its way.
        return self.access_token == used and self.refresh_token is not None

    def _exchange(self, request: httpx.Request) -> httpx.Request:
        # The extensions carry the timeouts.
        body = {"refresh_token": self.refresh_token}
        return httpx.Request("POST", self._url, json=body, extensions=request.extensions)

    def _keep_exchanged(self, response: httpx.Response) -> None:
        try:
            self.keep(json_of(response))
        except ParallamaError as error:
            # Refused for good; any other failure leaves the token as good as it was.
            if error.status == 401:
                self.refresh_token = None
            raise
