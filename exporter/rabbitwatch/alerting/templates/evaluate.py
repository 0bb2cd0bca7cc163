"""Running a template: text, actions, if, with, range and template.

An error names the node at which Go would have been, so it reads like Prometheus' own.
"""

from __future__ import annotations

from collections.abc import Iterator

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.expressions import Expressions
from rabbitwatch.alerting.templates.limits import MAX_DEPTH, MAX_LENGTH
from rabbitwatch.alerting.templates.printf import show, sprint
from rabbitwatch.alerting.templates.values import CallFailed, TemplateData, TemplateSample, to_bytes, truth


class _BreakLoop(Exception):  # noqa: N818 - a jump, not an error
    pass


class _ContinueLoop(Exception):  # noqa: N818
    pass


class Run(Expressions):
    """One rendering of one template. Not reused, not shared."""

    def __init__(self, name: str, tree: nodes.Tree, data: TemplateData) -> None:
        super().__init__(name, tree, data)
        self._out: list[str] = []
        self._length = 0
        self._depth = 0

    def text(self) -> str:
        """The rendered text; TemplateError with Prometheus' wording."""
        self._body(self._data, self._tree.body)
        text = "".join(self._out)
        return text if text.isascii() else to_bytes(text).decode("utf-8", "replace")

    def _print(self, value: object) -> None:
        try:
            text = printed(value)
        except CallFailed as error:
            raise self._failed(str(error)) from None
        self._write(text)

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_LENGTH:
            raise self._failed(f"the output is longer than {MAX_LENGTH} characters")
        self._out.append(text)

    def _body(self, dot: object, body: nodes.Body) -> None:
        self._enter()
        for statement in body:
            self._statement(dot, statement)
        self._level -= 1

    def _statement(self, dot: object, statement: nodes.Statement) -> None:
        self._at = statement
        self._charge()
        match statement:
            case nodes.Text(text=text):
                self._write(text)
            case nodes.Action(pipe=pipe):
                value = self._pipe(dot, pipe)
                if not pipe.variables:
                    self._print(value)
            case nodes.If() | nodes.With():
                self._branch(dot, statement)
            case nodes.Range():
                self._range(dot, statement)
            case nodes.Invoke():
                self._invoke(dot, statement)
            case nodes.Break():
                raise _BreakLoop
            case nodes.Continue():
                raise _ContinueLoop

    def _branch(self, dot: object, branch: nodes.If | nodes.With) -> None:
        mark = len(self._variables)
        value = self._pipe(dot, branch.pipe)
        if truth(value):
            self._body(value if isinstance(branch, nodes.With) else dot, branch.body)
        else:
            self._body(dot, branch.otherwise)
        del self._variables[mark:]

    def _range(self, dot: object, loop: nodes.Range) -> None:
        outer = len(self._variables)
        value = self._pipe(dot, loop.pipe)
        mark = len(self._variables)
        empty = True
        try:
            for index, item in self._items(value, loop.pipe):
                empty = False
                self._charge()
                self._set_loop_variables(loop.pipe, index, item)
                try:
                    self._body(item, loop.body)
                except _ContinueLoop:
                    pass
                finally:
                    del self._variables[mark:]
        except _BreakLoop:
            pass
        if empty:
            self._body(dot, loop.otherwise)
        del self._variables[outer:]

    def _items(self, value: object, pipe: nodes.Pipe) -> Iterator[tuple[object, object]]:
        if value is None:
            return iter(())
        if isinstance(value, list):
            return enumerate(value)
        if isinstance(value, dict):
            return iter(sorted(value.items()))
        if isinstance(value, int) and not isinstance(value, bool):
            if len(pipe.variables) > 1:
                raise self._failed(f"can't use {value} to iterate over more than one variable")
            return ((number, number) for number in range(value))
        raise self._failed(f"range can't iterate over {show(value)}")

    def _set_loop_variables(self, pipe: nodes.Pipe, index: object, item: object) -> None:
        """`range $v := …` sets the item, `range $i, $v := …` the index and the item."""
        if not pipe.variables:
            return
        values = (item,) if len(pipe.variables) == 1 else (index, item)
        top = len(self._variables) - len(pipe.variables)
        for offset, (variable, value) in enumerate(zip(pipe.variables, values, strict=True)):
            if pipe.assigns:
                self._assign(variable.name, value)
            else:
                self._variables[top + offset] = (variable.name, value)

    def _invoke(self, dot: object, call: nodes.Invoke) -> None:
        argument = self._pipe(dot, call.pipe) if call.pipe else None
        if self._depth >= MAX_DEPTH:
            self._at = call
            raise self._failed(f"exceeded maximum template depth ({MAX_DEPTH})")
        caller, variables = self._template, self._variables
        self._template, self._variables = call.name, [("$", argument)]
        self._depth += 1
        self._body(argument, self._tree.defined[call.name])
        self._depth -= 1
        self._template, self._variables = caller, variables


def printed(value: object) -> str:
    """What an action writes: nothing to see is <no value>, and a sample prints without a pointer's ampersand."""
    if value is None:
        return "<no value>"
    if isinstance(value, TemplateSample):
        return sprint([value]).removeprefix("&")
    return show(value)
