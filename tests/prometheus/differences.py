"""In what Prometheus 2.42 differs from the engine, which follows 3.x: the table of docs/promql.md, with examples.

A generated query may differ only where one of these can be the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.prometheus.hour import BEGIN, END

_AT_A_POLL = f"{BEGIN + 900}.217"
_BETWEEN_POLLS = f"{BEGIN + 907}.321"


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of the table.

    name: as the table has it. query, time: an example; with a step, the last step of a range query that ends at `time`.
    there, here: what Prometheus 2.42 and the agent answer, as `told` writes it.
    suspect: matches every generated query that it can concern; "" where it can concern none.
    """

    name: str
    query: str
    there: str
    here: str
    time: str = _BETWEEN_POLLS
    step: str = ""
    suspect: str = ""


DIFFERENCES = (
    Difference(
        name="a sample exactly at the beginning of a range",
        query='count_over_time(rabbitwatch_queue_messages{queue="mail"}[1m])',
        time=_AT_A_POLL,
        there="{cluster=orders,queue=mail,vhost=/} 5",
        here="{cluster=orders,queue=mail,vhost=/} 4",
    ),
    Difference(
        name="a sample exactly as old as the lookback",
        query='rabbitwatch_queue_messages{queue="mail"}',
        time=f"{END + 300}.217",
        there="{__name__=rabbitwatch_queue_messages,cluster=orders,queue=mail,vhost=/} 2014",
        here="",
    ),
    Difference(
        name="the name of the metric after `atan2`",
        query='rabbitwatch_polls_total{cluster="orders"} atan2 0',
        there="{__name__=rabbitwatch_polls_total,cluster=orders} 1.5707963267948966",
        here="{cluster=orders} 1.5707963267948966",
        suspect=r"\batan2\b",
    ),
    Difference(
        name="`predict_linear` over a range that `@` fixes, in a range query",
        query=f'predict_linear(rabbitwatch_node_disk_free_bytes{{node="rabbit@b"}}[5m] @ {BEGIN + 600}.5, 60)',
        time=f"{BEGIN + 200}.321",
        step="100",
        there="{cluster=orders,node=rabbit@b} 8650790.4",
        here="{cluster=orders,node=rabbit@b} 8652313.928421052",
        suspect=r"predict_linear\(.*@",
    ),
    Difference(
        name="`rate` and `increase` of a series that begins within the range, near zero",
        query='increase(rabbitwatch_queue_messages_ready{queue="amq.gen-x"}[10m])',
        time=f"{BEGIN + 508}.321",
        there="{cluster=orders,queue=amq.gen-x,vhost=/} 11061.878254545456",
        here="{cluster=orders,queue=amq.gen-x,vhost=/} 10894.347951515152",
        suspect=r"\b(rate|increase)\(",
    ),
    Difference(
        name="the last digit of a computed number, which `count_values` makes a label",
        query='count_values("v", avg_over_time(rate(rabbitwatch_polls_total{cluster="orders"}[10m] offset 5m)[10m:]))',
        time=f"{BEGIN + 1009}.321",
        there="{v=0.05790275917065391} 1",
        here="{v=0.057902759170653906} 1",
        suspect=r"\bcount_values\b",
    ),
    Difference(
        name="the deviation of a single value that is infinite or NaN",
        query='stddev(rabbitwatch_polls_total{cluster="orders"} / 0)',
        there="{} 0",
        here="{} NaN",
        suspect=r"\b(stddev|stdvar)\b",
    ),
)


def told(answer: Any) -> str:
    """An answer in a line: each series with its labels and its last value."""
    assert answer["status"] == "success", answer
    rows = []
    for row in answer["data"]["result"]:
        labels = ",".join(f"{name}={value}" for name, value in sorted(row["metric"].items()))
        rows.append(f"{{{labels}}} {(row['value'] if 'value' in row else row['values'][-1])[1]}")
    return "; ".join(sorted(rows))
