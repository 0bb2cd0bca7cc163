"""The values a template can meet, the names Go gives their types, and what Go holds to be true.

Python's own types stand for Go's where they can: None for nil and for reflect's invalid value, bool, int for int, float
for float64, str for string, list for a query's result. The classes below stand for the rest. Strings are text here and
bytes in Go: what counts bytes (len, index, slice, %x) encodes to UTF-8 first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit


class GoType(StrEnum):
    """A type by its Go name, as it stands in error messages and under %T."""

    ANY = "interface {}"
    BOOL = "bool"
    INT = "int"
    INT64 = "int64"
    UINT8 = "uint8"
    FLOAT = "float64"
    STRING = "string"
    HTML = "template.HTML"
    LABELS = "map[string]string"
    MAP = "map[string]interface {}"
    SAMPLE = "*template.sample"
    VECTOR = "template.queryResult"
    TIME = "*time.Time"
    DURATION = "time.Duration"
    DURATION_POINTER = "*time.Duration"
    MONTH = "time.Month"
    WEEKDAY = "time.Weekday"
    DATA = "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value float64 }"


class Int64(int):
    """Go's int64: what Unix() and its kin return."""

    __slots__ = ()


class Uint8(int):
    """One byte of a string."""

    __slots__ = ()


class Html(str):
    """What safeHtml returns: text that is no longer a plain string to Go's type check."""

    __slots__ = ()


class Labels(dict[str, str]):
    """map[string]string: a key that is missing reads as the empty string."""

    __slots__ = ()


class Map(dict[str, object]):
    """map[string]interface {}, which only `args` makes; a key that is missing reads as nil.

    CallFailed when maps stand too deep in each other: printing one descends into it.
    """

    __slots__ = ("depth",)

    def __init__(self, entries: Mapping[str, object]) -> None:
        super().__init__(entries)
        self.depth: int = 1 + max((value.depth for value in entries.values() if isinstance(value, Map)), default=0)
        if self.depth > _MAX_DEPTH:
            raise CallFailed(f"maps nested more than {_MAX_DEPTH} deep")


class Stringer:
    """A value that prints by its own String method, as Go's fmt.Stringer."""

    __slots__ = ()
    go_type: GoType

    def string(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TemplateSample:
    """One element of a query's result, as `query` hands it to the template."""

    labels: Mapping[str, str]
    value: float


def _no_query(expression: str) -> list[TemplateSample]:
    raise CallFailed(f"no query engine is at hand for {expression}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateData:
    """What a template can see of its alert.

    labels and value: of the series that made the alert. query: evaluates an expression at `now`; it may raise any
    RabbitwatchError, which then becomes the template's error. now: seconds since the epoch.
    path_prefix: what pathPrefix returns; by default the path of external_url, as in Prometheus.
    """

    labels: Mapping[str, str]
    value: float
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    query: Callable[[str], list[TemplateSample]] = _no_query
    now: float = 0.0
    path_prefix: str | None = None

    @property
    def prefix(self) -> str:
        return urlsplit(self.external_url).path if self.path_prefix is None else self.path_prefix


def to_bytes(text: str) -> bytes:
    """The bytes that Go would hold: a cut character, which `slice` may leave, included."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def from_bytes(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class CallFailed(Exception):  # noqa: N818 - it never leaves this package: the evaluator adds the place
    """A function or a method cannot do what it was asked to; the text is Go's."""


_MAX_DEPTH = 20
_PLAIN = {
    GoType.VECTOR: "a query result",
    GoType.SAMPLE: "a sample",
    GoType.LABELS: "a map of labels",
    GoType.MAP: "a map",
    GoType.DATA: "the alert's data",
    GoType.TIME: "a time",
    GoType.DURATION: "a duration",
    GoType.DURATION_POINTER: "a duration",
    GoType.INT: "an int",
    GoType.INT64: "an int64",
    GoType.UINT8: "a byte",
}


def plain(kind: GoType | None) -> str:
    """A type in a sentence for people: a query result, an int, a string."""
    return "a value" if kind is None else _PLAIN.get(kind, f"a {kind}")


_TYPES: dict[type, GoType] = {
    bool: GoType.BOOL,
    int: GoType.INT,
    Int64: GoType.INT64,
    Uint8: GoType.UINT8,
    float: GoType.FLOAT,
    str: GoType.STRING,
    Html: GoType.HTML,
    Labels: GoType.LABELS,
    Map: GoType.MAP,
    TemplateSample: GoType.SAMPLE,
    list: GoType.VECTOR,
    TemplateData: GoType.DATA,
}


def go_type(value: object) -> GoType:
    """The Go type of a value that is not None."""
    if isinstance(value, Stringer):
        return value.go_type
    return _TYPES[type(value)]


def type_name(value: object) -> str:
    """What %T prints."""
    return "<nil>" if value is None else str(go_type(value))


def truth(value: object) -> bool:
    """Go's truth: zero and empty are false, a pointer or a struct that exists is true (a zero *time.Duration too)."""
    if isinstance(value, Stringer):
        return value.go_type in {GoType.TIME, GoType.DURATION_POINTER} or bool(value)
    if isinstance(value, (TemplateSample, TemplateData)):
        return True
    return bool(value)


def struct_fields(value: TemplateSample | TemplateData) -> dict[str, object]:
    """The fields of a struct under their Go names, in their Go order."""
    if isinstance(value, TemplateSample):
        return {"Labels": Labels(value.labels), "Value": float(value.value)}
    return {
        "Labels": Labels(value.labels),
        "ExternalLabels": Labels(value.external_labels),
        "ExternalURL": value.external_url,
        "Value": float(value.value),
    }
