"""Answers and errors as Alertmanager's go-swagger server gives them: some errors are a text, some have a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

_encode = msgspec.json.Encoder().encode

MISSING = 602
TOO_FEW = 612
WRONG_TYPE = 601


class RefusedError(Exception):
    """A request that is not answered as asked. body: what Alertmanager would say; None: nothing."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = headers


def coded(status: int, message: str, code: int | None = None, headers: dict[str, str] | None = None) -> RefusedError:
    """What the generated server refuses before Alertmanager's own code sees it."""
    return RefusedError(status, {"code": code or status, "message": message}, headers)


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer; None has no body."""

    body: Any = None


def encoded(body: Any) -> bytes:
    """As JSON, with a newline; texts that are no UTF-8 are mended."""
    try:
        return _encode(body) + b"\n"
    except UnicodeEncodeError:
        return _encode(_mended(body)) + b"\n"


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_mended(key): _mended(each) for key, each in value.items()}
    return [_mended(each) for each in value] if isinstance(value, (list, tuple)) else value


def failure(error: RefusedError) -> Response:
    """The refusal as it goes out."""
    headers = {"cache-control": "no-store", **(error.headers or {})}
    if error.body is None:
        return Response(b"", error.status, headers)
    return Response(encoded(error.body), error.status, headers, "application/json")


def not_allowed(method: str, allowed: Sequence[str]) -> RefusedError:
    """That a path does not know this method."""
    names = ",".join(sorted(allowed))
    return coded(405, f"method {method} is not allowed, but [{names}] are", headers={"allow": names})
