"""Every query of the dashboards, asked of a real Prometheus that scrapes the agent, and of that agent.

The cluster is split, mirrors lag and alerts fire meanwhile, so that panels have something to show. What cannot be in
that state is shown by tests/prometheus/test_dashboards.py, over an hour in which much more goes wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest
from tests.cluster.site.common import Site
from tests.prometheus.test_dashboards import PROCESS, RULES
from tests.support.dashboards import queries
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

QUERIES = queries()
FIRES_WITHIN = 300.0
_LOUD = 'ALERTS{alertstate="firing", severity!~"none|info"}'
ELSEWHERE = ("rabbitwatch_notification_", "rabbitwatch_actions_total")
"""This site's agent has no receivers of its own and no repair is carried out, so panels and annotations of these are
empty; tests/unit/test_dashboards.py checks that such metrics exist."""


@pytest.fixture(scope="module")
def incident(site: Site) -> Iterator[Site]:
    """Mirrors lag, the ram node is cut off, and alerts about that fire at both."""
    site.lab.run("unsync", "--queues", "2", "--messages", "30", "--vhost", "lagging")  # in / all have mirrors at once
    site.lab.run("partition", "rabbit3")
    try:
        for url in (site.prometheus, site.agent.url):
            until(partial(_rows, site, url, _LOUD), f"alerts fire at {url}", FIRES_WITHIN)
        yield site
    finally:
        site.lab.run("heal")
        site.lab.run("stop", "rabbit3")
        site.lab.run("start", "rabbit3")


def _rows(site: Site, url: str, query: str) -> int:
    answer = site.ask(url, "/api/v1/query", query=query)
    assert answer["status"] == "success", answer
    return len(answer["data"]["result"])


@pytest.mark.parametrize("name", list(QUERIES))
def test_both_answer(name: str, incident: Site) -> None:
    query = QUERIES[name]
    end = time.time()
    asked = {"query": query, "start": str(end - 300), "end": str(end), "step": "15"}
    found = {}
    for url in (incident.prometheus, incident.agent.url):
        answer = incident.ask(url, "/api/v1/query_range", **asked)
        assert answer["status"] == "success", f"{url}: {answer}"
        found[url] = {tuple(sorted(row["metric"].items())) for row in answer["data"]["result"]}
    if any(word in query for word in (*RULES, *PROCESS)) and not any(word in query for word in ELSEWHERE):
        assert all(found.values()), f"{query}: {found}"
