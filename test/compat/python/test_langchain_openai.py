"""LangChain with OpenAI's API: `langchain-openai`."""

import asyncio

import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from conftest import (
    ASK_JSON,
    ASK_TWICE,
    ASK_WEATHER,
    BREAKING_MODEL,
    EMBEDDING_MODEL,
    ENDLESS,
    GREETING,
    MODEL,
    WEATHER,
    WEATHER_ANSWER,
)


@pytest.fixture
def options(url, key):
    return {"base_url": f"{url}/openai/v1", "api_key": key}


@pytest.fixture
def chat(options):
    return ChatOpenAI(model=MODEL, **options)


class City(BaseModel):
    """A city."""

    city: str
    population: int


@tool
def get_weather(city: str) -> str:
    """Weather of a city"""
    return WEATHER


def test_chat(chat):
    reply = chat.invoke("Hello!")
    assert reply.content == GREETING
    assert reply.usage_metadata["total_tokens"] > 0
    assert reply.response_metadata["finish_reason"] == "stop"


def test_chat_stops_at_its_limit(options):
    reply = ChatOpenAI(model=MODEL, max_tokens=2, **options).invoke("Hello!")
    assert reply.response_metadata["finish_reason"] == "length"
    assert reply.usage_metadata["output_tokens"] == 2


def test_chat_stream(options):
    whole = None
    for chunk in ChatOpenAI(model=MODEL, stream_usage=True, **options).stream("Hello!"):
        whole = chunk if whole is None else whole + chunk
    assert whole.content == GREETING
    assert whole.usage_metadata["output_tokens"] > 0


def test_tools(chat):
    bound = chat.bind_tools([get_weather])
    question = HumanMessage(ASK_WEATHER)
    reply = bound.invoke([question])
    [call] = reply.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
    result = get_weather.invoke(call)
    assert isinstance(result, ToolMessage)
    assert bound.invoke([question, reply, result]).content == WEATHER_ANSWER


def test_tools_stream(chat):
    whole = None
    for chunk in chat.bind_tools([get_weather]).stream(ASK_TWICE):
        whole = chunk if whole is None else whole + chunk
    assert [call["args"] for call in whole.tool_calls] == [{"city": "Paris"}, {"city": "Rome"}]


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_schema(chat, method):
    assert chat.with_structured_output(City, method=method).invoke(ASK_JSON).city == "Paris"


def test_completions(options):
    llm = OpenAI(model=MODEL, max_tokens=50, **options)
    assert llm.invoke("Hello!") == "".join(llm.stream("Hello!")) != ""


def test_embeddings(options):
    # Sends texts instead of token ids, which no model of Ollama could read.
    embeddings = OpenAIEmbeddings(model=EMBEDDING_MODEL, check_embedding_ctx_length=False, **options)
    one = embeddings.embed_query("hello")
    assert embeddings.embed_documents(["hello", "goodbye"])[0] == pytest.approx(one)


def test_responses(options):
    chat = ChatOpenAI(model=MODEL, use_responses_api=True, **options)
    assert chat.invoke("Hello!").text == GREETING
    assert "".join(chunk.text for chunk in chat.stream("Hello!")) == GREETING
    [call] = chat.bind_tools([get_weather]).invoke(ASK_WEATHER).tool_calls
    assert call["args"] == {"city": "Paris"}


def test_async(chat):
    async def body():
        reply, batch = await asyncio.gather(chat.ainvoke("Hello!"), chat.abatch(["Hello!", "Hello!"]))
        assert {one.content for one in [reply, *batch]} == {GREETING}
        assert "".join([chunk.content async for chunk in chat.astream("Hello!")]) == GREETING

    asyncio.run(body())


def test_errors(url, options):
    with pytest.raises(openai.AuthenticationError):
        ChatOpenAI(model=MODEL, base_url=f"{url}/openai/v1", api_key="pk_live_wrong").invoke("Hello!")
    with pytest.raises(openai.NotFoundError):
        ChatOpenAI(model="no-such-model", **options).invoke("Hello!")


def test_limits(url, blocked_key):
    chat = ChatOpenAI(model=MODEL, base_url=f"{url}/openai/v1", api_key=blocked_key)
    with pytest.raises(openai.RateLimitError):
        chat.invoke("Hello!")


@pytest.mark.simulated
def test_a_stream_that_fails_midway(options):
    text = ""
    with pytest.raises(openai.APIError):  # noqa: PT012
        for chunk in ChatOpenAI(model=BREAKING_MODEL, **options).stream("Hello!"):
            text += chunk.content
    assert text != ""


def test_leaving_a_stream(chat):
    stream = chat.stream(ENDLESS)
    next(stream)
    stream.close()
