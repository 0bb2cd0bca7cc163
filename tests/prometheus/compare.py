"""Whether two answers of the query API say the same: the same series, the same times, the same numbers.

Numbers are equal within 1e-12, relatively: the two add up in different orders. NaN equals NaN, +Inf only +Inf.
"""

from __future__ import annotations

import math
import re
from typing import Any

RELATIVE = 1e-12

Series = dict[tuple[tuple[str, str], ...], float]
Steps = dict[float, Series]

_CHOOSES = re.compile(r"\b(topk|bottomk)\b")
_ORDERS = re.compile(r"^(sort|sort_desc|topk|bottomk)\b")


def difference(query: str, theirs: Any, ours: Any) -> str:
    """In what the second answer differs from the first; "" where they are equal."""
    if theirs["status"] != ours["status"]:
        told = [f"{a['status']} {a.get('error', '')}".strip() for a in (theirs, ours)]
        return f"Prometheus: {told[0]}; here: {told[1]}"
    if theirs["status"] == "error":
        kinds = theirs["errorType"], ours["errorType"]
        return "" if kinds[0] == kinds[1] else f"errors of type {kinds[0]} and {kinds[1]}: {ours['error']}"
    theirs, ours = theirs["data"], ours["data"]
    if theirs["resultType"] != ours["resultType"]:
        return f"a {theirs['resultType']} there, a {ours['resultType']} here"
    if theirs["resultType"] == "string":
        return "" if theirs["result"][1] == ours["result"][1] else "another string"
    one, other = _steps(theirs), _steps(ours)
    if one.keys() != other.keys():
        return f"other times: {sorted(one.keys() ^ other.keys())[:3]}"
    for at, series in one.items():
        found = _step(query, series, other[at])
        if found:
            return f"at {at:.3f}: {found}"
    return _order(theirs, ours) if theirs["resultType"] == "vector" and _ORDERS.match(query) else ""


def empty(answer: Any) -> bool:
    """Whether a good answer has no series."""
    return answer["status"] == "success" and answer["data"]["result"] == []


def _steps(data: Any) -> Steps:
    steps: Steps = {}
    kind, rows = data["resultType"], data["result"]
    if kind == "scalar":
        return {float(rows[0]): {(): float(rows[1])}}
    for row in rows:
        key = tuple(sorted(row["metric"].items()))
        for at, value in row["values"] if kind == "matrix" else [row["value"]]:
            step = steps.setdefault(float(at), {})
            if key in step:
                raise AssertionError(f"{key} stands twice at {at}")
            step[key] = float(value)
    return steps


def same(one: float, other: float) -> bool:
    """Whether two numbers are equal as far as this comparison goes."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return one == other or math.isclose(one, other, rel_tol=RELATIVE, abs_tol=0.0)


def _step(query: str, theirs: Series, ours: Series) -> str:
    if _CHOOSES.search(query):
        theirs, ours = _without_ties(theirs), _without_ties(ours)
    missing, extra = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
    if missing or extra:
        return f"only there {sorted(missing)[:2]}, only here {sorted(extra)[:2]} ({len(missing)}, {len(extra)})"
    for key, value in theirs.items():
        if not same(value, ours[key]):
            return f"{dict(key)}: {value!r} there, {ours[key]!r} here"
    return ""


def _without_ties(series: Series) -> Series:
    """Which of the series that tie at the edge topk takes is nobody's promise: those stand numbered, unnamed."""
    numbers = [value for value in series.values() if not math.isnan(value)]
    edges = {min(numbers), max(numbers)} if numbers else set()
    found: Series = {}
    for key, value in sorted(series.items(), key=lambda item: (math.isnan(item[1]), item[1])):
        found[(("tie", str(len(found))),) if math.isnan(value) or value in edges else key] = value
    return found


def _order(theirs: Any, ours: Any) -> str:
    pairs = zip(theirs["result"], ours["result"], strict=True)
    return "" if all(same(float(a["value"][1]), float(b["value"][1])) for a, b in pairs) else "another order"
