"""The envelope of every answer, Prometheus' error types with their HTTP statuses, and compression."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rabbitwatch.web.negotiation import wants_gzip

_WORTH_COMPRESSING = 2048
_GZIP_LEVEL = 1

_encode = msgspec.json.Encoder().encode


class ErrorType(StrEnum):
    """Prometheus' names of what can go wrong."""

    BAD_DATA = "bad_data"
    EXECUTION = "execution"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    NOT_FOUND = "not_found"


_STATUS = {
    ErrorType.BAD_DATA: 400,
    ErrorType.EXECUTION: 422,
    ErrorType.TIMEOUT: 503,
    ErrorType.UNAVAILABLE: 503,
    ErrorType.NOT_FOUND: 404,
}


class ApiError(Exception):
    """A request that gets an error for an answer; the text is one readable line."""

    def __init__(self, kind: ErrorType, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def bad_parameter(name: str, why: str) -> ApiError:
    """In Prometheus' words."""
    return ApiError(ErrorType.BAD_DATA, f'invalid parameter "{name}": {why}')


@dataclass(frozen=True, slots=True)
class Answer:
    """The data of a good answer, with what should be noted beside it."""

    data: Any
    warnings: Sequence[str] = ()
    infos: Sequence[str] = ()

    def encoded(self) -> bytes:
        """As JSON, in the envelope."""
        body: dict[str, Any] = {"status": "success", "data": self.data}
        if self.warnings:
            body["warnings"] = list(self.warnings)
        if self.infos:
            body["infos"] = list(self.infos)
        return _json(body)


def _json(body: Any) -> bytes:
    try:
        return _encode(body)
    except UnicodeEncodeError:
        return _encode(_valid(body))


def _valid(value: Any) -> Any:
    """The same with what is no UTF-8 (a string such as "\\xff" in an expression) replaced, as Go's JSON does."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_valid(key): _valid(each) for key, each in value.items()}
    return [_valid(each) for each in value] if isinstance(value, (list, tuple)) else value


def compressed(request: Request, body: bytes) -> tuple[bytes, bool]:
    """The body as it goes out to this client, and whether it is gzip now."""
    if len(body) < _WORTH_COMPRESSING or not wants_gzip(request.headers.get("accept-encoding", "")):
        return body, False
    return gzip.compress(body, _GZIP_LEVEL, mtime=0), True


def response(body: bytes, *, gzipped: bool = False, status: int = 200) -> Response:
    """An answer of JSON; nothing may keep it, because a later one differs."""
    headers = {"vary": "Accept-Encoding", "cache-control": "no-store"}
    if gzipped:
        headers["content-encoding"] = "gzip"
    return Response(body, status, headers, "application/json")


def failure(error: ApiError) -> Response:
    """The error as Prometheus sends it."""
    body = {"status": "error", "errorType": error.kind.value, "error": error.message}
    return response(_json(body), status=_STATUS[error.kind])
