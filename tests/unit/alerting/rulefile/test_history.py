"""What rules look back at is asked of the window, with who asks."""

from __future__ import annotations

from tests.unit.alerting.evaluate.world import rules

from rabbitwatch.alerting.rulefile.history import history


def test_ranges_offsets_and_queries_of_templates() -> None:
    found = history(
        rules("""
groups:
- name: g
  query_offset: 1m
  rules:
  - {alert: Rate, expr: 'rate(a[10m]) > 0'}
- name: h
  rules:
  - {alert: Past, expr: 'b > b offset 1h'}
  - alert: Asks
    expr: c > 0
    annotations: {summary: '{{ with query "max_over_time(d[2h])" }}{{ . | first | value }}{{ end }}'}
""")
    )
    spans = {
        (each.matchers[0].value, each.span_ms, each.asked_by.rpartition(" ")[2]) for each in found if each.span_ms > 0
    }
    assert {(name, span // 60_000, by) for name, span, by in spans} == {
        ("a", 11, "Rate"),
        ("b", 65, "Past"),
        ("d", 120, "Asks"),
    }
