"""Evaluating pipelines: operands, fields, methods and calls, by Go's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.arguments import literal, validate
from rabbitwatch.alerting.templates.builtins import AND, OR
from rabbitwatch.alerting.templates.functions import FUNCTIONS
from rabbitwatch.alerting.templates.methods import FIELDS, METHODS
from rabbitwatch.alerting.templates.signatures import Signature
from rabbitwatch.alerting.templates.state import State
from rabbitwatch.alerting.templates.values import (
    CallFailed,
    GoType,
    Labels,
    TemplateData,
    TemplateSample,
    go_type,
    struct_fields,
    truth,
)


class _Absent:
    """No value was piped in; nil can be piped."""


_ABSENT = _Absent()


class Expressions(State):
    """The part of a rendering that computes values."""

    def _pipe(self, dot: object, pipe: nodes.Pipe) -> object:
        self._at = pipe
        self._enter()
        value: object = _ABSENT
        for command in pipe.commands:
            value = self._command(dot, command, value)
        self._level -= 1
        for variable in pipe.variables:
            if pipe.assigns:
                self._assign(variable.name, value)
            else:
                self._variables.append((variable.name, value))
        return value

    def _command(self, dot: object, command: nodes.Command, final: object) -> object:
        """A stage of a pipeline; `final` is what the stage before it left, and becomes the last argument."""
        self._charge()
        first, arguments = command.operands[0], command.operands[1:]
        match first:
            case nodes.Field():
                self._at = first
                return self._fields(dot, dot, first.names, first, arguments, final)
            case nodes.Chain():
                return self._chain(dot, first, arguments, final)
            case nodes.Identifier(name=name):
                self._at = first
                return self._function(dot, FUNCTIONS[name], command, arguments, final)
            case nodes.Pipe():
                self._not_called(first, arguments, final)
                return self._pipe(dot, first)
            case nodes.Variable():
                return self._variable(dot, first, arguments, final)
        self._at = first
        self._not_called(first, arguments, final)
        return self._constant(dot, first)

    def _constant(self, dot: object, operand: nodes.Operand) -> object:
        match operand:
            case nodes.Dot():
                return dot
            case nodes.Bool(value=value) | nodes.Number(value=value) | nodes.String(value=value):
                return value
        raise self._failed("nil is not a command")

    def _not_called(self, first: nodes.Operand, arguments: Sequence[nodes.Operand], final: object) -> None:
        if arguments or final is not _ABSENT:
            shown = f"({first})" if isinstance(first, nodes.Pipe) else first
            raise self._failed(f"can't give argument to non-function {shown}")

    def _variable(
        self, dot: object, variable: nodes.Variable, arguments: Sequence[nodes.Operand], final: object
    ) -> object:
        self._at = variable
        value = self._read(variable.name)
        if not variable.fields:
            self._not_called(variable, arguments, final)
            return value
        return self._fields(dot, value, variable.fields, variable, arguments, final)

    def _chain(self, dot: object, chain: nodes.Chain, arguments: Sequence[nodes.Operand], final: object) -> object:
        self._at = chain
        value = self._argument(dot, chain.operand, GoType.ANY)
        return self._fields(dot, value, chain.fields, chain, arguments, final)

    # fields and calls

    def _fields(
        self,
        dot: object,
        value: object,
        names: Sequence[str],
        node: nodes.Node,
        arguments: Sequence[nodes.Operand],
        final: object,
    ) -> object:
        for name in names[:-1]:
            value = self._field(dot, value, name, node, (), _ABSENT)
        return self._field(dot, value, names[-1], node, arguments, final)

    def _field(
        self,
        dot: object,
        value: object,
        name: str,
        node: nodes.Node,
        arguments: Sequence[nodes.Operand],
        final: object,
    ) -> object:
        if value is None:
            return None
        kind = go_type(value)
        method = METHODS.get(kind, {}).get(name)
        if method is not None:
            return self._call(dot, method, node, arguments, final, receiver=value)
        called = bool(arguments) or final is not _ABSENT
        if isinstance(value, dict):
            if called:
                raise self._failed(f"{name} is not a method but has arguments")
            return value.get(name, "" if isinstance(value, Labels) else None)
        if isinstance(value, (TemplateData, TemplateSample)) and name in FIELDS[kind]:
            if called:
                raise self._failed(f"{name} has arguments but cannot be invoked as function")
            return struct_fields(value)[name]
        raise self._failed(f"can't evaluate field {name} in type {kind}")

    def _function(
        self,
        dot: object,
        function: Signature,
        node: nodes.Node,
        arguments: Sequence[nodes.Operand],
        final: object,
    ) -> object:
        if function.name in {AND, OR}:
            return self._decide(dot, function, arguments, final)
        return self._call(dot, function, node, arguments, final)

    def _decide(self, dot: object, function: Signature, arguments: Sequence[nodes.Operand], final: object) -> object:
        """and, or: the first argument that decides, or the last one; what comes after it is not evaluated."""
        self._count(function, arguments, final)
        value: object = None
        for argument in arguments:
            value = self._argument(dot, argument, GoType.ANY)
            if truth(value) == (function.name == OR):
                return value
        return value if final is _ABSENT else final

    def _count(self, function: Signature, arguments: Sequence[nodes.Operand], final: object) -> None:
        count = len(arguments) + (final is not _ABSENT)
        if not function.accepts(count):
            got = len(arguments) if function.variadic else count
            raise self._failed(f"wrong number of args for {function.name}: {function.wants} got {got}")

    def _call(
        self,
        dot: object,
        function: Signature,
        node: nodes.Node,
        arguments: Sequence[nodes.Operand],
        final: object,
        *,
        receiver: object = None,
    ) -> object:
        self._count(function, arguments, final)
        values = [self._argument(dot, operand, function.param(at)) for at, operand in enumerate(arguments)]
        if final is not _ABSENT:
            values.append(self._valid(final, function.param(len(values))))
        self._charge(*values)
        bound: tuple[object, ...] = (receiver,) if receiver is not None else ()
        if function.needs_data:
            bound = (self._data,)
        try:
            result = function.call(*bound, *values)
        except CallFailed as error:
            self._at = node
            raise self._failed(f"error calling {function.name}: {error}") from None
        self._charge(result)
        return result

    def _argument(self, dot: object, operand: nodes.Operand, wanted: GoType) -> object:
        self._at = operand
        match operand:
            case nodes.Dot():
                return self._valid(dot, wanted)
            case nodes.Field(names=names):
                return self._valid(self._fields(dot, dot, names, operand, (), _ABSENT), wanted)
            case nodes.Variable():
                return self._valid(self._variable(dot, operand, (), _ABSENT), wanted)
            case nodes.Pipe():
                return self._valid(self._pipe(dot, operand), wanted)
            case nodes.Identifier(name=name):
                return self._valid(self._function(dot, FUNCTIONS[name], operand, (), _ABSENT), wanted)
            case nodes.Chain():
                return self._valid(self._chain(dot, operand, (), _ABSENT), wanted)
        return self._checked(literal, operand, wanted)

    def _valid(self, value: object, wanted: GoType) -> object:
        return self._checked(validate, value, wanted)

    def _checked(self, check: Callable[..., object], *arguments: object) -> object:
        try:
            return check(*arguments)
        except CallFailed as error:
            raise self._failed(str(error)) from None
