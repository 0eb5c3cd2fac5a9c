"""Client of Parallama: accounts, API keys, quotas and metering in front of Ollama."""

from ._async_client import AsyncOllamaClient, AsyncOpenAIClient, AsyncParallamaClient
from ._client import OllamaClient, OpenAIClient, ParallamaClient
from ._errors import ParallamaError
from ._streams import AsyncStream, Stream

__all__ = [
    "AsyncOllamaClient",
    "AsyncOpenAIClient",
    "AsyncParallamaClient",
    "AsyncStream",
    "OllamaClient",
    "OpenAIClient",
    "ParallamaClient",
    "ParallamaError",
    "Stream",
]
