"""The official `openai` package."""

import asyncio
import json

import openai
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
    MODEL,
    THINKING_MODEL,
    WEATHER,
    WEATHER_ANSWER,
    WEATHER_TOOL,
)


@pytest.fixture
def client(url, key):
    with openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key) as client:
        yield client


class City(BaseModel):
    city: str
    population: int


def test_models(client):
    names = [model.id for model in client.models.list()]
    assert names[0] == MODEL
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_chat(client):
    reply = client.chat.completions.create(model=MODEL, messages=HELLO, temperature=0)
    assert reply.model == MODEL
    assert reply.choices[0].message.content == GREETING
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply._request_id


def test_chat_stops_at_its_limit(client):
    reply = client.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=2)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 2


def test_chat_stream(client):
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    *deltas, counted = chunks
    assert "".join(chunk.choices[0].delta.content or "" for chunk in deltas) == GREETING
    assert [chunk.choices[0].delta.role for chunk in deltas if chunk.choices[0].delta.role] == ["assistant"]
    assert deltas[-1].choices[0].finish_reason == "stop"
    assert counted.choices == []
    assert counted.usage.completion_tokens > 0


def test_chat_stream_helper(client):
    with client.chat.completions.stream(model=MODEL, messages=HELLO) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        assert text == GREETING
        assert stream.get_final_completion().choices[0].message.role == "assistant"


def test_tools(client):
    messages = [{"role": "user", "content": ASK_WEATHER}]
    reply = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER_TOOL])
    assert reply.choices[0].finish_reason == "tool_calls"
    [call] = reply.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    messages += [reply.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": WEATHER}]
    answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER_TOOL])
    assert answer.choices[0].message.content == WEATHER_ANSWER


def test_tools_stream(client):
    messages = [{"role": "user", "content": ASK_TWICE}]
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[WEATHER_TOOL]) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.role == "assistant"
    assert [json.loads(call.function.arguments) for call in message.tool_calls] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]
    assert len({call.id for call in message.tool_calls}) == 2


def test_schema(client):
    messages = [{"role": "user", "content": ASK_JSON}]
    reply = client.chat.completions.parse(model=MODEL, messages=messages, response_format=City)
    assert reply.choices[0].message.parsed.city == "Paris"


def test_reasoning(client):
    messages = [{"role": "user", "content": ASK_THOUGHTS}]
    reply = client.chat.completions.create(model=THINKING_MODEL, messages=messages)
    assert reply.choices[0].message.content == "The answer is 42."
    assert "6 times 5 is 30" in reply.choices[0].message.reasoning


def test_logprobs(client):
    reply = client.chat.completions.create(model=MODEL, messages=HELLO, logprobs=True, top_logprobs=2)
    first = reply.choices[0].logprobs.content[0]
    assert first.logprob <= 0
    assert len(first.top_logprobs) == 2


def test_completions(client):
    reply = client.completions.create(model=MODEL, prompt=["Hello!", "Hello!"], max_tokens=50)
    assert [choice.index for choice in reply.choices] == [0, 1]
    assert reply.choices[0].text == reply.choices[1].text != ""
    stream = client.completions.create(model=MODEL, prompt="Hello!", max_tokens=50, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == reply.choices[0].text


def test_embeddings(client):
    whole = client.embeddings.create(model=EMBEDDING_MODEL, input=["hello", "goodbye"])
    floats = client.embeddings.create(model=EMBEDDING_MODEL, input="hello", encoding_format="float")
    assert [one.index for one in whole.data] == [0, 1]
    assert whole.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)
    assert whole.usage.prompt_tokens > 0
    short = client.embeddings.create(model=EMBEDDING_MODEL, input="hello", dimensions=8)
    assert len(short.data[0].embedding) == 8


def test_responses(client):
    reply = client.responses.create(model=MODEL, input="Hello!")
    assert (reply.status, reply.output_text) == ("completed", GREETING)
    with client.responses.stream(model=MODEL, input="Hello!") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert text == stream.get_final_response().output_text == GREETING


def test_async(url, key):
    async def body():
        async with openai.AsyncOpenAI(base_url=f"{url}/openai/v1", api_key=key) as client:
            stream, reply = await asyncio.gather(
                client.chat.completions.create(model=MODEL, messages=HELLO, stream=True),
                client.chat.completions.create(model=MODEL, messages=HELLO),
            )
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            assert text == reply.choices[0].message.content == GREETING

    asyncio.run(body())


@pytest.mark.simulated
def test_errors(client):
    with pytest.raises(openai.AuthenticationError) as wrong_key:
        client.with_options(api_key="pk_live_wrong").models.list()
    assert wrong_key.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model=MODEL, messages=HELLO, temperature=7)
    assert (bad.value.type, bad.value.param) == ("invalid_request_error", "temperature")
    assert bad.value.request_id
    with pytest.raises(openai.InternalServerError) as broken:
        client.with_options(max_retries=0).chat.completions.create(model=BROKEN_MODEL, messages=HELLO)
    assert broken.value.status_code == 502


def test_limits(client, blocked_key):
    with pytest.raises(openai.RateLimitError) as limited:
        client.with_options(api_key=blocked_key).chat.completions.create(model=MODEL, messages=HELLO)
    error = limited.value
    assert (error.code, error.type) == ("rate_limit_exceeded", "requests")
    assert error.response.headers["x-ratelimit-limit-requests"] == "0"
    assert int(error.response.headers["retry-after"]) > 0


@pytest.mark.simulated
def test_a_stream_that_fails_midway(client):
    text = ""
    with pytest.raises(openai.APIError) as failed:  # noqa: PT012
        for chunk in client.chat.completions.create(model=BREAKING_MODEL, messages=HELLO, stream=True):
            text += chunk.choices[0].delta.content or ""
    assert failed.value.code == "upstream_error"
    assert text != ""


def test_leaving_a_stream(client):
    messages = [{"role": "user", "content": ENDLESS}]
    with client.chat.completions.create(model=MODEL, messages=messages, stream=True) as stream:
        next(iter(stream))
