"""What the clients give: plain dicts in the shapes of the usage guide, field by field as on the wire."""

from __future__ import annotations

from typing import Any, TypedDict


class TokenUsage(TypedDict):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ModelDetails(TypedDict):
    format: str
    family: str


class OllamaModel(TypedDict):
    name: str
    size: str
    modified: str | None
    details: ModelDetails


class OllamaModelList(TypedDict):
    models: list[OllamaModel]


class _Thinking(TypedDict, total=False):
    thinking: str


class OllamaGenerateReply(_Thinking):
    text: str
    usage: TokenUsage


class _LastChunk(TypedDict, total=False):
    usage: TokenUsage


class OllamaGenerateChunk(_Thinking, _LastChunk):
    """The last one is `done` and has the usage."""

    text: str
    done: bool


class OllamaMessage(_Thinking):
    role: str
    content: str


class OllamaToolMessage(OllamaMessage, total=False):
    tool_calls: list[dict[str, Any]]


class OllamaChatReply(TypedDict):
    messages: list[OllamaToolMessage]
    usage: TokenUsage


class OllamaChatChunk(_LastChunk):
    """The last one is `done` and has the usage."""

    messages: list[OllamaToolMessage]
    done: bool


class OpenAIModel(TypedDict):
    id: str
    object: str
    created: int
    owned_by: str


class OpenAIModelList(TypedDict):
    object: str
    data: list[OpenAIModel]


class _Choice(TypedDict):
    index: int
    finish_reason: str | None
    logprobs: dict[str, Any] | None


class OpenAITextChoice(_Choice):
    text: str


class OpenAIMessage(TypedDict, total=False):
    role: str
    content: str | None
    reasoning: str
    tool_calls: list[dict[str, Any]]


class OpenAIMessageChoice(_Choice):
    message: OpenAIMessage


class OpenAIDeltaChoice(_Choice):
    delta: OpenAIMessage


class _Head(TypedDict):
    id: str
    object: str
    created: int
    model: str


class _Counted(_Head):
    usage: TokenUsage


class _MaybeCounted(_Head, total=False):
    usage: TokenUsage | None
    """With `stream_options={"include_usage": True}`: in the last chunk, which has no choices."""


class OpenAICompletion(_Counted):
    choices: list[OpenAITextChoice]


class OpenAICompletionChunk(_MaybeCounted):
    choices: list[OpenAITextChoice]


class OpenAIChatCompletion(_Counted):
    choices: list[OpenAIMessageChoice]


class OpenAIChatChunk(_MaybeCounted):
    choices: list[OpenAIDeltaChoice]


class Registration(TypedDict):
    user_id: str
    username: str
    role: str
    refresh_token: str


class Login(TypedDict):
    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    """Seconds."""


class UsageWindow(TypedDict):
    """What is left is None where it is unlimited."""

    total_tokens: int
    total_requests: int
    remaining_tokens: int | None
    remaining_requests: int | None


class GatewayUsage(TypedDict):
    today: UsageWindow
    current_hour: UsageWindow


class Usage(TypedDict):
    gateways: dict[str, GatewayUsage]
    """By `ollama` and `openai`."""
