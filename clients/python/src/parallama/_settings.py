"""What both clients make of their arguments."""

from __future__ import annotations

import re
from importlib.metadata import version

import httpx

from ._dialects import DIALECTS, Dialect

DEFAULT_TIMEOUT = httpx.Timeout(600.0, connect=10.0)
"""A model that is loaded first, or reads a long prompt, takes minutes until its first byte."""

HEADERS = {"User-Agent": f"parallama-python/{version('parallama')}"}


def checked_root(base_url: str) -> str:
    if not re.match(r"https?://.", base_url, re.IGNORECASE):
        raise ValueError("base_url must be a URL such as http://server:8000")
    return base_url.rstrip("/")


def checked_dialect(gateway: str) -> Dialect:
    if gateway not in DIALECTS:
        raise ValueError("gateway must be 'ollama' or 'openai'")
    return DIALECTS[gateway]


def account(username: str, password: str, invitation: str | None = None) -> dict[str, str]:
    body = {"username": username, "password": password}
    return body if invitation is None else {**body, "invitation": invitation}
