"""The figures about repairs are those that the page of metrics lists."""

from __future__ import annotations

from rabbitwatch.actions.chain import Head
from rabbitwatch.actions.metrics import ActionCounts, ActionMetrics, Figures
from rabbitwatch.metrics.own_families import OF_ACTIONS
from rabbitwatch.model.action import Outcome


def test_every_family_is_told_and_no_other() -> None:
    found = ActionMetrics(ActionCounts(), lambda: Figures(head=Head(3, "0" * 64))).collect()
    told = {f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in found}
    assert told == {family.name for family in OF_ACTIONS}


def test_counts_begin_at_zero_and_keep_what_they_have() -> None:
    counts = ActionCounts()
    counts.begin(iter([("orders", "sync_queue")]))
    counts.ended("orders", "sync_queue", Outcome.TIMED_OUT)
    counts.begin(iter([("orders", "sync_queue")]))
    ended = next(iter(counts.metrics()))
    values = {sample.labels["outcome"]: sample.value for sample in ended.samples}
    assert values == {"done": 0, "stalled": 0, "timed_out": 1, "failed": 0}
