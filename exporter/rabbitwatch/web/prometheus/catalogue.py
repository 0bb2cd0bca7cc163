"""What there is: /series, /labels, /label/<name>/values, /metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from rabbitwatch.model.sample import Family, Kind
from rabbitwatch.promql.window import Window, label_names, label_values, series
from rabbitwatch.web.prometheus.params import MAX_MS, MIN_MS, Params
from rabbitwatch.web.prometheus.reply import Answer, ApiError, ErrorType, bad_parameter

T = TypeVar("T")

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_TRUNCATED = ("results truncated due to limit",)


class Catalogue:
    """Answers from the window what names, labels and families it has."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def series(self, params: Params) -> Answer:
        """/series"""
        selectors = params.selectors()
        if not selectors:
            raise ApiError(ErrorType.BAD_DATA, "no match[] parameter provided")
        start_ms, end_ms = _between(params)
        limit = params.limit()
        found = series(self._window.snapshot(), selectors, start_ms, end_ms)
        return _cut([labels.as_dict() for labels in (found[: limit + 1] if limit else found)], limit)

    def labels(self, params: Params) -> Answer:
        """/labels"""
        found = label_names(self._window.snapshot(), params.selectors(), *_between(params))
        return _cut(found, params.limit())

    def values(self, params: Params, name: str) -> Answer:
        """/label/<name>/values"""
        if not _LABEL_NAME.fullmatch(name):
            raise ApiError(ErrorType.BAD_DATA, f'invalid label name: "{name}"')
        found = label_values(self._window.snapshot(), name, params.selectors(), *_between(params))
        return _cut(found, params.limit())

    def metadata(self, params: Params) -> Answer:
        """/metadata: type, help and unit by family; `limit` of families, negative for all, as in Prometheus."""
        limit = _whole(params, "limit")
        families = self._window.families()
        metric = params.text("metric")
        names = ([metric] if metric in families else []) if metric else sorted(families)
        if limit is not None and limit >= 0:
            names = names[:limit]
        return Answer({name: [_metadata(families[name])] for name in names})

    def targets_metadata(self, params: Params) -> Answer:
        """/targets/metadata: the same by target, of which the agent has none of Prometheus' kind."""
        _whole(params, "limit")
        return Answer([])


def _metadata(family: Family) -> dict[str, Any]:
    kind = Kind.GAUGE if family.kind is Kind.INFO else family.kind
    return {"type": kind.value, "help": family.help, "unit": family.unit}


def _between(params: Params) -> tuple[int, int]:
    start_ms, end_ms = params.time_ms("start", MIN_MS), params.time_ms("end", MAX_MS)
    if end_ms < start_ms:
        raise bad_parameter("end", "end timestamp must not be before start time")
    return start_ms, end_ms


def _cut(found: Sequence[T], limit: int) -> Answer:
    if limit and len(found) > limit:
        return Answer(found[:limit], _TRUNCATED)
    return Answer(found)


def _whole(params: Params, name: str) -> int | None:
    text = params.text(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ApiError(ErrorType.BAD_DATA, f"{name} must be a number") from None
