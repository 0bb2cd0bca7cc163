"""promtool's unit-test files: what they hold, and strict reading of it.

Every field of promtool's format is known here. Histograms in `exp_samples` are refused, because the engine works on
floats; `start_timestamp` (promtool 3.8) moves the start of a test away from the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rabbitwatch.alerting.rulefile.fields import Fields
from rabbitwatch.config.yamltree import Path

_FILE = ("rule_files", "evaluation_interval", "group_eval_order", "fuzzy_compare", "tests")
_SCENARIO = (
    "interval",
    "name",
    "input_series",
    "alert_rule_test",
    "promql_expr_test",
    "external_labels",
    "external_url",
)
DEFAULT_INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class InputSeries:
    """One series in the notation of test files, such as `up{job="a"}` with `1x5 _ stale`."""

    series: str
    values: str


@dataclass(frozen=True, slots=True)
class ExpectedAlert:
    """A firing alert that must be there: the labels without `alertname`, and the annotations."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AlertCheck:
    """The firing alerts of one name at one time, all of them."""

    eval_time_s: float
    alertname: str
    expected: tuple[ExpectedAlert, ...]


@dataclass(frozen=True, slots=True)
class ExpectedSample:
    """labels: a metric with its labels, such as `a:b{job="a"}`."""

    labels: str
    value: float


@dataclass(frozen=True, slots=True)
class ExprCheck:
    """What an expression gives at one time."""

    expr: str
    eval_time_s: float
    expected: tuple[ExpectedSample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One item under `tests`: the input and what is expected of the rules. interval_s: between input samples."""

    interval_s: float
    name: str
    inputs: tuple[InputSeries, ...]
    alerts: tuple[AlertCheck, ...]
    exprs: tuple[ExprCheck, ...]
    external_labels: Mapping[str, str]
    external_url: str

    @property
    def end_s(self) -> float:
        """The last time that anything is checked at."""
        times = [check.eval_time_s for check in self.alerts] + [check.eval_time_s for check in self.exprs]
        return max(times, default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTestFile:
    """A whole test file."""

    rule_files: tuple[str, ...]
    evaluation_interval_s: float
    group_eval_order: tuple[str, ...]
    fuzzy_compare: bool
    scenarios: tuple[Scenario, ...]


def read_test_file(fields: Fields) -> RuleTestFile:
    """The tests of a file; what is wrong is told to `fields`, and then the result is not to be used."""
    fields.mapping((), "a rule test file", _FILE)
    fuzzy = fields.at(("fuzzy_compare",))
    if fuzzy is not None and not isinstance(fuzzy, bool):
        fields.error(("fuzzy_compare",), "fuzzy_compare must be true or false")
    return RuleTestFile(
        rule_files=tuple(fields.text(path) for path in fields.items(("rule_files",), "rule_files")),
        evaluation_interval_s=fields.seconds(("evaluation_interval",)) or DEFAULT_INTERVAL_S,
        group_eval_order=tuple(fields.text(path) for path in fields.items(("group_eval_order",), "group_eval_order")),
        fuzzy_compare=bool(fuzzy),
        scenarios=tuple(_scenario(fields, path) for path in fields.items(("tests",), "tests")),
    )


def _scenario(fields: Fields, path: Path) -> Scenario:
    fields.mapping(path, "a test", _SCENARIO)
    return Scenario(
        interval_s=fields.seconds((*path, "interval")) or DEFAULT_INTERVAL_S,
        name=fields.text((*path, "name")),
        inputs=tuple(_input(fields, each) for each in fields.items((*path, "input_series"), "input_series")),
        alerts=tuple(_alerts(fields, each) for each in fields.items((*path, "alert_rule_test"), "alert_rule_test")),
        exprs=tuple(_expr(fields, each) for each in fields.items((*path, "promql_expr_test"), "promql_expr_test")),
        external_labels=fields.texts((*path, "external_labels")),
        external_url=fields.text((*path, "external_url")),
    )


def _input(fields: Fields, path: Path) -> InputSeries:
    fields.mapping(path, "an input series", ("series", "values"))
    return InputSeries(fields.text((*path, "series")), fields.text((*path, "values")))


def _alerts(fields: Fields, path: Path) -> AlertCheck:
    fields.mapping(path, "an item of alert_rule_test", ("eval_time", "alertname", "exp_alerts"))
    expected = []
    for each in fields.items((*path, "exp_alerts"), "exp_alerts"):
        fields.mapping(each, "an expected alert", ("exp_labels", "exp_annotations"))
        expected.append(ExpectedAlert(fields.texts((*each, "exp_labels")), fields.texts((*each, "exp_annotations"))))
    return AlertCheck(fields.seconds((*path, "eval_time")) or 0.0, fields.text((*path, "alertname")), tuple(expected))


def _expr(fields: Fields, path: Path) -> ExprCheck:
    fields.mapping(path, "an item of promql_expr_test", ("expr", "eval_time", "exp_samples"))
    expected = tuple(_sample(fields, each) for each in fields.items((*path, "exp_samples"), "exp_samples"))
    return ExprCheck(fields.text((*path, "expr")), fields.seconds((*path, "eval_time")) or 0.0, expected)


def _sample(fields: Fields, path: Path) -> ExpectedSample:
    fields.mapping(path, "an expected sample", ("labels", "value", "histogram"))
    if fields.at((*path, "histogram")):
        fields.error((*path, "histogram"), "native histograms are not supported: rules here work on floats")
    text = fields.text((*path, "value"))
    try:
        value = float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".nan", "nan").replace(".NaN", "nan"))
    except ValueError:
        if text:
            fields.error((*path, "value"), f"value must be a number, not {text!r}")
        value = 0.0
    return ExpectedSample(fields.text((*path, "labels")), value)
