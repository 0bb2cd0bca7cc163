"""Functions that need more than numbers: labels, the evaluation's time, or their argument's expression."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from rabbitwatch.promql.aggregate import check_quantile
from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.fetch import Scope, Windows
from rabbitwatch.promql.functions.buckets import bucket_fraction, bucket_quantile, histograms
from rabbitwatch.promql.functions.elementwise import DATES, WITH_PARAMETERS, maximum, minimum
from rabbitwatch.promql.functions.labelling import (
    label_join,
    label_replace,
    labels_for_absent,
    sort_by_label,
    sort_by_value,
)
from rabbitwatch.promql.labels import LabelSet, quote
from rabbitwatch.promql.nodes import Node, RangeSelector, Selector
from rabbitwatch.promql.storage import Latest
from rabbitwatch.promql.sums import NAN
from rabbitwatch.promql.values import NO_ROWS, Notes, Scalar, Value, Vector

_NO_LABELS = LabelColumn([LabelSet("", (), ())])


class Evaluating(Protocol):
    """What a function may ask of the evaluator."""

    @property
    def notes(self) -> Notes: ...
    @property
    def query(self) -> Scope: ...
    def scalar(self, node: Node, at_ms: int) -> float: ...
    def text(self, node: Node) -> str: ...
    def vector(self, node: Node, at_ms: int) -> Vector: ...
    def windows(self, node: Node, at_ms: int) -> Windows: ...
    def latest(self, node: Selector, at_ms: int) -> Latest: ...


CallFunction = Callable[[Evaluating, Sequence[Node], int], Value]


def _one(value: float) -> Vector:
    return Vector(_NO_LABELS, [value])


def _scalar(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    vector = run.vector(args[0], at_ms)
    return Scalar(vector.values[0] if len(vector) == 1 else NAN)


def _timestamp(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    """Of a selector, the samples' own times; of anything else, the evaluation's."""
    node = args[0]
    if not isinstance(node, Selector):
        vector = run.vector(node, at_ms)
        return Vector(vector.labels, [at_ms / 1000] * len(vector), drop=True)
    latest = run.latest(node, at_ms)
    times = latest.timestamps
    rows = [times] * len(latest.labels) if isinstance(times, int) else times
    return Vector(latest.labels, [t / 1000 for t in rows], drop=True)


def _absent(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    node = args[0]
    if len(run.vector(node, at_ms)):
        return NO_ROWS
    labels = labels_for_absent(node.matchers) if isinstance(node, Selector) else LabelSet("", (), ())
    return Vector(LabelColumn([labels]), [1.0])


def _absent_over_time(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    node = args[0]
    if run.windows(node, at_ms).labels:
        return NO_ROWS
    labels = labels_for_absent(node.selector.matchers) if isinstance(node, RangeSelector) else LabelSet("", (), ())
    return Vector(LabelColumn([labels]), [1.0])


def _label_replace(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    target, replacement, source, pattern = map(run.text, args[1:])
    return label_replace(run.vector(args[0], at_ms), target, replacement, source, pattern)


def _label_join(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    return label_join(run.vector(args[0], at_ms), *map(run.text, args[1:]))


def _sorter(descending: bool) -> CallFunction:
    return lambda run, args, at_ms: sort_by_value(run.vector(args[0], at_ms), descending)


def _label_sorter(descending: bool) -> CallFunction:
    return lambda run, args, at_ms: sort_by_label(
        run.vector(args[0], at_ms), [run.text(a) for a in args[1:]], descending
    )


def _histogram_quantile(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    q = run.scalar(args[0], at_ms)
    check_quantile(q, run.notes)
    rows: list[tuple[LabelSet, float]] = []
    for labels, (name, buckets) in histograms(run.vector(args[1], at_ms), run.notes).items():
        value, forced = bucket_quantile(q, buckets)
        if forced:
            run.notes.info(
                "input to histogram_quantile needed to be fixed for monotonicity (see "
                "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) "
                f"for metric name {quote(name)}"
            )
        rows.append((labels, value))
    return Vector(LabelColumn([labels for labels, _ in rows]), [value for _, value in rows])


def _histogram_fraction(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
    low, high = run.scalar(args[0], at_ms), run.scalar(args[1], at_ms)
    found = histograms(run.vector(args[2], at_ms), run.notes)
    return Vector(LabelColumn(list(found)), [bucket_fraction(low, high, buckets) for _, buckets in found.values()])


def _date(name: str) -> CallFunction:
    part = DATES[name]

    def evaluate(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
        if not args:
            return _one(part(at_ms / 1000))
        vector = run.vector(args[0], at_ms)
        return Vector(vector.labels, list(map(part, vector.values)), drop=True)

    return evaluate


def _with_parameters(name: str) -> CallFunction:
    make = WITH_PARAMETERS[name]

    def evaluate(run: Evaluating, args: Sequence[Node], at_ms: int) -> Value:
        vector = run.vector(args[0], at_ms)
        function = make(*(run.scalar(a, at_ms) for a in args[1:]))
        if function is None:
            return NO_ROWS
        return Vector(vector.labels, list(map(function, vector.values)), drop=True)

    return evaluate


def _of_scalars(function: Callable[[float, float], float]) -> CallFunction:
    return lambda run, args, at_ms: Scalar(function(run.scalar(args[0], at_ms), run.scalar(args[1], at_ms)))


CALLS: dict[str, CallFunction] = {
    "time": lambda _run, _args, at_ms: Scalar(at_ms / 1000),
    "pi": lambda _run, _args, _at_ms: Scalar(math.pi),
    "start": lambda run, _args, _at_ms: Scalar(run.query.start_ms / 1000),
    "end": lambda run, _args, _at_ms: Scalar(run.query.end_ms / 1000),
    "step": lambda run, _args, _at_ms: Scalar(run.query.step_ms / 1000),
    "range": lambda run, _args, _at_ms: Scalar((run.query.end_ms - run.query.start_ms) / 1000),
    "min_of": _of_scalars(minimum),
    "max_of": _of_scalars(maximum),
    "scalar": _scalar,
    "vector": lambda run, args, at_ms: _one(run.scalar(args[0], at_ms)),
    "timestamp": _timestamp,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "label_replace": _label_replace,
    "label_join": _label_join,
    "sort": _sorter(descending=False),
    "sort_desc": _sorter(descending=True),
    "sort_by_label": _label_sorter(descending=False),
    "sort_by_label_desc": _label_sorter(descending=True),
    "histogram_quantile": _histogram_quantile,
    "histogram_fraction": _histogram_fraction,
    **{name: _date(name) for name in DATES},
    **{name: _with_parameters(name) for name in WITH_PARAMETERS},
}
