"""What the rule bench evaluates: sixty rules, and the series of many queues, forty of each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import yaml

from rabbitwatch.assets import shipped
from rabbitwatch.metrics import queues
from rabbitwatch.metrics.family import QUEUE
from rabbitwatch.model.sample import Block, Family, Kind, Row

RULES = 60
_SAMPLES_A_QUEUE = 40
_OF_QUEUES = "rabbitwatch_queue_"

_COUNTERS = (
    "published", "delivered", "delivered_ack", "redelivered", "acked", "got", "got_ack", "got_empty", "confirmed",
    "routed", "disk_reads", "disk_writes", "index_reads", "index_writes", "reductions",
)  # fmt: skip
_GAUGES = (
    "ram", "persistent", "bytes", "bytes_ready", "bytes_unacknowledged", "bytes_ram", "bytes_persistent", "memory",
    "utilisation", "head_age", "prefetch", "priority",
)  # fmt: skip

_INFO = ("rabbit@a", "classic", "running", "ha", "", "all", "always", "true", "")
_TYPICAL = (
    "max by (cluster, vhost, queue) (rabbitwatch_queue_messages) > 100000",
    "sum by (cluster, vhost) (rabbitwatch_queue_messages) > 1e9",
    "sum by (cluster) (rabbitwatch_queue_messages_ready) > 1e9",
    "topk(5, rabbitwatch_queue_messages_ready) > 1e6",
    "rabbitwatch_queue_consumers == 0 and rabbitwatch_queue_messages_ready > 9000",
    "rabbitwatch_queue_messages_unacknowledged / rabbitwatch_queue_messages > 1.5",
    "sum by (cluster, vhost) (rate(broker_queue_published_total[5m])) > 1e9",
    "sum by (cluster, vhost) (rate(broker_queue_acked_total[5m])) > 1e9",
    "rate(broker_queue_published_total[5m]) > 10 * rate(broker_queue_acked_total[5m]) > 1e6",
    "sum(rate(broker_queue_redelivered_total[5m])) / sum(rate(broker_queue_delivered_total[5m])) > 2",
    "increase(broker_queue_redelivered_total[10m]) > 1e6",
    "increase(broker_queue_got_empty_total[10m]) > 1e6",
    "max by (cluster, vhost, queue) (broker_queue_memory) > 1e9",
    "sum by (cluster) (broker_queue_bytes) > 1e12",
    "broker_queue_utilisation < 0 and on (cluster, vhost, queue) rabbitwatch_queue_messages > 0",
    "avg by (cluster, vhost) (broker_queue_head_age) > 1e6",
    "max_over_time(rabbitwatch_queue_messages_ready[10m]) > 1e6",
    "min_over_time(rabbitwatch_queue_consumers[10m]) < 0",
    "delta(rabbitwatch_queue_messages[10m]) > 1e6",
    "quantile by (cluster) (0.99, rabbitwatch_queue_messages) > 1e6",
    "count by (cluster, vhost) (rabbitwatch_queue_messages) > 20000",
    'sum by (cluster) (rabbitwatch_queue_messages{queue=~".*(dlq|dead).*"}) > 1e9',
    "abs(rabbitwatch_queue_messages - rabbitwatch_queue_messages offset 10m) > 1e6",
)


def rule_file() -> str:
    """The rules as one file: every shipped rule about queues, typical ones of the field, then other shipped rules."""
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(shipped("rules").glob("*.yml"))]
    ours: list[dict[str, Any]] = [rule for each in documents for group in each["groups"] for rule in group["rules"]]
    chosen = [rule for rule in ours if _OF_QUEUES in rule["expr"]]
    chosen += [{"alert": f"Typical{n}", "expr": expr, "for": "5m"} for n, expr in enumerate(_TYPICAL)]
    chosen += [rule for rule in ours if _OF_QUEUES not in rule["expr"]]
    return yaml.safe_dump({"groups": [{"name": "bench", "interval": "15s", "rules": chosen[:RULES]}]}, sort_keys=False)


def _family(name: str, kind: Kind) -> Family:
    return Family(name=name, kind=kind, labels=QUEUE, help="", source="")


class Load:
    """The queues' samples, poll by poll: of every seventh queue the values change, as most queues are idle."""

    def __init__(self, count: int) -> None:
        chance = random.Random(1)
        self._families = [collector.family for collector in queues.COLLECTORS]
        self._families += [_family(f"broker_queue_{name}_total", Kind.COUNTER) for name in _COUNTERS]
        self._families += [_family(f"broker_queue_{name}", Kind.GAUGE) for name in _GAUGES]
        assert len(self._families) == _SAMPLES_A_QUEUE
        self._keys = [("orders", f"vhost{n % 5}", f"queue-{n:05d}") for n in range(count)]
        self._values = {f.name: [float(chance.randrange(1, 90)) for _ in range(count)] for f in self._families}
        for name in ("consumers", "mirrors", "mirrors_synchronised", "mirrors_expected", "members", "members_online"):
            self._values[f"{_OF_QUEUES}{name}"] = [2.0] * count
        for name in ("info", "has_leader"):
            self._values[f"{_OF_QUEUES}{name}"] = [1.0] * count
        self._values[f"{_OF_QUEUES}messages_at_risk"] = [0.0] * count
        self._still = {name for name, values in self._values.items() if len(set(values)) == 1}

    def poll(self, number: int, only: Sequence[str] = (), new: int = 0) -> list[Block]:
        """The samples of the next poll, of these families or of all; new: queues that appear beside the others."""
        found = []
        for family in self._families:
            values = self._values[family.name]
            if family.name not in self._still:
                for place in range(number % 7, len(values), 7):
                    values[place] += 1.0
            if only and family.name not in only:
                continue
            more = () if family.labels == QUEUE else _INFO
            rows: list[Row] = [((*key, *more), value) for key, value in zip(self._keys, values, strict=True)]
            rows += [(("orders", "vhost0", f"new-{n}", *more), 1.0) for n in range(new)]
            found.append(Block(family, rows))
        return found
