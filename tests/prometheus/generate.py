"""Queries by chance: a grammar of PromQL over the hour's series. One seed gives the same queries on every run.

Nothing is left out because it fails; what is not generated is what 2.42 does not have, see docs/promql.md.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.prometheus.hour import BEGIN, END

QUEUE, NODE, CLUSTER = ("cluster", "vhost", "queue"), ("cluster", "node"), ("cluster",)

_GAUGES = {
    "rabbitwatch_queue_messages": QUEUE,
    "rabbitwatch_queue_messages_ready": QUEUE,
    "rabbitwatch_queue_messages_unacknowledged": QUEUE,
    "rabbitwatch_queue_consumers": QUEUE,
    "rabbitwatch_queue_mirrors_synchronised": QUEUE,
    "rabbitwatch_node_memory_used_bytes": NODE,
    "rabbitwatch_node_disk_free_bytes": NODE,
    "rabbitwatch_node_uptime_seconds": NODE,
    "rabbitwatch_node_run_queue": NODE,
    "rabbitwatch_cluster_connections": CLUSTER,
}
_COUNTERS = {
    "rabbitwatch_cluster_connections_opened_total": CLUSTER,
    "rabbitwatch_cluster_messages_dropped_unroutable_total": CLUSTER,
    "rabbitwatch_polls_total": CLUSTER,
}
_VALUES = {
    "cluster": ("orders", "orders", "billing", "none"),
    "vhost": ("/", "shop"),
    "queue": ("new", "mail", "tmp.1.0", "ledger", 'ätzend \\\\ \\"q\\"'),
    "node": ("rabbit@a", "rabbit@b"),
}
_REGEXES = {
    "cluster": ("o.*", ".+", "orders|billing", "(?i)ORDERS"),
    "vhost": ("/|shop", "[^/]+", ""),
    "queue": ("[a-m].*", "tmp\\\\..*", ".*\\\\.\\\\d", "(new|paid|).*", "invoices\\\\.1?[0-3]"),
    "node": ("rabbit@[ab]", ".*c"),
}
_OF_RANGES = (
    "rate", "increase", "delta", "deriv", "irate", "idelta", "changes", "resets", "avg_over_time", "min_over_time",
    "max_over_time", "sum_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time", "last_over_time",
    "present_over_time",
)  # fmt: skip
_OF_NUMBERS = (
    "abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "sin", "cos", "tan", "atan", "sinh", "cosh",
    "tanh", "asinh", "deg", "rad", "timestamp",
)  # fmt: skip
_OF_TIMES = ("minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year")
_AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
_REPLACEMENTS = (("<$1>", "(.*)"), ("$2-$1", "r(.*)@(.+)"), ("${a}", "(?P<a>.).*"), ("", "x"))
_RANGES = ("45s", "1m30s", "5m", "10m", "15m", "1h")


@dataclass(frozen=True, slots=True)
class Vector:
    """An expression of an instant vector, with the labels that tell its series apart."""

    text: str
    labels: tuple[str, ...]


class Generator:
    """Makes queries from one source of chance."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def query(self) -> str:
        """One query."""
        return self._one_of(*[self._vector_query] * 8, self._absence, self._scalar, self._chosen, self._histogram)()

    def _one_of(self, *ways: Callable[..., str]) -> Callable[..., str]:
        return self._chance.choice(ways)

    def _maybe(self, likely: float) -> bool:
        return self._chance.random() < likely

    def _pick(self, *things: str) -> str:
        return self._chance.choice(things)

    # -- selectors

    def _selector(self, name: str, labels: tuple[str, ...]) -> str:
        matchers = [self._matcher(label) for label in labels if self._maybe(0.2)]
        return f"{name}{{{', '.join(matchers)}}}" if matchers or self._maybe(0.1) else name

    def _matcher(self, label: str) -> str:
        operator = self._pick("=", "!=", "=~", "!~")
        value = self._chance.choice((_VALUES if operator in {"=", "!="} else _REGEXES)[label])
        return f'{label}{operator}"{value}"'

    def _shift(self) -> str:
        text = ""
        if self._maybe(0.15):
            text += f" offset {self._pick('', '-')}{self._pick('1m', '5m', '20m', '33s')}"
        if self._maybe(0.1):
            moment = self._chance.randrange(BEGIN, END) + 0.123
            text += f" @ {self._pick(f'{moment:.3f}', 'start()', 'end()')}"
        return text

    def _source(self, *kinds: dict[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
        return self._chance.choice([item for kind in kinds for item in kind.items()])

    # -- vectors

    def _vector_query(self) -> str:
        text = self._vector(3).text
        return f"{self._pick('sort', 'sort_desc')}({text})" if self._maybe(0.1) else text

    def _vector(self, depth: int) -> Vector:
        if depth == 0:
            return self._leaf()
        ways = [self._leaf, self._ranged, self._subquery, self._mapped, self._aggregated, self._aggregated]
        ways += [self._with_number, self._matched, self._matched, self._sets, self._relabelled]
        way = self._chance.choice(ways)
        return way() if way in (self._leaf, self._ranged) else way(depth - 1)

    def _leaf(self) -> Vector:
        if self._maybe(0.3):
            return self._ranged()
        name, labels = self._source(_GAUGES, _COUNTERS)
        return Vector(self._selector(name, labels) + self._shift(), labels)

    def _ranged(self) -> Vector:
        name, labels = self._source(_COUNTERS, _COUNTERS, _GAUGES)
        selected = f"{self._selector(name, labels)}[{self._pick(*_RANGES)}]{self._shift()}"
        return Vector(self._over(selected), labels)

    def _over(self, ranged: str) -> str:
        special = self._chance.random()
        if special < 0.1:
            return f"quantile_over_time({self._pick('0', '0.25', '0.9', '1', '2')}, {ranged})"
        if special < 0.2:
            return f"predict_linear({ranged}, {self._pick('60', '3600', '-300')})"
        return f"{self._pick(*_OF_RANGES)}({ranged})"

    # A span that is no multiple of the step: one within another would begin exactly at a step (docs/promql.md).
    def _subquery(self, depth: int) -> Vector:
        inner = self._vector(min(depth, 1))
        span, step = self._pick("3m1s", "10m7s", "30m11s"), self._pick("", "30s", "1m", "2m13s")
        return Vector(self._over(f"({inner.text})[{span}:{step}]{self._shift()}"), inner.labels)

    def _mapped(self, depth: int) -> Vector:
        inner = self._vector(depth)
        text = self._one_of(
            *[lambda: f"{self._pick(*_OF_NUMBERS)}({inner.text})"] * 4,
            lambda: f"{self._pick(*_OF_TIMES)}({inner.text})",
            lambda: f"clamp({inner.text}, {self._number()}, {self._number()})",
            lambda: f"{self._pick('clamp_min', 'clamp_max')}({inner.text}, {self._number()})",
            lambda: f"round({inner.text}{self._pick('', ', 0.5', ', 10', ', 0.1')})",
            lambda: f"-({inner.text})",
        )()
        return Vector(text, inner.labels)

    def _number(self) -> str:
        return self._pick("0", "1", "2.5", "-3", "100", "1e3", "0x1F", "Inf", "NaN", "time() / 1e6")

    def _aggregated(self, depth: int) -> Vector:
        inner = self._vector(depth)
        kept = tuple(label for label in inner.labels if self._maybe(0.5))
        gone = tuple(label for label in inner.labels if label not in kept)
        extra = ("nowhere",) if self._maybe(0.1) else ()
        grouping = self._pick(f"by ({', '.join(kept + extra)})", f"without ({', '.join(gone + extra)})")
        if self._maybe(0.1):
            grouping, kept = "", ()
        if self._maybe(0.15):
            return Vector(f"quantile {grouping} ({self._pick('0.5', '0.99', '0')}, {inner.text})", kept)
        if self._maybe(0.1):
            return Vector(f'count_values {grouping} ("value", {inner.text})', (*kept, "value"))
        return Vector(f"{self._pick(*_AGGREGATIONS)} {grouping} ({inner.text})", kept)

    def _with_number(self, depth: int) -> Vector:
        inner = self._vector(depth)
        operator = self._operator()
        sides = [f"({inner.text})", self._number()]
        if self._maybe(0.3):
            sides.reverse()
        return Vector(f" {operator} ".join(sides), inner.labels)

    def _operator(self) -> str:
        operator = self._pick("+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=")
        return f"{operator} bool" if operator[0] in "=!<>" and self._maybe(0.4) else operator

    def _matched(self, depth: int) -> Vector:
        left, right = self._vector(depth), self._vector(depth)
        common = tuple(label for label in left.labels if label in right.labels and label != "value")
        operator = self._operator()
        if set(common) == set(right.labels) and set(common) == set(left.labels) and self._maybe(0.7):
            how = self._pick("", f"on ({', '.join(common)})", "ignoring (nowhere)")
            return Vector(f"({left.text}) {operator} {how} ({right.text})", left.labels)
        side, many, one = ("left", left, right) if len(left.labels) >= len(right.labels) else ("right", right, left)
        single = f"{self._pick('max', 'sum', 'avg')} by ({', '.join(common)}) ({one.text})"
        how = f"on ({', '.join(common)}) group_{side} ()"
        pair = (f"({many.text})", single) if side == "left" else (single, f"({many.text})")
        return Vector(f"{pair[0]} {operator} {how} {pair[1]}", many.labels)

    def _sets(self, depth: int) -> Vector:
        left, right = self._vector(depth), self._vector(depth)
        common = [label for label in left.labels if label in right.labels]
        operator = self._pick("and", "or", "unless")
        how = self._pick("", f"on ({', '.join(common)})", "ignoring (queue, node, value)")
        return Vector(f"({left.text}) {operator} {how} ({right.text})", left.labels)

    def _relabelled(self, depth: int) -> Vector:
        inner = self._vector(depth)
        label = self._pick(*inner.labels) if inner.labels else "cluster"
        if self._maybe(0.3):
            return Vector(f'label_join({inner.text}, "joined", "-", "{label}", "cluster")', (*inner.labels, "joined"))
        made, pattern = self._chance.choice(_REPLACEMENTS)
        return Vector(f'label_replace({inner.text}, "made", "{made}", "{label}", "{pattern}")', (*inner.labels, "made"))

    # -- what is no plain vector

    def _absence(self) -> str:
        name, labels = self._source(_GAUGES, _COUNTERS)
        selector = self._selector(name, labels)
        return self._pick(f"absent({selector})", f"absent_over_time({selector}[5m])", f"absent({self._vector(1).text})")

    def _scalar(self) -> str:
        inner = self._vector(2).text
        return self._pick(
            f"scalar(sum({inner}))",
            f"vector(scalar(max({inner})) * {self._number()})",
            f"time() {self._operator_of_scalars()}",
            f"{self._pick(*_OF_TIMES)}()",
            f"pi() * 2 ^ 3 ^ 0.5 + {self._number()}",
            f"vector({self._number()})",
        )

    def _operator_of_scalars(self) -> str:
        return f"{self._pick('+', '-', '*', '/', '%', '> bool', '== bool')} {self._number()}"

    def _chosen(self) -> str:
        inner = self._vector(2).text
        return f"{self._pick('topk', 'bottomk')}({self._pick('1', '3', '7', '0')}, {inner})"

    def _histogram(self) -> str:
        buckets = "shop_latency_seconds_bucket"
        rate = f"{self._pick('rate', 'increase')}({buckets}[{self._pick('5m', '15m')}])"
        inner = self._pick(rate, f"sum by (le) ({rate})", f"sum without (route) ({rate})", buckets)
        return f"histogram_quantile({self._pick('0', '0.5', '0.9', '0.99', '1', '1.5')}, {inner})"


def queries(count: int, seed: int) -> list[str]:
    """So many different queries."""
    generator = Generator(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found[generator.query()] = None
    return list(found)
