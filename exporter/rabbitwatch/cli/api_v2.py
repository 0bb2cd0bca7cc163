"""Calls of Alertmanager's API v2 of a running agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rabbitwatch.cli import calls
from rabbitwatch.cli.calls import RefusedError

__all__ = ["RefusedError", "call"]

_API = "/api/v2"


def call(url: str, method: str, path: str, body: Any = None, params: Sequence[tuple[str, str]] = ()) -> Any:
    """As calls.call, below /api/v2."""
    return calls.call(url, method, _API + path, body, params)
