"""The parameters of a request, read as Prometheus reads them: from the form first, then from the query string."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request

from rabbitwatch.config.durations import parse_duration
from rabbitwatch.errors import QueryError
from rabbitwatch.promql.labels import Matchers
from rabbitwatch.promql.nodes import Selector
from rabbitwatch.promql.parse import parse
from rabbitwatch.web.prometheus.reply import ApiError, ErrorType, bad_parameter

MIN_MS = -(2**53)
MAX_MS = 2**53
_MAX_DURATION_S = 2**63 / 1e9
_MAX_FIELDS = 10_000
_FORM = "application/x-www-form-urlencoded"
_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d++(\.\d*+)?|\.\d++)([eE][+-]?\d++)?", re.ASCII)


class Params:
    """What a request says."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    @classmethod
    async def of(cls, request: Request) -> Params:
        """From the query string, and the form of a POST; ApiError where the form is none."""
        pairs = list(request.query_params.multi_items())
        if request.method == "POST":
            body = await request.body()
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if body and kind == _FORM:
                try:
                    form = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
                except ValueError as error:
                    raise ApiError(ErrorType.BAD_DATA, f"error parsing form values: {error}") from None
                pairs = [*form, *pairs]
        return cls(pairs)

    def text(self, name: str) -> str:
        """The first value; "" where there is none."""
        return next((value for key, value in self._pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """All values."""
        return [value for key, value in self._pairs if key == name]

    def time_ms(self, name: str, default_ms: int | None = None) -> int:
        """A time; without a default it must be there."""
        text = self.text(name)
        if not text and default_ms is not None:
            return default_ms
        found = _time_ms(text)
        if found is None:
            prefix = f"Invalid time value for '{name}': " if default_ms is not None else ""
            raise bad_parameter(name, f'{prefix}cannot parse "{text}" to a valid timestamp')
        return found

    def seconds(self, name: str) -> float:
        """A duration: a number of seconds, or as 1m30s; it must be there."""
        text = self.text(name)
        found = _seconds(text)
        if found is None:
            raise bad_parameter(name, f'cannot parse "{text}" to a valid duration')
        if abs(found) > _MAX_DURATION_S:
            raise bad_parameter(name, f'cannot parse "{text}" to a valid duration. It overflows int64')
        return found

    def limit(self) -> int:
        """How many results at most; 0 for all."""
        text = self.text("limit")
        if not text:
            return 0
        try:
            found = int(text)
        except ValueError:
            raise bad_parameter("limit", f'cannot parse "{text}" to a valid limit') from None
        if found < 0:
            raise bad_parameter("limit", "limit must be non-negative")
        return found

    def selectors(self, name: str = "match[]") -> list[Matchers]:
        """Series selectors; ApiError where one is none, or would match everything."""
        return [_matchers(name, text) for text in self.all(name)]


def _time_ms(text: str) -> int | None:
    if _NUMBER.fullmatch(text):
        value = float(text) * 1000
        return max(MIN_MS, min(MAX_MS, round(value))) if math.isfinite(value) else None
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    whole, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(whole + ("+00:00" if zone in "Zz" else zone))
    except ValueError:
        return None
    return round(moment.timestamp() * 1000) + (int(float(fraction) * 1000) if fraction else 0)


def _seconds(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return parse_duration(text) if text else None
    except ValueError:
        return None


def _matchers(name: str, text: str) -> Matchers:
    try:
        root = parse(text).root
    except QueryError as error:
        raise bad_parameter(name, error.message) from None
    if not isinstance(root, Selector) or root.shift.offset_ms or root.shift.at is not None:
        raise bad_parameter(name, f'"{text}" is not a series selector')
    if not any(not matcher.matches("") for matcher in root.matchers):
        raise bad_parameter(name, "match[] must contain at least one non-empty matcher")
    return root.matchers
