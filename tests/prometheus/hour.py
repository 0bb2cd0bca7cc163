"""An hour of a broker's life as the agent polls it, with much of what can go wrong in it, and six calmer hours before.

Everything follows from the poll's number, so each run sees the same samples. No poll is at a whole second, so
neither a query at one nor the steps of a subquery are at a sample (docs/promql.md says why that matters).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.prometheus.incidents import INTERVAL, Incident, incidents
from tests.prometheus.orders import orders, wave
from tests.unit.cluster.build import healthy, objects, queue

from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.models import ClusterConfig, DeclaredPolicy
from rabbitwatch.metrics import own_families as own
from rabbitwatch.metrics.samples import blocks
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.model.sample import Block, Family, Kind, Row

BEGIN = 1_700_000_000
"""Of the hour, unix seconds: a Tuesday, 22:13:20 UTC, so that midnight is not far."""
POLLS = 240
END = BEGIN + (POLLS - 1) * INTERVAL
_BEFORE = range(-6 * 60 // 4, 0)
_PAST_MS, OWN_PAST_MS = 217, 700
_SPARSE = 16
"""Before the hour there is one poll in four minutes, less than the lookback."""

CONFIG = ClusterConfig(
    name="orders",
    policies=(DeclaredPolicy(name="ha", pattern=".*", apply_to="queues", definition={"ha-mode": "all"}),),
)
_CAPPED = CONFIG.model_copy(update={"queues": CONFIG.queues.model_copy(update={"limit": 6})})
_QUIET = ClusterConfig(name="billing")


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought of one cluster, or, with the scope "", of the agent itself."""

    at_ms: int
    scope: str
    blocks: tuple[Block, ...]


def polls() -> Iterator[Poll]:
    """All polls in the order of their times."""
    for step in _BEFORE:
        yield from _moment(step * _SPARSE)
    for number in range(POLLS):
        yield from _moment(number)


def _moment(number: int) -> Iterator[Poll]:
    at = BEGIN + number * INTERVAL
    config = _CAPPED if Incident.CAPPED in incidents(number) else CONFIG
    heard = ((orders(number), config, "orders"), (_billing(number), _QUIET, "billing"))
    for observation, settings, scope in heard:
        timed = replace(observation, at=at + _PAST_MS / 1000, cluster=scope, took=0.4 + number % 7 / 10)
        yield Poll(at * 1000 + _PAST_MS, scope, tuple(blocks([assess(timed, settings)])))
    yield Poll(at * 1000 + OWN_PAST_MS, "", tuple(_own(number)))


# -- the cluster `billing`, to which nothing happens


def _billing(number: int) -> ClusterObservation:
    queues = [queue(f"invoices.{i}", messages=wave(number, 0, 50, 50, i)) for i in range(24)]
    return healthy(objects(queues=tuple(queues)), version="4.0.5")


# -- the agent itself, and a histogram such as an application would have


LATENCY = Family(
    name="shop_latency_seconds_bucket", kind=Kind.COUNTER, labels=("route", "le"), help="Latency.", source=""
)
_BOUNDS = ("0.1", "0.5", "1", "5", "+Inf")


def _of_repairs(number: int) -> dict[str, list[Row]]:
    """Each trouble of theirs comes and goes within the hour."""
    done, stalled = ("orders", "sync_queue", "done"), ("orders", "sync_queue", "stalled")
    return {
        own.ACTIONS.name: [(done, max(0, number) // 7), (stalled, max(0, number) // 100)],
        own.ACTION_ERRORS.name: [(("orders",), max(0, number - 190) // 20), (("billing",), 0)],
        own.ACTION_AUDIT_FAILURES.name: [((), min(max(0, number - 130), 12))],
        own.ACTION_AUDIT_PROBLEMS.name: [((), 2.0 if 150 < number < 170 else 0.0)],
        own.ACTION_WEBHOOK_REFUSALS.name: [((), min(max(0, number - 90) // 4, 9))],
        own.ACTIONS_PAUSED.name: [((), 1.0)],
        own.ACTION_OPEN_SECONDS.name: [(("orders",), max(0, number) % 120 * 90.0), (("billing",), 0.0)],
        own.ACTION_LEASE_HELD.name: [(("orders",), 0.0 if 20 < number < 110 else 1.0), (("billing",), 1.0)],
        own.ACTION_FIGHTS.name: [(("orders",), 1.0 if 40 < number < 70 else 0.0), (("billing",), 0.0)],
    }


def _own(number: int) -> Iterator[Block]:
    failing = number // 30 % 2
    chat, mail = ("team", "team/slack[0]"), ("team", "team/email[0]")
    rows: dict[str, list[Row]] = {
        own.POLLS.name: [(("orders",), 500 + number), (("billing",), 500 + number)],
        own.CYCLE_FAILURES.name: [(("orders",), max(0, number - 200) // 10), (("billing",), 0)],
        own.RELOAD_OK.name: [((), 0.0 if 100 < number < 130 else 1.0)],
        own.RULE_FAILURES.name: [(("g", "r"), max(0, number) // 60), (("g", "s"), 0)],
        own.GROUP_EVALUATED.name: [(("g",), BEGIN + min(number, 150) * INTERVAL)],
        own.ALERTS_BLIND.name: [((), failing * 2.0)],
        own.WINDOW_DROPPED.name: [((), max(0.0, number - 210.0) * 1000)],
        own.NOTICES_FAILING.name: [(chat, float(max(0, number - 60) % 40 * INTERVAL)), (mail, 0.0)],
        own.NOTICES_LOST.name: [(chat, max(0, number) // 90), (mail, 0)],
        own.HANDOVER_FAILURES.name: [(("http://one:9093",), max(0, number - 80)), (("http://two:9093",), 0)],
        own.HANDED_OVER.name: [
            (("http://one:9093",), 300 + min(number, 80) * 2),
            (("http://two:9093",), 300 + number * 2),
        ],
        **_of_repairs(number),
    }
    for family in own.FAMILIES:
        if family.name in rows:
            yield Block(family, rows[family.name])
    count = number + 2000
    yield Block(
        LATENCY,
        [
            ((route, bound), float(count * (i + 1) * (place + 1) + i * (number % 4)))
            for place, route in enumerate(("cart", "pay"))
            for i, bound in enumerate(_BOUNDS)
        ],
    )
