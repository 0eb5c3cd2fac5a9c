"""litellm as a client, of the OpenAI gateway and of native Ollama."""

import asyncio
import json

import litellm
import pytest

from conftest import (
    ASK_JSON,
    ASK_TWICE,
    ASK_WEATHER,
    BREAKING_MODEL,
    BROKEN_MODEL,
    EMBEDDING_MODEL,
    ENDLESS,
    GREETING,
    HELLO,
    MODEL,
    NATIVE_MODEL,
    WEATHER,
    WEATHER_ANSWER,
    WEATHER_TOOL,
)

litellm.suppress_debug_info = True


@pytest.fixture
def openai(url, key):
    return {"api_base": f"{url}/openai/v1", "api_key": key, "max_retries": 0}


@pytest.fixture(params=["openai", "ollama_chat"])
def options(request, url, openai, key):
    """Of both ways to chat."""
    if request.param == "openai":
        return {"model": f"openai/{MODEL}", **openai}
    return {"model": f"ollama_chat/{NATIVE_MODEL}", "api_base": f"{url}/ollama", "api_key": key}


def test_chat(options):
    reply = litellm.completion(messages=HELLO, temperature=0, **options)
    assert reply.choices[0].message.content == GREETING
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens > 0


def test_chat_stops_at_its_limit(options):
    reply = litellm.completion(messages=HELLO, max_tokens=2, **options)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage.completion_tokens == 2


def test_chat_stream(options):
    chunks = list(litellm.completion(messages=HELLO, stream=True, **options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == GREETING
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_tools(options):
    messages = [{"role": "user", "content": ASK_WEATHER}]
    reply = litellm.completion(messages=messages, tools=[WEATHER_TOOL], **options)
    [call] = reply.choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})
    result = {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": WEATHER}
    messages += [reply.choices[0].message, result]
    answer = litellm.completion(messages=messages, tools=[WEATHER_TOOL], **options)
    assert answer.choices[0].message.content == WEATHER_ANSWER


def streamed_arguments(options, question):
    messages = [{"role": "user", "content": question}]
    chunks = list(litellm.completion(messages=messages, tools=[WEATHER_TOOL], stream=True, **options))
    calls = litellm.stream_chunk_builder(chunks, messages=messages).choices[0].message.tool_calls
    return [json.loads(call.function.arguments) for call in calls]


def test_tools_stream(options):
    assert streamed_arguments(options, ASK_WEATHER) == [{"city": "Paris"}]


def test_two_tools_stream(openai):
    # By Ollama's own API it takes two calls for one: it does not look at their index.
    options = {"model": f"openai/{MODEL}", **openai}
    assert streamed_arguments(options, ASK_TWICE) == [{"city": "Paris"}, {"city": "Rome"}]


def test_schema(options):
    schema = {
        "type": "object",
        "required": ["city", "population"],
        "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
        "additionalProperties": False,
    }
    format = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": schema}}
    messages = [{"role": "user", "content": ASK_JSON}]
    reply = litellm.completion(messages=messages, response_format=format, **options)
    assert json.loads(reply.choices[0].message.content)["city"] == "Paris"


def test_completions(openai):
    options = {"model": f"text-completion-openai/{MODEL}", "prompt": "Hello!", "max_tokens": 50, **openai}
    whole = litellm.text_completion(**options).choices[0].text
    stream = litellm.text_completion(stream=True, **options)
    assert "".join(chunk.choices[0].text or "" for chunk in stream) == whole != ""


def test_generate(url, key):
    options = {"model": f"ollama/{NATIVE_MODEL}", "api_base": f"{url}/ollama", "api_key": key}
    assert litellm.completion(messages=HELLO, **options).choices[0].message.content


def test_embeddings(url, key, openai):
    texts = ["hello", "goodbye"]
    reply = litellm.embedding(f"openai/{EMBEDDING_MODEL}", input=texts, encoding_format="float", **openai)
    assert [len(one["embedding"]) for one in reply.data] == [128, 128]
    assert reply.usage.prompt_tokens > 0
    # By Ollama's own API it sends no key, whatever it is given.
    with pytest.raises(litellm.AuthenticationError):
        litellm.embedding(f"ollama/{EMBEDDING_MODEL}", input=texts, api_base=f"{url}/ollama", api_key=key)


def test_async(options):
    async def body():
        reply = await litellm.acompletion(messages=HELLO, **options)
        stream = await litellm.acompletion(messages=HELLO, stream=True, **options)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert text == reply.choices[0].message.content == GREETING

    asyncio.run(body())


@pytest.mark.simulated
def test_errors(openai):
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(f"openai/{MODEL}", HELLO, **{**openai, "api_key": "pk_live_wrong"})
    with pytest.raises(litellm.NotFoundError):
        litellm.completion("openai/no-such-model", HELLO, **openai)
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(f"openai/{MODEL}", HELLO, temperature=7, **openai)
    with pytest.raises(litellm.exceptions.BadGatewayError):
        litellm.completion(f"openai/{BROKEN_MODEL}", HELLO, **openai)


def test_limits(options, blocked_key):
    with pytest.raises((litellm.RateLimitError, litellm.APIConnectionError), match="Rate limit reached"):
        litellm.completion(messages=HELLO, **{**options, "api_key": blocked_key})


@pytest.mark.simulated
def test_a_stream_that_fails_midway(openai):
    text = ""
    with pytest.raises(litellm.exceptions.MidStreamFallbackError):  # noqa: PT012
        for chunk in litellm.completion(f"openai/{BREAKING_MODEL}", HELLO, stream=True, **openai):
            text += chunk.choices[0].delta.content or ""
    assert text != ""


def test_leaving_a_stream(openai):
    messages = [{"role": "user", "content": ENDLESS}]
    stream = litellm.completion(f"openai/{MODEL}", messages, stream=True, **openai)
    next(iter(stream))
    stream.completion_stream.response.close()
