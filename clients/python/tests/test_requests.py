"""What goes out: paths, bodies, headers."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from fake_server import Asked, fake_server, say

from parallama import ParallamaClient

MESSAGES = [{"role": "user", "content": "Hello!"}]


def nothing(_: Asked, handler: BaseHTTPRequestHandler) -> None:
    say(handler, 200, {})


def test_ollama_generate() -> None:
    with fake_server(nothing) as server, ParallamaClient(f"{server.url}/", "pk_live_1") as client:
        client.generate(model="llama2", prompt="Write", temperature=0.7, max_tokens=500)
    [asked] = server.asked
    assert (asked.method, asked.path) == ("POST", "/ollama/v1/generate")
    assert asked.authorization == "Bearer pk_live_1"
    assert asked.user_agent == "parallama-python/0.1.0"
    assert asked.body == {
        "model": "llama2",
        "prompt": "Write",
        "parameters": {"temperature": 0.7, "max_tokens": 500},
    }


def test_fields_beside_parameters_and_nothing_for_none() -> None:
    with fake_server(nothing) as server, ParallamaClient(server.url) as client:
        client.generate(
            prompt="x", system="s", keep_alive=5, top_k=3, stop=None, parameters={"seed": 1, "top_k": 4}
        )
        client.chat(messages=MESSAGES, tools=[], think=False)
    first, second = server.asked
    assert first.authorization is None
    assert first.body == {
        "prompt": "x",
        "system": "s",
        "keep_alive": 5,
        "parameters": {"top_k": 4, "seed": 1},
    }
    assert second.path == "/ollama/v1/chat"
    assert second.body == {"messages": MESSAGES, "tools": [], "think": False, "parameters": {}}


def test_openai() -> None:
    with fake_server(nothing) as server, ParallamaClient(server.url, gateway="openai") as client:
        client.generate(model="gpt-4", prompt=["a", "b"], max_tokens=500)
        client.chat(model="gpt-4", messages=MESSAGES, temperature=0)
    assert [(one.path, one.body) for one in server.asked] == [
        ("/openai/v1/completions", {"model": "gpt-4", "prompt": ["a", "b"], "max_tokens": 500}),
        ("/openai/v1/chat/completions", {"model": "gpt-4", "messages": MESSAGES, "temperature": 0}),
    ]


@pytest.mark.parametrize("gateway", ["ollama", "openai"])
def test_prefix(gateway: str) -> None:
    with fake_server(nothing) as server:
        client = ParallamaClient(f"{server.url}/ai", "k", gateway=gateway)  # type: ignore[call-overload]
        client.list_models()
        client.completions.create(prompt="x")
        client.chat.completions.create(messages=MESSAGES)
        client.usage()
        client.close()
    assert [one.path for one in server.asked] == [
        f"/ai/{gateway}/v1/models",
        "/ai/openai/v1/completions",
        "/ai/openai/v1/chat/completions",
        "/ai/admin/v1/usage",
    ]


def test_register_by_invitation() -> None:
    with fake_server(nothing) as server, ParallamaClient(server.url, "k") as client:
        client.register("bob", "secret123", invitation="come in")
    [asked] = server.asked
    assert asked.authorization is None
    assert asked.body == {"username": "bob", "password": "secret123", "invitation": "come in"}


def test_the_callers_transport() -> None:
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, json={"models": []})

    with ParallamaClient("http://nowhere.invalid", transport=httpx.MockTransport(answer)) as client:
        assert client.list_models() == {"models": []}
    assert urls == ["http://nowhere.invalid/ollama/v1/models"]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="base_url"):
        ParallamaClient("localhost:8000")
    with pytest.raises(ValueError, match="'ollama' or 'openai'"):
        ParallamaClient("http://x", gateway="other")  # type: ignore[call-overload]
