"""From a row of the expression's result to the labels and annotations of an alert."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from rabbitwatch.alerting.evaluate.context import Context, Row
from rabbitwatch.alerting.rulefile.model import AlertingRule
from rabbitwatch.alerting.rulefile.names import ALERTNAME, NAME
from rabbitwatch.alerting.templates import Template, TemplateData, TemplateSample
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.promql.parse import parse

_log = structlog.get_logger(__name__)

Rendered = tuple[LabelSet, Mapping[str, str]]


class Renderer:
    """Renders one rule's templates. A row that comes again with the same value is not rendered again, unless a
    template asks for something else than the row."""

    def __init__(self, rule: AlertingRule, context: Context) -> None:
        self._rule = rule
        self._context = context
        self._remembered: dict[LabelSet, tuple[float, Rendered]] = {}
        self._fixed_labels = {name: t.text for name, t in rule.labels.items() if _is_plain(t)}
        self._other_labels = {name: t for name, t in rule.labels.items() if not _is_plain(t)}
        self._fixed_annotations = {name: t.text for name, t in rule.annotations.items() if _is_plain(t)}
        self._other_annotations = {name: t for name, t in rule.annotations.items() if not _is_plain(t)}
        self._depends_on_row_only = not any(
            _looks_elsewhere(t) for t in (*self._other_labels.values(), *self._other_annotations.values())
        )

    def render(self, rows: list[Row], now: float, at_ms: int) -> list[Rendered]:
        """Labels and annotations of each row, in order."""
        before, self._remembered = self._remembered, {}
        rendered = []
        for labels, value in rows:
            known = before.get(labels)
            if known is None or known[0] != value or not self._depends_on_row_only:
                known = (value, self._render(labels, value, now, at_ms))
            self._remembered[labels] = known
            rendered.append(known[1])
        return rendered

    def _render(self, labels: LabelSet, value: float, now: float, at_ms: int) -> Rendered:
        own = labels.as_dict()
        made = {**own, **self._fixed_labels}
        made.pop(NAME, None)
        annotations = dict(self._fixed_annotations)
        if self._other_labels or self._other_annotations:
            data = self._data(own, value, now, at_ms)
            made.update((name, self._expand(t, data)) for name, t in self._other_labels.items())
            annotations.update((name, self._expand(t, data)) for name, t in self._other_annotations.items())
        made[ALERTNAME] = self._rule.name
        return LabelSet.of(made), annotations

    def _data(self, labels: Mapping[str, str], value: float, now: float, at_ms: int) -> TemplateData:
        settings = self._context.settings

        def query(text: str) -> list[TemplateSample]:
            rows = self._context.rows(parse(text), at_ms)
            return [TemplateSample(labels=found.as_dict(), value=number) for found, number in rows]

        return TemplateData(
            labels=labels,
            value=value,
            external_labels=settings.external_labels,
            external_url=settings.external_url,
            query=query,
            now=now,
            path_prefix=settings.path_prefix,
        )

    def _expand(self, template: Template, data: TemplateData) -> str:
        text, error = template.render(data)
        if error is not None:
            _log.warning("expanding an alert's template failed", rule=self._rule.name, error=str(error))
        return text


def _is_plain(template: Template) -> bool:
    return "{{" not in template.text


def _looks_elsewhere(template: Template) -> bool:
    """Whether the text may depend on more than the row: on a query, or on the time."""
    return bool(template.queries or template.query_shapes or template.has_unknown_query) or "now" in template.text
