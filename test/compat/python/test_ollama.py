"""The official `ollama` package."""

import asyncio

import ollama
import pytest
from pydantic import BaseModel

from conftest import (
    ASK_JSON,
    ASK_THOUGHTS,
    ASK_TWICE,
    ASK_WEATHER,
    BREAKING_MODEL,
    BROKEN_MODEL,
    EMBEDDING_MODEL,
    ENDLESS,
    GREETING,
    HELLO,
    NATIVE_MODEL,
    THINKING_MODEL,
    WEATHER,
    WEATHER_ANSWER,
)


def client_for(url, key):
    return ollama.Client(host=f"{url}/ollama", headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def client(url, key):
    return client_for(url, key)


class City(BaseModel):
    city: str
    population: int


def get_weather(city: str) -> str:
    """Weather of a city

    Args:
      city: The city
    """
    return WEATHER


def test_models(client):
    names = [model.model for model in client.list().models]
    assert f"{NATIVE_MODEL}:latest" in names
    shown = client.show(NATIVE_MODEL)
    assert "completion" in shown.capabilities
    assert shown.modelinfo
    client.chat(NATIVE_MODEL, HELLO)
    assert f"{NATIVE_MODEL}:latest" in [model.model for model in client.ps().models]


def test_chat(client):
    reply = client.chat(NATIVE_MODEL, HELLO, options={"temperature": 0})
    assert reply.message.content == GREETING
    assert (reply.model, reply.done_reason) == (NATIVE_MODEL, "stop")
    assert reply.eval_count > 0
    assert reply.prompt_eval_count > 0


def test_chat_stops_at_its_limit(client):
    reply = client.chat(NATIVE_MODEL, HELLO, options={"num_predict": 2})
    assert (reply.done_reason, reply.eval_count) == ("length", 2)


def test_chat_stream(client):
    parts = list(client.chat(NATIVE_MODEL, HELLO, stream=True))
    assert "".join(part.message.content for part in parts) == GREETING
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]


def test_scripts_of_the_world(client):
    messages = [{"role": "user", "content": "Say something in many scripts"}]
    whole = client.chat(NATIVE_MODEL, messages).message.content
    assert "漢字とかな" in whole
    stream = client.chat(NATIVE_MODEL, messages, stream=True)
    assert "".join(part.message.content for part in stream) == whole


def test_tools(client):
    messages = [{"role": "user", "content": ASK_WEATHER}]
    reply = client.chat(NATIVE_MODEL, messages, tools=[get_weather])
    [call] = reply.message.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", {"city": "Paris"})
    result = {"role": "tool", "tool_name": "get_weather", "content": get_weather(**call.function.arguments)}
    answer = client.chat(NATIVE_MODEL, [*messages, reply.message, result], tools=[get_weather])
    assert answer.message.content == WEATHER_ANSWER


def test_tools_stream(client):
    messages = [{"role": "user", "content": ASK_TWICE}]
    parts = client.chat(NATIVE_MODEL, messages, tools=[get_weather], stream=True)
    calls = [call for part in parts for call in part.message.tool_calls or []]
    assert [call.function.arguments for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]


def test_schema(client):
    messages = [{"role": "user", "content": ASK_JSON}]
    reply = client.chat(NATIVE_MODEL, messages, format=City.model_json_schema())
    assert City.model_validate_json(reply.message.content).city == "Paris"


def test_reasoning(client):
    messages = [{"role": "user", "content": ASK_THOUGHTS}]
    reply = client.chat(THINKING_MODEL, messages, think=True)
    assert reply.message.content == "The answer is 42."
    assert "6 times 5 is 30" in reply.message.thinking


def test_generate(client):
    whole = client.generate(NATIVE_MODEL, "Hello!")
    assert whole.response == GREETING
    stream = client.generate(NATIVE_MODEL, "Hello!", stream=True)
    assert "".join(part.response for part in stream) == GREETING


def test_embeddings(client):
    reply = client.embed(EMBEDDING_MODEL, ["hello", "goodbye"])
    assert len(reply.embeddings) == 2
    assert sum(value * value for value in reply.embeddings[0]) == pytest.approx(1, abs=1e-3)
    assert len(client.embed(EMBEDDING_MODEL, "hello", dimensions=8).embeddings[0]) == 8
    assert len(client.embeddings(EMBEDDING_MODEL, "hello").embedding) == len(reply.embeddings[0])


def test_async(url, key):
    async def body():
        headers = {"Authorization": f"Bearer {key}"}
        client = ollama.AsyncClient(host=f"{url}/ollama", headers=headers)
        stream, reply = await asyncio.gather(
            client.chat(NATIVE_MODEL, HELLO, stream=True), client.chat(NATIVE_MODEL, HELLO)
        )
        text = "".join([part.message.content async for part in stream])
        assert text == reply.message.content == GREETING

    asyncio.run(body())


@pytest.mark.simulated
def test_errors(url, client):
    with pytest.raises(ollama.ResponseError) as wrong_key:
        client_for(url, "pk_live_wrong").list()
    assert wrong_key.value.status_code == 401
    assert wrong_key.value.error.startswith("Incorrect API key provided")
    with pytest.raises(ollama.ResponseError) as unknown:
        client.chat("no-such-model", HELLO)
    assert (unknown.value.status_code, unknown.value.error) == (404, "model 'no-such-model' not found")
    with pytest.raises(ollama.ResponseError) as broken:
        client.chat(BROKEN_MODEL, HELLO)
    assert broken.value.status_code == 502
    with pytest.raises(ollama.ResponseError) as forbidden:
        client.pull("mistral")
    assert forbidden.value.status_code == 403


def test_limits(url, blocked_key):
    with pytest.raises(ollama.ResponseError, match="Rate limit reached") as limited:
        client_for(url, blocked_key).chat(NATIVE_MODEL, HELLO)
    assert limited.value.status_code == 429


@pytest.mark.simulated
def test_a_stream_that_fails_midway(client):
    text = ""
    with pytest.raises(ollama.ResponseError):  # noqa: PT012
        for part in client.chat(BREAKING_MODEL, HELLO, stream=True):
            text += part.message.content
    assert text != ""


def test_leaving_a_stream(client):
    stream = client.chat(NATIVE_MODEL, [{"role": "user", "content": ENDLESS}], stream=True)
    next(stream)
    stream.close()
