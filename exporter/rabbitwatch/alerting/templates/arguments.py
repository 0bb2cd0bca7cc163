"""Whether a value or a literal may be passed where a signature wants a type: Go's rules and Go's wording."""

from __future__ import annotations

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.gotime import Duration
from rabbitwatch.alerting.templates.values import CallFailed, GoType, go_type

_NILLABLE = frozenset((GoType.ANY, GoType.SAMPLE, GoType.VECTOR, GoType.LABELS, GoType.MAP))
_LITERALS = {GoType.STRING: "string", GoType.INT: "integer", GoType.DURATION: "integer"}


def assignable(kind: GoType, wanted: GoType) -> bool:
    """Whether a value of type `kind` may be passed as `wanted`."""
    if wanted in {GoType.ANY, kind}:
        return True
    return wanted is GoType.DURATION and kind is GoType.DURATION_POINTER


def validate(value: object, wanted: GoType) -> object:
    """A computed value, as the type that is wanted; CallFailed otherwise."""
    if value is None:
        if wanted in _NILLABLE:
            return None
        raise CallFailed(f"invalid value; expected {wanted}")
    kind = go_type(value)
    if not assignable(kind, wanted):
        raise CallFailed(f"wrong type for value; expected {wanted}; got {kind}")
    return value


def literal(operand: nodes.Operand, wanted: GoType) -> object:
    """A constant of the template's text, as the type that is wanted; CallFailed otherwise."""
    if isinstance(operand, nodes.Nil):
        if wanted in _NILLABLE:
            return None
        raise CallFailed(f"cannot assign nil to {wanted}")
    if not isinstance(operand, (nodes.Bool, nodes.Number, nodes.String)):
        raise CallFailed(f"can't handle {operand} for arg of type {wanted}")
    if wanted is GoType.ANY or (wanted is GoType.STRING and isinstance(operand, nodes.String)):
        return operand.value
    if wanted in {GoType.INT, GoType.DURATION} and isinstance(operand, nodes.Number) and operand.integer is not None:
        return Duration(operand.integer) if wanted is GoType.DURATION else operand.integer
    if wanted in _LITERALS:
        raise CallFailed(f"expected {_LITERALS[wanted]}; found {operand}")
    raise CallFailed(f"can't handle {operand} for arg of type {wanted}")
