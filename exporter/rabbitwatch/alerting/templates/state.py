"""What a rendering carries along: where it is, its variables, and how much it has done."""

from __future__ import annotations

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.limits import MAX_LENGTH, MAX_LEVELS, MAX_WORK
from rabbitwatch.alerting.templates.values import Labels, TemplateData
from rabbitwatch.errors import TemplateError


class State:
    """The state of one rendering, with Go's errors and our limits."""

    def __init__(self, name: str, tree: nodes.Tree, data: TemplateData) -> None:
        self._name = name
        self._tree = tree
        self._data = data
        self._template = name  # the one that runs: a defined one while {{template}} is at work
        self._at: nodes.Node = nodes.Text(0, "")
        self._work = 0
        self._level = 0
        labels, external = Labels(data.labels), Labels(data.external_labels)
        self._variables: list[tuple[str, object]] = [
            ("$", data),
            ("$labels", labels),
            ("$externalLabels", external),
            ("$externalURL", data.external_url),
            ("$value", float(data.value)),
        ]

    def _failed(self, message: str) -> TemplateError:
        """Go's `template: name:line:column: executing "name" at <node>: message`; its columns count bytes from 0."""
        before = self._tree.text[: self._at.pos]
        line = before.count("\n") + 1
        in_line = before[before.rfind("\n") + 1 :]
        place = f"{self._name}:{line}:{len(in_line.encode('utf-8', 'replace'))}"
        text = (
            f"error executing template {self._name}: template: {place}: "
            f'executing "{self._template}" at <{self._at}>: {message}'
        )
        return TemplateError(text, line, len(in_line) + 1)

    def _charge(self, *values: object) -> None:
        """Count the work; strings by their length."""
        self._work += 1
        for value in values:
            if isinstance(value, list):
                self._work += len(value) // 2
            elif isinstance(value, str):
                self._work += len(value) // 16
                if len(value) > MAX_LENGTH:
                    raise self._failed(f"the result is longer than {MAX_LENGTH} characters")
        if self._work > MAX_WORK:
            raise self._failed(f"the template did more than {MAX_WORK} steps")

    def _enter(self) -> None:
        self._level += 1
        if self._level > MAX_LEVELS:
            raise self._failed(f"nested more than {MAX_LEVELS} deep")

    def _assign(self, name: str, value: object) -> None:
        for at in range(len(self._variables) - 1, -1, -1):
            if self._variables[at][0] == name:
                self._variables[at] = (name, value)
                return
        raise self._failed(f"undefined variable: {name}")

    def _read(self, name: str) -> object:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        raise self._failed(f"undefined variable: {name}")
