"""Reading selectors from storage: at one time by its fast path, over many steps from one read of the whole span."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from rabbitwatch.promql.column import LabelColumn
from rabbitwatch.promql.functions.ranges import Span
from rabbitwatch.promql.functions.steps import Steps
from rabbitwatch.promql.functions.tables import Table
from rabbitwatch.promql.labels import LabelSet, Matchers
from rabbitwatch.promql.limits import Budget
from rabbitwatch.promql.nodes import Edge, Node, RangeSelector, Selector, Shift
from rabbitwatch.promql.storage import BlockStorage, Latest, Storage, is_stale
from rabbitwatch.promql.values import Drop


@dataclass(frozen=True, slots=True)
class Scope:
    """The times at which an expression is evaluated: of the query, or of a subquery; milliseconds."""

    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def single(self) -> bool:
        """Whether there is only one."""
        return self.start_ms == self.end_ms


Rows = Sequence[tuple[Sequence[int], Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Windows:
    """A range vector at one time. labels: of all parts, in their order. parts: of each row the timestamps and values,
    without staleness markers and never empty; a Table holds those of many rows at once.
    """

    labels: LabelColumn
    parts: Sequence[Table | Rows]
    span: Span
    drop: Drop = False

    def each(self) -> Rows:
        """The rows one by one, whatever form they have."""
        return [row for part in self.parts for row in (part.each() if isinstance(part, Table) else part)]


Samples = tuple[LabelSet, Sequence[int], Sequence[float]]
_SAMPLES_PER_LOOK = 50_000


def alive(times: Sequence[int], values: Sequence[float]) -> tuple[Sequence[int], Sequence[float]]:
    """The samples without staleness markers."""
    plain = sum(values)
    if plain == plain or not any(map(is_stale, values)):
        return times, values
    kept = [(t, v) for t, v in zip(times, values, strict=True) if not is_stale(v)]
    return [t for t, _ in kept], [v for _, v in kept]


def _live(found: Sequence[Samples]) -> list[Samples]:
    live = [(labels, *alive(times, values)) for labels, times, values in found]
    return [samples for samples in live if samples[1]]


class Columns:
    """What one evaluation leaves to the next, by the expressions' nodes: the same LabelColumn while the same label sets
    come, so that what is derived from it is kept, and the steps between scrapes that the next one will see again."""

    def __init__(self) -> None:
        self._last: WeakKeyDictionary[Node, LabelColumn] = WeakKeyDictionary()
        self._picked: WeakKeyDictionary[Node, tuple[LabelColumn, list[int], LabelColumn]] = WeakKeyDictionary()
        self._steps: WeakKeyDictionary[Node, Steps] = WeakKeyDictionary()

    def same(self, key: Node, sets: list[LabelSet]) -> LabelColumn:
        """A column of these sets: the last one for this node where it is equal, else one made from that."""
        last = self._last.get(key)
        if last is None or last.sets != sets:
            last = self._last[key] = LabelColumn(sets) if last is None else last.followed_by(sets)
        return last

    def picked(self, key: Node, column: LabelColumn, rows: list[int]) -> LabelColumn:
        """These rows of the column: the same object as for this node before, where both are the same."""
        last = self._picked.get(key)
        if last is None or last[0] is not column or last[1] != rows:
            last = self._picked[key] = (column, rows, column.pick(rows))
        return last[2]

    def steps(self, key: Node) -> Steps:
        """For this evaluation of the node."""
        last = self._steps.get(key)
        steps = self._steps[key] = Steps() if last is None else last.next()
        return steps


class Fetcher:
    """Reads the selectors of one scope. `query` is the whole query's scope, which `@ start()` and `@ end()` mean."""

    def __init__(self, storage: Storage, budget: Budget, scope: Scope, query: Scope, columns: Columns) -> None:
        self._storage = storage
        self._budget = budget
        self._scope = scope
        self._query = query
        self._columns = columns
        self._read: dict[object, list[Samples]] = {}
        self._fixed: dict[object, Latest] = {}

    def reference(self, shift: Shift, at_ms: int) -> int:
        """The time that a selector looks at when it is evaluated at `at_ms`."""
        if shift.at is Edge.START:
            at_ms = self._query.start_ms
        elif shift.at is Edge.END:
            at_ms = self._query.end_ms
        elif shift.at is not None:
            at_ms = shift.at
        return at_ms - shift.offset_ms

    def instant(self, selector: Selector, at_ms: int) -> Latest:
        """The newest sample of each series within the lookback."""
        time = self.reference(selector.shift, at_ms)
        lookback = self._budget.limits.lookback_ms
        if self._scope.single or selector.shift.at is not None:
            found = self._fixed.get(selector)
            if found is None:
                found = self._storage.latest(selector.matchers, time, lookback)
                if time != at_ms:
                    found = replace(found, labels=self._columns.same(selector, found.labels.sets))
                self._fixed[selector] = found
            self._budget.take(len(found.labels))
            return found
        return self._step(selector, time, lookback)

    def _step(self, selector: Selector, time: int, lookback: int) -> Latest:
        sets, values, times = [], [], []
        for labels, series_times, series_values in self._span(selector, selector.matchers, selector.shift, lookback):
            index = bisect_right(series_times, time) - 1
            if index < 0 or series_times[index] <= time - lookback:
                continue
            value = series_values[index]
            if value != value and is_stale(value):
                continue
            sets.append(labels)
            values.append(value)
            times.append(series_times[index])
        self._budget.take(len(values))
        return Latest(self._columns.same(selector, sets), values, times)

    def _span(self, key: object, matchers: Matchers, shift: Shift, back_ms: int) -> list[Samples]:
        """All samples that any step of the scope can look at."""
        found = self._read.get(key)
        if found is None:
            start = self._scope.start_ms - shift.offset_ms - back_ms
            found = self._read[key] = self._load(matchers, start, self._scope.end_ms - shift.offset_ms)
        return found

    def _load(self, matchers: Matchers, start_ms: int, end_ms: int) -> list[Samples]:
        found, pending = [], 0
        for series in self._storage.select(matchers, start_ms, end_ms):
            times = series.timestamps
            found.append((series.labels, times, series.values))
            pending += len(times)
            if pending > _SAMPLES_PER_LOOK:
                self._budget.take(pending)
                self._budget.check_time()
                pending = 0
        self._budget.take(pending)
        return found

    def windows(self, node: RangeSelector, at_ms: int) -> Windows:
        """The samples of each series within the range."""
        shift = node.selector.shift
        end = self.reference(shift, at_ms)
        span = Span(end - node.range_ms, end, at_ms)
        if isinstance(self._storage, BlockStorage) and self._scope.single:
            return self._blocks(self._storage, node, span)
        live = _live(self._range(node, span))
        return Windows(self._columns.same(node, [s[0] for s in live]), [[s[1:] for s in live]], span)

    def _blocks(self, storage: BlockStorage, node: RangeSelector, span: Span) -> Windows:
        blocks, others = storage.blocks(node.selector.matchers, span.start_ms, span.end_ms)
        live = _live([(series.labels, series.timestamps, series.values) for series in others])
        self._budget.take(sum(len(b.labels) * len(b.timestamps) for b in blocks) + sum(len(s[1]) for s in live))
        sets = [labels for block in blocks for labels in block.labels]
        sets.extend([s[0] for s in live])
        steps = self._columns.steps(node)
        parts: list[Table | Rows] = [Table(b.timestamps, b.rows, b.places, steps) for b in blocks]
        return Windows(self._columns.same(node, sets), [*parts, [s[1:] for s in live]], span)

    def _range(self, node: RangeSelector, span: Span) -> Sequence[Samples]:
        selector = node.selector
        if self._scope.single or selector.shift.at is not None:
            if node not in self._read:
                self._read[node] = self._load(selector.matchers, span.start_ms, span.end_ms)
            return self._read[node]
        found: list[Samples] = []
        for labels, times, values in self._span(node, selector.matchers, selector.shift, node.range_ms):
            low, high = bisect_right(times, span.start_ms), bisect_right(times, span.end_ms)
            if low < high:
                found.append((labels, times[low:high], values[low:high]))
                self._budget.take(high - low)
        return found
