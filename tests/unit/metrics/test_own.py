from __future__ import annotations

from dataclasses import replace

from prometheus_client import Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from tests.unit.cluster.build import ABC, AT, A, B, C, cluster, healthy, missed, node, objects, sees

from rabbitwatch.errors import CallFailure
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.metrics.own_families import OF_POLLS
from rabbitwatch.model.observation import Heard


def value(own: OwnMetrics, name: str, *labels: str) -> float | None:
    found = [row for block in own.blocks() if block.family.name == name for row in block.rows]
    return dict(found).get(labels)


def test_polls_and_failures_are_counted_by_source() -> None:
    own = OwnMetrics()
    refused = missed(CallFailure.REFUSED)
    for _ in range(2):
        own.observe(cluster([node(A, sees(ABC)), node(B, refused), node(C, missed())], objects(queues=missed())))
    assert value(own, "rabbitwatch_polls_total", "orders") == 2
    assert value(own, "rabbitwatch_poll_duration_seconds", "orders") == 0.4
    assert value(own, "rabbitwatch_calls_total", "orders", "nodes") == 6
    assert value(own, "rabbitwatch_call_failures_total", "orders", "nodes", "refused") == 2
    assert value(own, "rabbitwatch_call_failures_total", "orders", "nodes", "timeout") == 2
    assert value(own, "rabbitwatch_call_failures_total", "orders", "queues", "timeout") == 2
    assert value(own, "rabbitwatch_call_failures_total", "orders", "vhosts", "timeout") == 0, "so that it can increase"
    assert value(own, "rabbitwatch_call_failures_total", "orders", "plugin", "timeout") is None, "never asked"


def test_an_answer_that_is_carried_over_is_counted_once() -> None:
    own = OwnMetrics()
    observation = healthy(cookie_hash=Heard("x", at=AT - 30, took=0.5))
    own.observe(observation)
    assert value(own, "rabbitwatch_calls_total", "orders", "cookie_hash") is None


def test_last_success_stays_when_nobody_answers() -> None:
    own = OwnMetrics()
    own.observe(healthy())
    own.observe(replace(cluster([node(A, missed())]), at=AT + 15))
    assert value(own, "rabbitwatch_poll_last_success_timestamp_seconds", "orders") == AT


def test_a_failed_cycle_is_an_increase() -> None:
    own = OwnMetrics()
    own.observe(healthy())
    assert value(own, "rabbitwatch_cycle_failures_total", "orders") == 0
    own.cycle_failed("orders")
    assert value(own, "rabbitwatch_cycle_failures_total", "orders") == 1


def test_every_family_is_there_and_no_created_series() -> None:
    own = OwnMetrics()
    own.observe(healthy())
    own.cycle_failed("orders")
    names = {block.family.name for block in own.blocks()}
    assert {family.name for family in OF_POLLS} <= names
    assert "process_cpu_seconds_total" in names
    assert not any(name.endswith("_created") for name in names)
    assert b"_created" not in own.render(False) + own.render(True)


def test_others_may_count_in_the_same_registry() -> None:
    own = OwnMetrics()
    Counter("rabbitwatch_things", "Things.", ["kind"], registry=own.registry).labels("a").inc()
    assert value(own, "rabbitwatch_things_total", "a") == 1
    assert b'rabbitwatch_things_total{kind="a"} 1.0' in own.render(False)


def test_openmetrics_is_complete() -> None:
    own = OwnMetrics()
    own.observe(healthy())
    text = own.render(True).decode()
    assert text.endswith("# EOF\n")
    assert "rabbitwatch_polls" in {family.name for family in parse_openmetrics(text)}
