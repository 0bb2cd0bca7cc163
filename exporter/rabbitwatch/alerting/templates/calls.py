"""Whether a call can work, judged by what is known of its arguments before the template runs."""

from __future__ import annotations

from collections.abc import Sequence

from rabbitwatch.alerting.templates import nodes
from rabbitwatch.alerting.templates.arguments import assignable, literal
from rabbitwatch.alerting.templates.builtins import basic_kind
from rabbitwatch.alerting.templates.facts import UNKNOWN, Fact
from rabbitwatch.alerting.templates.printf import sprintf, verbs
from rabbitwatch.alerting.templates.regexes import compiled
from rabbitwatch.alerting.templates.signatures import Signature
from rabbitwatch.alerting.templates.values import CallFailed, GoType, plain

_COMPARISONS = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))
_NUMERIC = frozenset(
    (
        "humanize",
        "humanize1024",
        "humanizeDuration",
        "humanizePercentage",
        "humanizeTimestamp",
        "toTime",
        "toDuration",
    )
)
_NUMBERS = frozenset((GoType.FLOAT, GoType.INT, GoType.INT64, GoType.STRING))
_EXAMPLES: dict[GoType | None, object] = {
    GoType.FLOAT: 1.5,
    GoType.INT: 1,
    GoType.STRING: "x",
    GoType.BOOL: True,
}
_MAX_CONSTANT = 4096  # characters; a constant beyond that is not followed


def check_call(function: Signature, operands: Sequence[nodes.Operand], facts: list[Fact]) -> tuple[Fact, str | None]:
    """What the call returns, and a warning if it works but not as meant.

    `facts` are those of all arguments, a piped one last. CallFailed, worded for a person, if the call cannot work.
    """
    name = function.name
    if not function.accepts(len(facts)):
        raise CallFailed(f"{name} takes {_arity(function)}, here it has {len(facts)}")
    if name == "call":
        raise CallFailed("call has nothing to call in an alert's template: functions are called by their name alone")
    for at, fact in enumerate(facts):
        _check_argument(function, at, operands[at] if at < len(operands) else None, fact)
    if name in _COMPARISONS:
        _check_comparison(name, facts)
    if name in {"match", "reReplaceAll"} and isinstance(facts[0].constant, str):
        _check_pattern(name, facts[0].constant)
    result = _folded(function, facts)
    return result, _format_warning(facts) if name == "printf" else None


def _arity(function: Signature) -> str:
    least = len(function.params) - 1 if function.variadic else len(function.params)
    amount = "no arguments" if least == 0 else "one argument" if least == 1 else f"{least} arguments"
    return f"at least {amount}" if function.variadic else amount


def _check_argument(function: Signature, at: int, operand: nodes.Operand | None, fact: Fact) -> None:
    wanted = function.param(at)
    if isinstance(operand, (nodes.Bool, nodes.Number, nodes.String, nodes.Nil)):
        try:
            literal(operand, wanted)
        except CallFailed:
            raise CallFailed(f"{function.name} takes {plain(wanted)} here, not {operand}") from None
    elif fact.kind is not None and not assignable(fact.kind, wanted):
        hint = ""
        if wanted is GoType.STRING and fact.kind in {GoType.FLOAT, GoType.INT}:
            hint = ': make it a string with printf "%g" or humanize first'
        raise CallFailed(f"{function.name} takes {plain(wanted)} here, not {plain(fact.kind)}{hint}")
    if function.name in _NUMERIC and fact.kind is not None and fact.kind not in _NUMBERS:
        hint = ": take its .Value" if fact.kind is GoType.SAMPLE else ""
        hint = ": take the value of its first element with first and value" if fact.kind is GoType.VECTOR else hint
        raise CallFailed(f"{function.name} takes a number, not {plain(fact.kind)}{hint}")


def _check_comparison(name: str, facts: list[Fact]) -> None:
    if len(facts) < 2:
        raise CallFailed(f"{name} needs something to compare with")
    first = facts[0]
    for other in facts[1:]:
        if first.kind is None or other.kind is None:
            continue
        one, two = basic_kind(first.kind), basic_kind(other.kind)
        if name in {"eq", "ne"} and one is None and two is None and first.kind is other.kind:
            if first.kind in {GoType.LABELS, GoType.MAP, GoType.VECTOR}:
                raise CallFailed(f"{name} cannot compare {plain(first.kind)}")
            continue
        if one is None or two is None or one != two:
            raise CallFailed(
                f"{name} cannot compare {plain(first.kind)} with {plain(other.kind)}{_remedy(first, other)}"
            )
        if one == "bool" and name not in {"eq", "ne"}:
            raise CallFailed(f"{name} cannot compare bools")


def _remedy(*facts: Fact) -> str:
    kinds = {fact.kind for fact in facts}
    if kinds == {GoType.FLOAT, GoType.INT}:
        whole = next(fact for fact in facts if fact.kind is GoType.INT).constant
        return f": write {whole}.0 instead of {whole}" if whole is not None else ": one of them must change its type"
    if GoType.VECTOR in kinds:
        return ": take the value of its first element with first and value"
    return ""


def _check_pattern(name: str, pattern: str) -> None:
    try:
        compiled(pattern)
    except CallFailed as error:
        raise CallFailed(f"{name}: {error}") from None


def _folded(function: Signature, facts: list[Fact]) -> Fact:
    """The result's type, and its value where all arguments are constants; a call that fails on them is refused."""
    constants = [fact.constant for fact in facts]
    if function.name == "printf" and isinstance(constants[0], str) and None in constants:
        return Fact(GoType.STRING, shape=_shape(constants[0]))
    result = _part(function.name, facts) if function.name in {"index", "slice"} else Fact(function.result)
    if function.needs_data or function.method or None in constants or not facts:
        return result
    try:
        value = function.call(*constants)
    except CallFailed as error:
        raise CallFailed(f"{function.name}: {error}") from None
    if type(value) is float or (type(value) is str and len(value) <= _MAX_CONSTANT):
        return Fact(result.kind, constant=value)
    return result


def _part(name: str, facts: list[Fact]) -> Fact:
    kind = facts[0].kind
    if kind not in {None, GoType.LABELS, GoType.MAP, GoType.VECTOR, GoType.STRING, GoType.HTML}:
        raise CallFailed(f"{name} takes a query result, a map or a string first, not {plain(kind)}")
    if name == "slice" and kind in {GoType.LABELS, GoType.MAP}:
        raise CallFailed(f"slice cuts a query result or a string, not {plain(kind)}")
    if len(facts) == 1 or (name == "slice" and kind in {GoType.STRING, GoType.VECTOR}):
        return Fact(kind, own=facts[0].own)
    if name == "slice" or len(facts) > 2:
        return UNKNOWN
    if kind is GoType.LABELS and facts[1].kind not in {None, GoType.STRING}:
        raise CallFailed(f"index finds a label by its name, a string, not by {plain(facts[1].kind)}")
    result = {GoType.LABELS: GoType.STRING, GoType.VECTOR: GoType.SAMPLE, GoType.STRING: GoType.UINT8}
    return Fact(result.get(kind)) if kind else UNKNOWN


def _shape(template: str) -> str:
    """The format with 1 in the place of every value."""
    out: list[str] = []
    at = 0
    for start, end in verbs(template):
        quoted = '"1"' if template[end - 1] == "q" else "1"
        out += (template[at:start].replace("%%", "%"), quoted)
        at = end
    out.append(template[at:].replace("%%", "%"))
    return "".join(out)


def _format_warning(facts: list[Fact]) -> str | None:
    """Say so when the format does not fit the values: Go prints the complaint into the text."""
    template = facts[0].constant
    if not isinstance(template, str) or any(fact.kind not in _EXAMPLES for fact in facts):
        return None
    shown = sprintf(template, [_EXAMPLES[fact.kind] for fact in facts[1:]])
    if "%!" not in shown.replace("%%", ""):
        return None
    return f'printf "{template}" does not fit its values: it prints {shown}'
