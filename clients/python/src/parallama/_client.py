"""The client that waits for its answers."""

from __future__ import annotations

from types import TracebackType
from typing import Generic, Literal, TypeAlias, TypeVar, cast, overload

import httpx

from ._connections import Connection
from ._credentials import Credentials
from ._operations import Chat, Completions, Generate
from ._settings import DEFAULT_TIMEOUT, account, checked_dialect, checked_root
from ._streams import Stream
from .types import (
    Login,
    OllamaChatChunk,
    OllamaChatReply,
    OllamaGenerateChunk,
    OllamaGenerateReply,
    OllamaModelList,
    OpenAIChatChunk,
    OpenAIChatCompletion,
    OpenAICompletion,
    OpenAICompletionChunk,
    OpenAIModelList,
    Registration,
    Usage,
)

ModelList = TypeVar("ModelList")
GenerateReply = TypeVar("GenerateReply")
GenerateChunk = TypeVar("GenerateChunk")
ChatReply = TypeVar("ChatReply")
ChatChunk = TypeVar("ChatChunk")

_OpenAIGenerate: TypeAlias = Completions[OpenAICompletion, Stream[OpenAICompletionChunk]]
_Chat: TypeAlias = Chat[ChatReply, Stream[ChatChunk], OpenAIChatCompletion, Stream[OpenAIChatChunk]]


class ParallamaClient(Generic[ModelList, GenerateReply, GenerateChunk, ChatReply, ChatChunk]):
    """A client of a Parallama gateway. Every method raises ParallamaError.

    >>> client = ParallamaClient("http://server:8000", api_key="pk_live_...")
    >>> client.generate(model="llama2", prompt="Write a poem about AI", temperature=0.7)["text"]

    May be used from several threads. Close it, or use it in a `with` statement.
    """

    generate: Generate[GenerateReply, Stream[GenerateChunk]]
    """From `/ollama/v1/generate`, or `/openai/v1/completions` in OpenAI's shape."""
    chat: _Chat[ChatReply, ChatChunk]
    """From `/ollama/v1/chat`, or `/openai/v1/chat/completions` in OpenAI's shape."""
    completions: _OpenAIGenerate

    @overload
    def __init__(
        self: OllamaClient,
        base_url: str,
        api_key: str | None = ...,
        gateway: Literal["ollama"] = ...,
        access_token: str | None = ...,
        refresh_token: str | None = ...,
        timeout: float | httpx.Timeout | None = ...,
        transport: httpx.BaseTransport | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: OpenAIClient,
        base_url: str,
        api_key: str | None = ...,
        gateway: Literal["openai"] = ...,
        access_token: str | None = ...,
        refresh_token: str | None = ...,
        timeout: float | httpx.Timeout | None = ...,
        transport: httpx.BaseTransport | None = ...,
    ) -> None: ...
    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        gateway: Literal["ollama", "openai"] = "ollama",
        access_token: str | None = None,
        refresh_token: str | None = None,
        timeout: float | httpx.Timeout | None = DEFAULT_TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """
        :param base_url: with the prefix the gateway is mounted under: `http://server:8000`, `https://host/ai`
        :param gateway: whose API `list_models`, `generate` and `chat` speak
        :param access_token: from an earlier login; goes before `api_key`
        :param refresh_token: from an earlier login or registration; exchanged for a new access token when
            that is missing or refused
        :param timeout: seconds without a byte; None waits for ever
        :param transport: replaces httpx's own
        :raises ValueError: where `base_url` or `gateway` is wrong
        """
        root = checked_root(base_url)
        self._dialect = checked_dialect(gateway)
        self._credentials = Credentials(root, api_key, access_token, refresh_token)
        self._connection = Connection(root, self._credentials, timeout, transport)
        self.generate = Generate(self._connection, self._dialect)
        self.completions = Completions(self._connection)
        self.chat = Chat(self._connection, self._dialect)

    @property
    def access_token(self) -> str | None:
        """The current one. Changes when it is refreshed."""
        return self._credentials.access_token

    @property
    def refresh_token(self) -> str | None:
        """The current one, to be kept for a later session. A new one comes with every refresh."""
        return self._credentials.refresh_token

    def list_models(self) -> ModelList:
        return cast(ModelList, self._connection.get(self._dialect.models))

    def usage(self) -> Usage:
        """What the caller has used and has left, by gateway."""
        return cast(Usage, self._connection.get("/admin/v1/usage"))

    def register(self, username: str, password: str, invitation: str | None = None) -> Registration:
        """Makes an account and keeps its refresh token: the client is then logged in."""
        body = account(username, password, invitation)
        reply: Registration = self._connection.ask_unsigned("/auth/register", body)
        self._credentials.keep(reply)
        return reply

    def login(self, username: str, password: str) -> Login:
        """Logs in and keeps the tokens, which go before an API key from then on."""
        reply: Login = self._connection.ask_unsigned("/auth/login", account(username, password))
        self._credentials.keep(reply)
        return reply

    def close(self) -> None:
        self._connection.http.close()

    def __enter__(
        self,
    ) -> ParallamaClient[ModelList, GenerateReply, GenerateChunk, ChatReply, ChatChunk]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


OllamaClient: TypeAlias = ParallamaClient[
    OllamaModelList, OllamaGenerateReply, OllamaGenerateChunk, OllamaChatReply, OllamaChatChunk
]
OpenAIClient: TypeAlias = ParallamaClient[
    OpenAIModelList, OpenAICompletion, OpenAICompletionChunk, OpenAIChatCompletion, OpenAIChatChunk
]
