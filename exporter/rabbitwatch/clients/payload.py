"""A broker's JSON into typed structs, so that one broken part loses only itself.

The usual answer is decoded in one pass. Only when that fails is it taken apart: list entry by entry, object field by
field. A field of the wrong type is left out, that is, it counts as not told; an entry without its required fields is
left out as a whole. Every omission is one readable line. An answer that is no JSON at all, or whose outermost shape is
wrong, is a CallError.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, cast

import msgspec

from rabbitwatch.clients.wording import capped, readable
from rabbitwatch.errors import CallError, CallFailure

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Payload(Generic[T]):
    """What could be decoded, and a line for each part that could not."""

    value: T
    flaws: tuple[str, ...] = ()


_building = threading.Lock()
"""msgspec (0.22) fills in what it knows of a struct when it is first needed, and another thread that decodes one
meanwhile reads a null pointer: the process ends with SIGSEGV. Every node has its own thread, and all begin at once."""


def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:
    with _building:
        return _built(wanted)


@cache
def _built(wanted: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted)


def decode_list(body: bytes, entry: type[S]) -> Payload[tuple[S, ...]]:
    """A JSON list of objects; `entry` is the type of one."""
    try:
        return Payload(tuple(_decoder(list[entry]).decode(body)))  # type: ignore[valid-type]
    except msgspec.ValidationError:
        pass
    except msgspec.DecodeError as error:
        raise _no_json(error, body) from None
    parts = cast("list[msgspec.Raw]", _outermost(body, list[msgspec.Raw], "a list"))
    kept: list[S] = []
    flaws: list[str] = []
    for index, raw in enumerate(parts):
        value, broken = _salvage(bytes(raw), entry, f"entry {index}")
        flaws += broken
        if value is not None:
            kept.append(value)
    return Payload(tuple(kept), capped(flaws))


def decode_object(body: bytes, wanted: type[S]) -> Payload[S]:
    """A JSON object; raises CallError where a required field is missing."""
    try:
        return Payload(cast("S", _decoder(wanted).decode(body)))
    except msgspec.ValidationError:
        pass
    except msgspec.DecodeError as error:
        raise _no_json(error, body) from None
    _outermost(body, dict[str, msgspec.Raw], "an object")
    value, flaws = _salvage(body, wanted, "the answer")
    if value is None:
        raise CallError(CallFailure.ERROR, f"answered with JSON that cannot be used: {flaws[-1]}")
    return Payload(value, capped(flaws))


def _outermost(body: bytes, shape: Any, called: str) -> Any:
    try:
        return _decoder(shape).decode(body)
    except msgspec.ValidationError:
        begin = readable(body[:60].decode("utf-8", "replace"))
        raise CallError(CallFailure.ERROR, f"answered with JSON that is not {called}: {begin}") from None


def _no_json(error: msgspec.DecodeError, body: bytes) -> CallError:
    if not body.strip():
        return CallError(CallFailure.ERROR, "answered with an empty body where JSON belongs")
    return CallError(CallFailure.ERROR, f"answered with broken JSON of {len(body)} bytes: {readable(str(error))}")


def _salvage(raw: bytes, wanted: type[S], place: str) -> tuple[S | None, list[str]]:
    """The struct without its broken fields, and a line for each of those; None where it cannot be built."""
    try:
        return cast("S", _decoder(wanted).decode(raw)), []
    except msgspec.ValidationError:
        pass
    try:
        told = cast("dict[str, msgspec.Raw]", _decoder(dict[str, msgspec.Raw]).decode(raw))
    except msgspec.ValidationError:
        return None, [f"{place} is no object: {readable(raw[:60].decode('utf-8', 'replace'))}"]
    known: dict[str, Any] = {}
    flaws: list[str] = []
    where = f"{place} ({_called(told)})" if "name" in told else place
    for field in _fields(wanted):
        if (value := told.get(field.encode_name)) is None:
            continue
        try:
            known[field.name] = _decoder(field.type).decode(value)
        except msgspec.ValidationError as error:
            flaws.append(f"{where}: {field.encode_name}: {readable(str(error))}")
    missing = [f.encode_name for f in _fields(wanted) if f.required and f.name not in known]
    if missing:
        return None, [*flaws, f"{where} left out: it has no usable {', '.join(missing)}"]
    return wanted(**known), flaws


def _called(told: dict[str, msgspec.Raw]) -> str:
    return readable(bytes(told["name"]).decode("utf-8", "replace"), 80)


@cache
def _fields(wanted: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(wanted)
