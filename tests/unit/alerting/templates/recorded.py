"""The recorded templates of cases.yml, and the series and queries that they stand on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from rabbitwatch.alerting.templates import TemplateData, TemplateSample
from rabbitwatch.errors import QueryError

NOW = 1353755652.0
EXTERNAL_LABELS = {"site": "berlin"}
EXTERNAL_URL = "http://prom.example/p"
SERIES = {
    'up{instance="a.example.com:9090", job="x"}': "1",
    'up{instance="b", job="x"}': "0",
    'q{queue="orders", vhost="/"}': "1234567",
    'q{queue="bills", vhost="/"}': "12",
    'v{node="rabbit@r1"}': "0.25",
    'v{node="rabbit@r2"}': "-3",
    'v{node="rabbit@r3"}': "1500000",
    'v{node="rabbit@r4"}': "0",
}


def labels(series: str) -> dict[str, str]:
    """The labels of a series as it is written, its name included."""
    name, _, rest = series.partition("{")
    return {"__name__": name, **dict(re.findall(r'(\w+)="([^"]*)"', rest))}


def _samples(name: str) -> list[TemplateSample]:
    """All of a name, the highest first, as sort_desc gives them."""
    found = [TemplateSample(labels(s), float(value)) for s, value in SERIES.items() if s.startswith(f"{name}{{")]
    return sorted(found, key=lambda sample: -sample.value)


ANSWERS = {
    "up": _samples("up"),
    "sort_desc(up)": _samples("up"),
    "sort_desc(q)": _samples("q"),
    "nope": [],
    "sum(q)": [TemplateSample({}, 1234579.0)],
    "scalar(vector(3))": [TemplateSample({}, 3.0)],
    "1+1": [TemplateSample({}, 2.0)],
}


def answer(expression: str) -> list[TemplateSample]:
    """What Prometheus answers on SERIES."""
    if expression == "up{":
        raise QueryError("1:4: parse error: unexpected end of input inside braces")
    if expression not in ANSWERS:
        raise QueryError("rule result is not a vector or scalar")
    return ANSWERS[expression]


@dataclass(frozen=True, slots=True)
class Case:
    series: str
    value: float
    template: str
    expect: str
    newer: bool

    @property
    def fails(self) -> bool:
        return self.expect.startswith("<error expanding template")

    @property
    def data(self) -> TemplateData:
        return TemplateData(
            labels=labels(self.series),
            value=self.value,
            external_labels=EXTERNAL_LABELS,
            external_url=EXTERNAL_URL,
            query=answer,
            now=NOW,
        )


def cases() -> list[Case]:
    groups = yaml.safe_load(Path(__file__).with_name("cases.yml").read_text(encoding="utf-8"))
    return [
        Case(group["series"], group["value"], row["template"], row["expect"], row.get("newer", False))
        for group in groups
        for row in group["rows"]
    ]
