"""The bodies and parameters of /api/v1/actions, read; what cannot be read is one line that names the key."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, TypeVar, cast

import msgspec
from starlette.requests import Request

from rabbitwatch.web.guard import identity

MOST_ENTRIES = 1000
_LONGEST_NAME = 100
_JSON = "application/json"


class RefusedError(Exception):
    """A request that is not answered as asked. kind: a word for programs, as Prometheus' API has them."""

    def __init__(self, status: int, kind: str, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.kind = kind
        self.why = why


class By(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """by: the name that the asker gives himself; heard only where nobody has proved to be anybody."""

    by: str = ""


B = TypeVar("B", bound=By)


class Resync(By, kw_only=True, forbid_unknown_fields=True):
    """What to plan, and whether to do it. approved: digests of steps that the person has seen, and whose approvable
    refusals he lifts."""

    cluster: str
    vhost: str = ""
    queue: str = ""
    apply: bool = False
    approved: list[str] = []


class Answered(By, kw_only=True, forbid_unknown_fields=True):
    """An answer to an approval."""

    granted: bool


_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in (By, Resync, Answered)}
"""Made here, for the first use of a struct by two threads at once ends the process; see clients/payload.py."""


def body_of(kind: type[B], request: Request, body: bytes) -> B:
    """The body as such a one; RefusedError. Only JSON is taken: a form of another site's page cannot send it."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != _JSON:
        raise RefusedError(415, "bad_data", f"the body must be {_JSON}, not {given or 'without a content type'}")
    try:
        return cast("B", _DECODERS[kind].decode(body))
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RefusedError(400, "bad_data", f"the body cannot be used: {error}") from None


def asker(request: Request, claimed: str) -> str:
    """Who asks, for the record: the user who has proved to be one; else the name that was given, marked as a claim."""
    return identity(request) or as_claimed(claimed)


def as_claimed(name: str) -> str:
    """How a name that nothing proves stands on record."""
    name = " ".join(name.split())[:_LONGEST_NAME]
    return f"{name} (claimed)" if name else "somebody at this machine"


def entries_wanted(request: Request) -> dict[str, Any]:
    """Of GET …/audit: which lines."""
    query = request.query_params
    _refuse_unknown(request, {"after", "limit", "cluster", "deed"})
    return {
        "after": _number(request, "after", 0),
        "limit": min(_number(request, "limit", 100), MOST_ENTRIES),
        "cluster": query.get("cluster", ""),
        "deed": query.get("deed", ""),
    }


def since_wanted(request: Request) -> float:
    """Of GET …/history: from when on, in unix seconds."""
    _refuse_unknown(request, {"since"})
    text = request.query_params.get("since", "0")
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text) is None:
        raise RefusedError(400, "bad_data", f'invalid parameter "since": {text!r} is no time in unix seconds')
    return float(text)


def _refuse_unknown(request: Request, known: Collection[str]) -> None:
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        raise RefusedError(400, "bad_data", f"no such parameter: {', '.join(unknown)}")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise RefusedError(400, "bad_data", f'invalid parameter "{name}": {text!r} is no whole number of 0 or more')
    return int(text)
