"""Every query of the dashboards, asked of a real Prometheus and of the agent, over an hour in which much goes wrong."""

from __future__ import annotations

import pytest
from tests.prometheus.compare import difference, empty
from tests.prometheus.hour import BEGIN, END
from tests.prometheus.server import PROMETHEUS, Prometheus
from tests.support.dashboards import queries
from tests.unit.web.prometheus.served import Client

QUERIES = queries()
RULES = ("ALERTS",)
"""No rule is evaluated in that hour; tests/cluster/site/test_dashboards.py asks these of a real cluster."""
_OWN = ("build", "actions", "config", "poll_duration", "rule_group", "window", "notification")
PROCESS = ("process_", *(f"rabbitwatch_{name}_" for name in _OWN))
"""Likewise the agent's process."""

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian package prometheus)"),
]


@pytest.mark.parametrize("name", list(QUERIES))
def test_both_say_the_same_and_something(name: str, original: Prometheus, agent: Client) -> None:
    query = QUERIES[name]
    asked = {"query": query, "start": f"{BEGIN + 60}.321", "end": f"{END}.321", "step": "60"}
    theirs, ours = original.ask("/query_range", asked), agent.ask("/query_range", asked).json()
    assert difference(query, theirs, ours) == ""
    if not any(word in query for word in (*RULES, *PROCESS)):
        assert not empty(ours), query
