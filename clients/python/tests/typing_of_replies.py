"""Not run: mypy reads this to see that a call's type follows from the gateway and from `stream`."""

from __future__ import annotations

from typing_extensions import assert_type

from parallama import (
    AsyncOllamaClient,
    AsyncParallamaClient,
    AsyncStream,
    OllamaClient,
    OpenAIClient,
    ParallamaClient,
    Stream,
)
from parallama.types import (
    OllamaChatReply,
    OllamaGenerateChunk,
    OllamaGenerateReply,
    OpenAIChatChunk,
    OpenAIChatCompletion,
    OpenAICompletion,
    OpenAIModelList,
)

MESSAGES = [{"role": "user", "content": "Hello!"}]


def ollama(url: str) -> None:
    client = ParallamaClient(url, "key")
    assert_type(client, OllamaClient)
    assert_type(client.generate(prompt="x"), OllamaGenerateReply)
    assert_type(client.generate(prompt="x", stream=True), Stream[OllamaGenerateChunk])
    assert_type(client.chat(messages=MESSAGES)["messages"][0]["content"], str)
    assert_type(client.completions.create(prompt="x"), OpenAICompletion)
    assert_type(client.chat.completions.create(messages=MESSAGES), OpenAIChatCompletion)


def openai(url: str) -> None:
    client = ParallamaClient(url, "key", gateway="openai")
    assert_type(client, OpenAIClient)
    assert_type(client.list_models(), OpenAIModelList)
    assert_type(client.chat(messages=MESSAGES, stream=True), Stream[OpenAIChatChunk])


async def asynchronous(url: str) -> None:
    async with AsyncParallamaClient(url) as client:
        assert_type(client.chat(messages=MESSAGES, model=None).close(), None)
        assert_type(await client.chat(messages=MESSAGES), OllamaChatReply)
        assert_type(await client.generate(prompt="x", stream=True), AsyncStream[OllamaGenerateChunk])
    first: AsyncOllamaClient = AsyncParallamaClient(url, gateway="ollama")
    await first.aclose()
