"""LangChain with Ollama's own API: `langchain-ollama`."""

import asyncio

import ollama
import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings, OllamaLLM
from pydantic import BaseModel

from conftest import (
    ASK_JSON,
    ASK_THOUGHTS,
    ASK_TWICE,
    ASK_WEATHER,
    BREAKING_MODEL,
    EMBEDDING_MODEL,
    ENDLESS,
    GREETING,
    NATIVE_MODEL,
    THINKING_MODEL,
    WEATHER,
    WEATHER_ANSWER,
)


def options_for(url, key):
    return {
        "base_url": f"{url}/ollama",
        "client_kwargs": {"headers": {"Authorization": f"Bearer {key}"}},
    }


@pytest.fixture
def options(url, key):
    return options_for(url, key)


@pytest.fixture
def chat(options):
    return ChatOllama(model=NATIVE_MODEL, **options)


class City(BaseModel):
    """A city."""

    city: str
    population: int


@tool
def get_weather(city: str) -> str:
    """Weather of a city"""
    return WEATHER


def test_models(options):
    assert ChatOllama(model=NATIVE_MODEL, validate_model_on_init=True, **options)


def test_chat(chat):
    reply = chat.invoke("Hello!")
    assert reply.content == GREETING
    assert reply.usage_metadata["total_tokens"] > 0
    assert reply.response_metadata["done_reason"] == "stop"


def test_chat_stops_at_its_limit(options):
    reply = ChatOllama(model=NATIVE_MODEL, num_predict=2, **options).invoke("Hello!")
    assert reply.response_metadata["done_reason"] == "length"
    assert reply.usage_metadata["output_tokens"] == 2


def test_chat_stream(chat):
    whole = None
    for chunk in chat.stream("Hello!"):
        whole = chunk if whole is None else whole + chunk
    assert whole.content == GREETING
    assert whole.usage_metadata["output_tokens"] > 0


def test_tools(chat):
    bound = chat.bind_tools([get_weather])
    question = HumanMessage(ASK_WEATHER)
    reply = bound.invoke([question])
    [call] = reply.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
    assert bound.invoke([question, reply, get_weather.invoke(call)]).content == WEATHER_ANSWER


def test_tools_stream(chat):
    whole = None
    for chunk in chat.bind_tools([get_weather]).stream(ASK_TWICE):
        whole = chunk if whole is None else whole + chunk
    assert [call["args"] for call in whole.tool_calls] == [{"city": "Paris"}, {"city": "Rome"}]


def test_schema(chat):
    assert chat.with_structured_output(City).invoke(ASK_JSON).city == "Paris"


def test_reasoning(options):
    reply = ChatOllama(model=THINKING_MODEL, reasoning=True, **options).invoke(ASK_THOUGHTS)
    assert reply.content == "The answer is 42."
    assert "6 times 5 is 30" in reply.additional_kwargs["reasoning_content"]


def test_generate(options):
    llm = OllamaLLM(model=NATIVE_MODEL, **options)
    assert llm.invoke("Hello!") == "".join(llm.stream("Hello!")) == GREETING


def test_embeddings(options):
    embeddings = OllamaEmbeddings(model=EMBEDDING_MODEL, **options)
    one = embeddings.embed_query("hello")
    assert embeddings.embed_documents(["hello", "goodbye"])[0] == pytest.approx(one)


def test_async(chat):
    async def body():
        reply, batch = await asyncio.gather(chat.ainvoke("Hello!"), chat.abatch(["Hello!", "Hello!"]))
        assert {one.content for one in [reply, *batch]} == {GREETING}
        assert "".join([chunk.content async for chunk in chat.astream("Hello!")]) == GREETING

    asyncio.run(body())


def test_errors(url, options):
    with pytest.raises(ollama.ResponseError, match="Incorrect API key provided"):
        ChatOllama(model=NATIVE_MODEL, **options_for(url, "pk_live_wrong")).invoke("Hello!")
    with pytest.raises(ollama.ResponseError, match="model 'no-such-model' not found"):
        ChatOllama(model="no-such-model", **options).invoke("Hello!")


def test_limits(url, blocked_key):
    with pytest.raises(ollama.ResponseError, match="Rate limit reached"):
        ChatOllama(model=NATIVE_MODEL, **options_for(url, blocked_key)).invoke("Hello!")


@pytest.mark.simulated
def test_a_stream_that_fails_midway(options):
    text = ""
    with pytest.raises(ollama.ResponseError):  # noqa: PT012
        for chunk in ChatOllama(model=BREAKING_MODEL, **options).stream("Hello!"):
            text += chunk.content
    assert text != ""


def test_leaving_a_stream(chat):
    stream = chat.stream(ENDLESS)
    next(stream)
    stream.close()
