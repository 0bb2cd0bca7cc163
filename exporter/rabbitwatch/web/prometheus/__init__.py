"""Prometheus' HTTP API over the window and the rules, for Grafana, promtool and scripts (docs/prometheus-api.md)."""

from rabbitwatch.web.prometheus.api import PrometheusApi
from rabbitwatch.web.prometheus.ports import Querier, RulesView

__all__ = ["PrometheusApi", "Querier", "RulesView"]
