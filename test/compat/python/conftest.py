"""The gateway, started by test/compat/python.test.ts, and what the clients are asked to do with it."""

import os

import pytest

# The name of the mapping, and the model behind it.
MODEL = "gpt-4o"
NATIVE_MODEL = "tiny"
THINKING_MODEL = "tiny-think"
EMBEDDING_MODEL = "tiny-embed"
# Fails after a few tokens of each answer; fails at once.
BREAKING_MODEL = "breaks"
BROKEN_MODEL = "broken"

GREETING = "Hi! How can I help you today?"
HELLO = [{"role": "user", "content": "Hello!"}]
ENDLESS = "count from 1 to 10000"

WEATHER_PARAMETERS = {
    "type": "object",
    "required": ["city"],
    "properties": {"city": {"type": "string"}},
}
WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": WEATHER_PARAMETERS,
    },
}
ASK_WEATHER = "What is the weather in Paris?"
ASK_TWICE = "What is the weather in Paris and Rome?"
WEATHER = "18 C and sunny"
WEATHER_ANSWER = "It is 18 C and sunny in Paris."
ASK_JSON = "Give me JSON about Paris"
ASK_THOUGHTS = "What is 6 times 7? Think first"


@pytest.fixture(scope="session")
def url():
    return os.environ["PARALLAMA_URL"]


@pytest.fixture(scope="session")
def key():
    """Of a user without limits."""
    return os.environ["PARALLAMA_KEY"]


@pytest.fixture(scope="session")
def blocked_key():
    """Of a user who may make no request."""
    return os.environ["PARALLAMA_BLOCKED_KEY"]
