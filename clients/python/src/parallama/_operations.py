"""The calls that a model works for. `Reply` and `Chunks` are awaitable where the client is asynchronous."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, Protocol, TypeVar, cast, overload

from ._decoders import Decoder
from ._dialects import DIALECTS, Dialect

Reply = TypeVar("Reply")
Chunks = TypeVar("Chunks")
OpenAIReply = TypeVar("OpenAIReply")
OpenAIChunks = TypeVar("OpenAIChunks")

Messages = Sequence[Mapping[str, Any]]
OPENAI = DIALECTS["openai"]


class Connection(Protocol):
    """What an operation needs of a client: a whole answer, or a stream of chunks."""

    def ask(self, path: str, body: Mapping[str, Any]) -> Any: ...
    def open(self, path: str, body: Mapping[str, Any], decoder: Decoder) -> Any: ...


class Generate(Generic[Reply, Chunks]):
    """Generates text. Options of the model (`temperature`, `max_tokens`, ...) go beside the prompt."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._run = _runner(connection, dialect, dialect.generate)

    @overload
    def __call__(
        self,
        *,
        prompt: str | list[str],
        model: str | None = ...,
        stream: Literal[False] = ...,
        **options: Any,
    ) -> Reply: ...
    @overload
    def __call__(
        self, *, prompt: str | list[str], model: str | None = ..., stream: Literal[True], **options: Any
    ) -> Chunks: ...
    def __call__(
        self, *, prompt: str | list[str], model: str | None = None, stream: bool = False, **options: Any
    ) -> Reply | Chunks:
        request = {"model": model, "prompt": prompt, "stream": stream or None, **options}
        return cast("Reply | Chunks", self._run(request))


class Say(Generic[Reply, Chunks]):
    """Continues a conversation. Options of the model go beside the messages."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._run = _runner(connection, dialect, dialect.chat)

    @overload
    def __call__(
        self, *, messages: Messages, model: str | None = ..., stream: Literal[False] = ..., **options: Any
    ) -> Reply: ...
    @overload
    def __call__(
        self, *, messages: Messages, model: str | None = ..., stream: Literal[True], **options: Any
    ) -> Chunks: ...
    def __call__(
        self, *, messages: Messages, model: str | None = None, stream: bool = False, **options: Any
    ) -> Reply | Chunks:
        request = {"model": model, "messages": messages, "stream": stream or None, **options}
        return cast("Reply | Chunks", self._run(request))


class Completions(Generic[Reply, Chunks]):
    """OpenAI's completions, whatever the gateway."""

    def __init__(self, connection: Connection) -> None:
        self.create: Generate[Reply, Chunks] = Generate(connection, OPENAI)


class ChatCompletions(Generic[Reply, Chunks]):
    """OpenAI's chat completions, whatever the gateway."""

    def __init__(self, connection: Connection) -> None:
        self.create: Say[Reply, Chunks] = Say(connection, OPENAI)


class Chat(Say[Reply, Chunks], Generic[Reply, Chunks, OpenAIReply, OpenAIChunks]):
    """Continues a conversation; `chat.completions.create` does so in OpenAI's shape, whatever the gateway."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        super().__init__(connection, dialect)
        self.completions: ChatCompletions[OpenAIReply, OpenAIChunks] = ChatCompletions(connection)


def _runner(connection: Connection, dialect: Dialect, path: str) -> Callable[[Mapping[str, Any]], Any]:
    def run(request: Mapping[str, Any]) -> Any:
        # None is what Python says for "not given".
        body = dialect.body({name: value for name, value in request.items() if value is not None})
        if body.get("stream"):
            return connection.open(path, body, dialect.decoder())
        return connection.ask(path, body)

    return run
