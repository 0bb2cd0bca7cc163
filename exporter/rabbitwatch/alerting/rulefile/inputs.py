"""Which series a rule needs: for knowing whether an alert vanished with its data.

Needed are the plain selectors of the expression, except below `absent` and on the right of `unless`, where series end
an alert instead of carrying it. What a recording rule records stands for what that rule reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rabbitwatch.alerting.coverage import Input
from rabbitwatch.promql.nodes import Binary, Call, Node, Selector, Shift, children

_ABSENCE = frozenset({"absent", "absent_over_time"})
_NOW = Shift()


def needed(expr: Node, recorded: Mapping[str, Sequence[Node]]) -> tuple[Input, ...]:
    """The inputs of an expression, without repetition. recorded: the expressions behind recorded names."""
    found: dict[tuple[str, str], Input] = {}
    for each in _needed(expr, recorded, frozenset()):
        found[each.name, str([str(m) for m in each.matchers])] = each
    return tuple(found.values())


def _needed(node: Node, recorded: Mapping[str, Sequence[Node]], above: frozenset[str]) -> Iterator[Input]:
    match node:
        case Selector() if node.shift == _NOW and node.metric:
            yield Input(node.metric, tuple(m for m in node.matchers if m.name != "__name__"))
            if node.metric not in above:
                for behind in recorded.get(node.metric, ()):
                    yield from _needed(behind, recorded, above | {node.metric})
        case Binary() if node.op == "unless":
            yield from _needed(node.left, recorded, above)
        case Call() if node.name in _ABSENCE:
            return
        case _:
            for child in children(node):
                yield from _needed(child, recorded, above)
