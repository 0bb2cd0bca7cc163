"""An entry of the audit as one line of text, and back.

The line is JSON in ASCII, without spaces, its keys sorted, except that `hash` stands last. The hash is the SHA-256 of
the line without `,"hash":"…"`, in hexadecimal; the hash before it is in the line, as `previous`. So a line can be
checked with nothing but `sed` and `sha256sum`. What has its default is left out.

Everything from outside is data: cut where it is huge, and what looks like a secret is replaced.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from enum import Enum
from typing import Any

import msgspec

from rabbitwatch.actions.ports import Entry
from rabbitwatch.redaction import HIDDEN

LONGEST_LINE = 65536
_SIZES = ((2048, 12_000), (256, 2_000))
"""Most characters of a text and of a mapping, as JSON spells them; the second pair where a line is too long by the
first."""
_MOST_ITEMS = 100

_TAIL = re.compile(r',"hash":"([0-9a-f]{64})"\}$')
_SECRET_KEYS = re.compile(r"(?i)password|passwd|secret|token|cookie|authorization|credential")
_EXACT = 2**53

Redact = Callable[[str], str]

_decode = msgspec.json.Decoder(Entry).decode


def sealed(entry: Entry, redact: Redact) -> Entry:
    """The entry as it will be read again: cleaned, and with its hash."""
    cleaned = entry
    for longest, mapping in _SIZES:
        cleaned = _cleaned(entry, _Cleaner(longest, mapping, redact))
        if len(line(cleaned)) <= LONGEST_LINE:
            break
    return replace(cleaned, hash=_digest(_body(cleaned)))


def line(entry: Entry) -> str:
    """The line of a sealed entry, without its end."""
    return _with_hash(_body(entry), entry.hash)


def document(entry: Entry) -> dict[str, Any]:
    """The line as JSON knows it; what an API serves. `line_of` makes the very line of it again."""
    found: dict[str, Any] = json.loads(line(entry))
    return found


def line_of(served: Mapping[str, Any]) -> str:
    """The line that a document was made of. Raises ValueError where it is none."""
    rest = {key: value for key, value in served.items() if key != "hash"}
    stated = served.get("hash")
    if not isinstance(stated, str):
        raise ValueError("it has no hash")  # noqa: TRY004 - of what was served, not of an argument
    return _with_hash(_canonical(rest), stated)


def entry_of(text: str) -> Entry:
    """The entry of a line, whether its hash fits or not. Raises ValueError where it cannot be read; fields that a newer
    version has written are left out."""
    return _decode(text)


def hash_of(text: str) -> tuple[str, str]:
    """What a line states as its hash, and what it should state; ("", …) where it states none."""
    match = _TAIL.search(text)
    if match is None:
        return "", _digest(text)
    return match[1], _digest(text[: match.start()] + "}")


def _body(entry: Entry) -> str:
    return _canonical({key: value for key, value in _plain(entry).items() if key != "hash"})


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _with_hash(body: str, digest: str) -> str:
    return f'{body[:-1]},"hash":"{digest}"}}'


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    """Nouns as JSON has them, without fields that have their default: so a field that is added later changes no line.
    Everything else was cleaned before."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        found = ((field, _plain(getattr(value, field.name))) for field in fields(value))
        return {field.name: plain for field, plain in found if plain != _default(field)}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _default(field: Field[Any]) -> Any:
    if field.default is not MISSING:
        return _plain(field.default)
    return _plain(field.default_factory()) if field.default_factory is not MISSING else MISSING


def _cleaned(entry: Entry, clean: _Cleaner) -> Entry:
    return replace(entry, **{field.name: clean(getattr(entry, field.name)) for field in fields(entry)})


class _Cleaner:
    """Makes whatever it gets something that JSON can hold, in bounded size, keeping the types of nouns."""

    def __init__(self, longest: int, mapping: int, redact: Redact) -> None:
        self._longest = longest
        self._mapping_size = mapping
        self._redact = redact
        self._left: int | None = None
        """Characters that the mapping that is being cleaned may still take; None outside of one."""

    def __call__(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, Enum)):
            return value
        if isinstance(value, int):
            return value if abs(value) < _EXACT else self._text(_digits(value))
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{field.name: self(getattr(value, field.name)) for field in fields(value)})
        if isinstance(value, Mapping):
            return self._mapping(value) if self._left is not None else self._outermost(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._several(sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value)
        return self._text(str(value))

    def _text(self, text: str) -> str:
        # a lone surrogate is no text for whoever reads the line; what it was stays legible
        text = self._redact(text).encode("utf-8", "backslashreplace").decode()
        spelt, room = len(json.dumps(text)) - 2, self._longest
        if self._left is not None:
            room = max(0, min(room, self._left))
            self._left -= min(spelt, room)
        if spelt <= room:
            return text
        kept = room * len(text) // spelt
        return f"{text[:kept]}… ({len(text) - kept} more characters)"

    def _outermost(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        self._left = self._mapping_size
        try:
            return self._mapping(value)
        finally:
            self._left = None

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, each in value.items():
            if self._full(len(found)):
                found["…"] = f"{len(value) - len(found)} more"
                break
            name = self._text(str(key))
            found[name] = HIDDEN if _SECRET_KEYS.search(name) and each else self(each)
        return found

    def _several(self, value: Iterable[Any]) -> tuple[Any, ...]:
        several = tuple(value)
        if all(map(is_dataclass, several)):
            return tuple(map(self, several))
        found: list[Any] = []
        for each in several:
            if self._full(len(found)):
                return (*found, f"… ({len(several) - len(found)} more)")
            found.append(self(each))
        return tuple(found)

    def _full(self, items: int) -> bool:
        if self._left is not None:
            self._left -= 1
        return items >= _MOST_ITEMS or (self._left is not None and self._left <= 0)


def _digits(number: int) -> str:
    """Python refuses to spell numbers of thousands of digits."""
    return str(number) if number.bit_length() < 4096 else f"a number of {number.bit_length()} bits"
