"""A walk through a template without data: what it refers to, and what in it cannot work.

Go checks types only while it runs the template. Most types are plain from the text, though: $value is a float64, a
label is a string. A call that must fail on them is refused when the rule is loaded, in all branches; where a type
shows only at run time nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.calls import check_call
from rabbitwatch.alerting.templates.facts import DATA, UNKNOWN, Fact, Findings, Position
from rabbitwatch.alerting.templates.functions import FUNCTIONS
from rabbitwatch.alerting.templates.lexer import position, syntax_error
from rabbitwatch.alerting.templates.methods import FIELDS, METHODS
from rabbitwatch.alerting.templates.pipelines import suggestion
from rabbitwatch.alerting.templates.signatures import Signature
from rabbitwatch.alerting.templates.values import CallFailed, GoType, plain
from rabbitwatch.errors import TemplateError

_ITEMS = {
    GoType.VECTOR: (Fact(GoType.INT), Fact(GoType.SAMPLE)),
    GoType.LABELS: (Fact(GoType.STRING), Fact(GoType.STRING)),
    GoType.MAP: (Fact(GoType.STRING), UNKNOWN),
    GoType.INT: (Fact(GoType.INT), Fact(GoType.INT)),
    GoType.INT64: (Fact(GoType.INT64), Fact(GoType.INT64)),
    GoType.UINT8: (Fact(GoType.UINT8), Fact(GoType.UINT8)),
}


def check(tree: nodes.Tree) -> Findings:
    """What the tree refers to; TemplateError for what cannot work."""
    return _Checker(tree).findings()


def _assigned(bodies: Iterable[nodes.Body]) -> set[str]:
    """The variables that some = sets: their type is not followed."""
    found: set[str] = set()
    pending: list[object] = list(bodies)
    while pending:
        item = pending.pop()
        if isinstance(item, tuple):
            pending += item
        elif isinstance(item, nodes.Pipe):
            if item.assigns:
                found |= {variable.name for variable in item.variables}
            pending += [operand for command in item.commands for operand in command.operands]
        elif isinstance(item, nodes.Chain):
            pending.append(item.operand)
        elif isinstance(item, (nodes.If, nodes.With, nodes.Range)):
            pending += (item.pipe, item.body, item.otherwise)
        elif isinstance(item, (nodes.Action, nodes.Invoke)):
            pending.append(item.pipe)
    return found


class _Checker:
    def __init__(self, tree: nodes.Tree) -> None:
        self._tree = tree
        self._found = Findings()
        self._assigned = _assigned((tree.body, *tree.defined.values()))
        self._seen: set[tuple[str, Fact]] = set()
        self._variables: list[tuple[str, Fact]] = []

    def findings(self) -> Findings:
        self._variables = [("$", DATA)]
        for name, kind, own in (
            ("$labels", GoType.LABELS, True),
            ("$externalLabels", GoType.LABELS, False),
            ("$externalURL", GoType.STRING, False),
            ("$value", GoType.FLOAT, False),
        ):
            self._declare(name, Fact(kind, own=own))
        self._body(DATA, self._tree.body)
        called = {name for name, _ in self._seen}
        for name in self._tree.defined.keys() - called:
            self._template(name, UNKNOWN)
        return self._found

    def _place(self, node: nodes.Node) -> Position:
        return position(self._tree.text, node.pos)

    def _error(self, node: nodes.Node, message: str) -> TemplateError:
        return syntax_error(self._tree.text, node.pos, message)

    def _declare(self, name: str, fact: Fact) -> None:
        self._variables.append((name, UNKNOWN if name in self._assigned else fact))

    # statements

    def _body(self, dot: Fact, body: nodes.Body) -> None:
        mark = len(self._variables)
        for statement in body:
            self._statement(dot, statement)
        del self._variables[mark:]

    def _statement(self, dot: Fact, statement: nodes.Statement) -> None:
        mark = len(self._variables)
        match statement:
            case nodes.Action(pipe=pipe):
                self._pipe(dot, pipe)
                return  # what it declares stays known to the end of the body
            case nodes.If(pipe=pipe, body=body, otherwise=otherwise):
                self._pipe(dot, pipe)
                self._body(dot, body)
                self._body(dot, otherwise)
            case nodes.With(pipe=pipe, body=body, otherwise=otherwise):
                self._body(self._pipe(dot, pipe), body)
                self._body(dot, otherwise)
            case nodes.Range():
                self._range(dot, statement)
            case nodes.Invoke(name=name, pipe=argument):
                self._template(name, self._pipe(dot, argument) if argument else UNKNOWN)
        del self._variables[mark:]

    def _range(self, dot: Fact, loop: nodes.Range) -> None:
        fact = self._pipe(dot, loop.pipe, loop=True)
        if fact.kind is not None and fact.kind not in _ITEMS:
            raise self._error(
                loop.pipe, f"range cannot go through {plain(fact.kind)}: it takes a query's result or a map"
            )
        index, item = _ITEMS[fact.kind] if fact.kind else (UNKNOWN, UNKNOWN)
        names = [variable.name for variable in loop.pipe.variables]
        if names and not loop.pipe.assigns:
            for name, value in zip(names, (item,) if len(names) == 1 else (index, item), strict=True):
                self._declare(name, value)
        self._body(item, loop.body)
        self._body(dot, loop.otherwise)

    def _template(self, name: str, dot: Fact) -> None:
        """A defined template, once for each kind of argument."""
        if (name, dot) in self._seen:
            return
        self._seen.add((name, dot))
        outer, self._variables = self._variables, []
        self._declare("$", dot)
        self._body(dot, self._tree.defined[name])
        self._variables = outer

    # pipelines

    def _pipe(self, dot: Fact, pipe: nodes.Pipe, *, loop: bool = False) -> Fact:
        fact: Fact | None = None
        for command in pipe.commands:
            fact = self._command(dot, command, fact)
        value = fact or UNKNOWN
        if not pipe.assigns and not loop:
            for variable in pipe.variables:
                self._declare(variable.name, value)
        return value

    def _command(self, dot: Fact, command: nodes.Command, final: Fact | None) -> Fact:
        first, arguments = command.operands[0], command.operands[1:]
        if isinstance(first, nodes.Identifier):
            facts = [self._operand(dot, argument) for argument in arguments]
            return self._call(FUNCTIONS[first.name], command, arguments, facts, final)
        if isinstance(first, (nodes.Field, nodes.Chain)) or (isinstance(first, nodes.Variable) and first.fields):
            facts = [self._operand(dot, argument) for argument in arguments]
            return self._fields(dot, first, arguments, facts, final)
        if arguments or final is not None:
            raise self._error(first, f"{first} is no function, it takes no arguments")
        if isinstance(first, nodes.Nil):
            raise self._error(first, "nil alone is no value to print or to test")
        return self._operand(dot, first)

    def _operand(self, dot: Fact, operand: nodes.Operand) -> Fact:
        match operand:
            case nodes.Dot():
                return dot
            case nodes.Bool():
                return Fact(GoType.BOOL)
            case nodes.Number(value=value):
                return Fact(GoType.FLOAT if isinstance(value, float) else GoType.INT, constant=value)
            case nodes.String(value=text):
                return Fact(GoType.STRING, constant=text)
            case nodes.Pipe():
                return self._pipe(dot, operand)
            case nodes.Identifier(name=name):
                return self._call(FUNCTIONS[name], operand, (), [], None)
            case nodes.Field() | nodes.Chain():
                return self._fields(dot, operand, (), [], None)
            case nodes.Variable(name=name, fields=fields):
                return self._fields(dot, operand, (), [], None) if fields else self._read(name)
        return UNKNOWN

    def _read(self, name: str) -> Fact:
        return next((fact for known, fact in reversed(self._variables) if known == name), UNKNOWN)

    # fields and calls

    def _fields(
        self,
        dot: Fact,
        node: nodes.Field | nodes.Chain | nodes.Variable,
        arguments: Sequence[nodes.Operand],
        facts: list[Fact],
        final: Fact | None,
    ) -> Fact:
        match node:
            case nodes.Field(names=names):
                fact = dot
            case nodes.Chain(operand=operand, fields=names):
                fact = self._operand(dot, operand)
            case nodes.Variable(name=name, fields=names):
                fact = self._read(name)
        for name in names[:-1]:
            fact = self._field(fact, name, node, (), [], None)
        return self._field(fact, names[-1], node, arguments, facts, final)

    def _field(
        self,
        fact: Fact,
        name: str,
        node: nodes.Node,
        arguments: Sequence[nodes.Operand],
        facts: list[Fact],
        final: Fact | None,
    ) -> Fact:
        kind = fact.kind
        if kind is None:
            return UNKNOWN
        method = METHODS.get(kind, {}).get(name)
        if method is not None:
            return self._call(method, node, arguments, facts, final)
        fields = FIELDS.get(kind, {})
        if kind not in {GoType.LABELS, GoType.MAP} and name not in fields:
            raise self._error(node, self._no_field(fact, name))
        if arguments or final is not None:
            raise self._error(node, f"{node} is no function, it takes no arguments")
        if kind is GoType.LABELS:
            self._label(fact, name, node)
            return Fact(GoType.STRING)
        return Fact(fields[name], own=fact.own and name == "Labels") if fields else UNKNOWN

    @staticmethod
    def _no_field(fact: Fact, name: str) -> str:
        known = {**FIELDS.get(fact.kind, {}), **METHODS.get(fact.kind, {})} if fact.kind else {}
        near = suggestion(name, known)
        if fact.kind is GoType.DATA:
            return f"the alert has no field .{name}{near or f'; a label is $labels.{name}'}"
        if fact.kind is GoType.VECTOR:
            return f"a query result has no field {name}: take one sample of it with first, or go through it with range"
        if known:
            return f"{plain(fact.kind)} has no {name} here{near or ', only ' + ', '.join(known)}"
        return f"{plain(fact.kind)} has no field {name}"

    def _label(self, fact: Fact, name: str, node: nodes.Node) -> None:
        if fact.own:
            self._found.labels.setdefault(name, self._place(node))

    def _call(
        self,
        function: Signature,
        node: nodes.Node,
        arguments: Sequence[nodes.Operand],
        facts: list[Fact],
        final: Fact | None,
    ) -> Fact:
        given = [*facts, final] if final is not None else facts
        try:
            result, warning = check_call(function, arguments, given)
        except CallFailed as error:
            raise self._error(node, str(error)) from None
        if warning:
            self._found.warnings.append((self._place(node), warning))
        if function.name == "query":
            self._query(given[0], node)
        if function.name == "index" and given[0].kind is GoType.LABELS and len(given) > 1:
            label = given[1].constant
            if isinstance(label, str):
                self._label(given[0], label, node)
        return result

    def _query(self, fact: Fact, node: nodes.Node) -> None:
        if isinstance(fact.constant, str):
            self._found.queries.setdefault(fact.constant, self._place(node))
        elif fact.shape is not None:
            self._found.shapes.setdefault(fact.shape, self._place(node))
        else:
            self._found.unknown_query = True
