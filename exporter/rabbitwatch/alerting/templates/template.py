"""A template, from its text to what it renders: the entrance of this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.check import check
from rabbitwatch.alerting.templates.evaluate import Run
from rabbitwatch.alerting.templates.facts import Findings, Position
from rabbitwatch.alerting.templates.functions import FUNCTIONS
from rabbitwatch.alerting.templates.parser import parse
from rabbitwatch.alerting.templates.values import TemplateData
from rabbitwatch.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template of an annotation or a label. Immutable: one may be rendered by many threads."""

    name: str
    text: str
    _tree: nodes.Tree
    _findings: Findings

    @classmethod
    def parse(cls, name: str, text: str) -> Template:
        """Read a template; `name` stands in run-time errors (Prometheus: `__alert_` and the alert's name).

        TemplateError, with line and column inside `text`, for wrong syntax, unknown functions, variables and
        templates, and for calls that cannot work whatever the data.
        """
        tree = parse(text, FUNCTIONS)
        return cls(name, text, tree, check(tree))

    def expand(self, data: TemplateData) -> str:
        """The rendered text; TemplateError, worded as Prometheus words it, when it cannot be rendered."""
        return Run(self.name, self._tree, data).text()

    def render(self, data: TemplateData) -> tuple[str, str | None]:
        """The rendered text and None; or Prometheus' `<error expanding template: …>` and the error. Never raises."""
        try:
            return self.expand(data), None
        except TemplateError as error:
            return f"<error expanding template: {error}>", error.message

    @property
    def label_refs(self) -> frozenset[str]:
        """The labels of the alert that the text names: an expression should carry them."""
        return frozenset(self._findings.labels)

    @property
    def label_positions(self) -> Mapping[str, Position]:
        """Line and column, from 1, where each of them is named first."""
        return self._findings.labels

    @property
    def queries(self) -> frozenset[str]:
        """The expressions that the text passes to `query` as they stand."""
        return frozenset(self._findings.queries)

    @property
    def query_positions(self) -> Mapping[str, Position]:
        """Line and column, from 1, where each of them stands first."""
        return self._findings.queries

    @property
    def query_shapes(self) -> frozenset[str]:
        """Expressions that printf builds for `query`, with 1 in the place of what is filled in.

        Enough to see which metrics and spans are asked for; a label's value in them means nothing.
        """
        return frozenset(self._findings.shapes)

    @property
    def shape_positions(self) -> Mapping[str, Position]:
        """Line and column, from 1, where each of them stands first."""
        return self._findings.shapes

    @property
    def has_unknown_query(self) -> bool:
        """Whether some `query` is built in a way that nobody can foresee before it runs."""
        return self._findings.unknown_query

    @property
    def warnings(self) -> tuple[tuple[Position, str], ...]:
        """What works but not as meant, such as a printf whose verbs do not fit its values; with line and column."""
        return tuple(self._findings.warnings)
