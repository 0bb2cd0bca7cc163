"""/status/buildinfo and the other pages by which clients find out whom they talk to.

Grafana takes a data source whose build information names no features for a Prometheus, and compares `version` with
those of Prometheus to choose requests: from 2.24 on it asks /label/<name>/values with match[] instead of all series.
So `version` is the Prometheus whose API and PromQL this is; rabbitwatch stands in `application` and `revision`.

/status/flags is left out on purpose: Grafana takes a data source that answers it for a Thanos, and asks for a ruler.
"""

from __future__ import annotations

from rabbitwatch import __version__
from rabbitwatch.web.prometheus.params import Params
from rabbitwatch.web.prometheus.reply import Answer

SPEAKS = "3.5.0"
"""The Prometheus whose API and PromQL are spoken here, a long-term release."""


class Status:
    """Answers that do not change while the agent runs."""

    def buildinfo(self, _: Params) -> Answer:
        """/status/buildinfo"""
        return Answer(
            {
                "version": SPEAKS,
                "revision": f"rabbitwatch-{__version__}",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
                "application": "rabbitwatch",
            }
        )

    def targets(self, _: Params) -> Answer:
        """/targets: the agent polls brokers, which are no targets of Prometheus' kind; see /api/v1/clusters."""
        return Answer({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}})

    def alertmanagers(self, _: Params) -> Answer:
        """/alertmanagers"""
        return Answer({"activeAlertmanagers": [], "droppedAlertmanagers": []})
