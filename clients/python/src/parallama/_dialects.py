"""How the two gateways differ on the wire: paths, where options go, and what streams look like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ._decoders import Decoder, NdjsonDecoder, SseDecoder

Body = dict[str, Any]


@dataclass(frozen=True)
class Dialect:
    models: str
    generate: str
    chat: str
    body: Callable[[Body], Body]
    """The JSON to send for what the caller gave."""
    decoder: Callable[[], Decoder]


# What the guide's requests have beside `parameters`; all else is an option of the model and goes into them.
_FIELDS = frozenset(
    {
        "model",
        "prompt",
        "messages",
        "stream",
        "system",
        "suffix",
        "images",
        "format",
        "tools",
        "think",
        "keep_alive",
    }
)


def _ollama_body(request: Body) -> Body:
    given = dict(request)
    parameters = given.pop("parameters", {})
    fields = {name: value for name, value in given.items() if name in _FIELDS}
    options = {name: value for name, value in given.items() if name not in _FIELDS}
    return {**fields, "parameters": {**options, **parameters}}


DIALECTS = {
    "ollama": Dialect(
        models="/ollama/v1/models",
        generate="/ollama/v1/generate",
        chat="/ollama/v1/chat",
        body=_ollama_body,
        decoder=NdjsonDecoder,
    ),
    "openai": Dialect(
        models="/openai/v1/models",
        generate="/openai/v1/completions",
        chat="/openai/v1/chat/completions",
        body=lambda request: request,
        decoder=SseDecoder,
    ),
}
