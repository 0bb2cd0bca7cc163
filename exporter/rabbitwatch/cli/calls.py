"""Calls of the HTTP API of a running agent, and its refusals as errors of one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import requests

from rabbitwatch.cli.ask import TIMEOUT_SECONDS, AskError, reason, shown


class RefusedError(AskError):
    """The agent has understood and does not do it; the text is its reason."""


def call(url: str, method: str, path: str, body: Any = None, params: Sequence[tuple[str, str]] = ()) -> Any:
    """The answer, None where it has no body; RefusedError where the agent refuses, AskError where nobody answers."""
    try:
        got = requests.request(
            method,
            url.rstrip("/") + path,
            params=list(params),
            data=None if body is None else msgspec.json.encode(body),
            headers={} if body is None else {"content-type": "application/json"},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
        answer = msgspec.json.decode(got.content) if got.content and _is_json(got) else None
    except (requests.RequestException, msgspec.DecodeError) as error:
        raise AskError(f"{shown(url)}: {reason(error)}; name the agent's address with --url") from None
    if got.status_code == requests.codes.ok and (_is_json(got) or not got.content):
        return answer
    raise _refusal(url, got.status_code, answer)


def _refusal(url: str, status: int, answer: Any) -> AskError:
    if status == requests.codes.unauthorized:
        if "@" in url:
            return RefusedError(f"{shown(url)} refuses this user and password")
        told = "set the environment variable RABBITWATCH_URL=http://USER:PASSWORD@HOST:PORT"
        return RefusedError(f"{shown(url)} asks for a password: {told}")
    if isinstance(answer, str):
        return RefusedError(answer)
    for key in ("message", "error"):  # of Alertmanager's API, and of the others
        if isinstance(answer, dict) and key in answer:
            return RefusedError(str(answer[key]))
    return AskError(f"{shown(url)}: answers {status} and no API: is that the address of a rabbitwatch?")


def _is_json(got: requests.Response) -> bool:
    return got.headers.get("content-type") == "application/json"
