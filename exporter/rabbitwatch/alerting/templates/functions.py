"""The functions that Prometheus gives to the templates of its rules, and the table of all that can be called."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import quote_plus

from rabbitwatch.alerting.templates import humanize
from rabbitwatch.alerting.templates.builtins import BUILTINS
from rabbitwatch.alerting.templates.formatting import escape_query, quote
from rabbitwatch.alerting.templates.regexes import match, replace_all
from rabbitwatch.alerting.templates.signatures import Signature
from rabbitwatch.alerting.templates.values import CallFailed, GoType, Html, Map, TemplateData, TemplateSample
from rabbitwatch.config.durations import parse_duration
from rabbitwatch.errors import RabbitwatchError, RuleError

_NIL = "runtime error: invalid memory address or nil pointer dereference"


def _query(data: TemplateData, expression: str) -> list[TemplateSample]:
    try:
        return list(data.query(expression))
    except RuleError as error:
        raise CallFailed(error.message) from None
    except RabbitwatchError as error:
        raise CallFailed(str(error)) from None


def _first(vector: list[TemplateSample] | None) -> TemplateSample:
    if not vector:
        raise CallFailed("first() called on vector with no elements")
    return vector[0]


def _present(sample: TemplateSample | None) -> TemplateSample:
    if sample is None:
        raise CallFailed(_NIL)
    return sample


def _label(name: str, sample: TemplateSample | None) -> str:
    return _present(sample).labels.get(name, "")


def _value(sample: TemplateSample | None) -> float:
    return float(_present(sample).value)


def _string_value(sample: TemplateSample | None) -> str:
    """The value of a query for a string, which Prometheus hides in a label."""
    return _present(sample).labels.get("__value__", "")


def _sort_by_label(name: str, vector: list[TemplateSample] | None) -> list[TemplateSample]:
    return sorted(vector or [], key=lambda sample: sample.labels.get(name, "").encode())


def _args(*values: object) -> Map:
    return Map({f"arg{number}": value for number, value in enumerate(values)})


def _title(text: str) -> str:
    """The first letter of every word in upper case; letters, digits and _ make a word."""
    out = []
    inside = False
    for char in text:
        out.append(char if inside else _single(char, char.title()))
        inside = char == "_" or char.isalpha() or char.isdecimal() or (char > "\x7f" and not char.isspace())
    return "".join(out)


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else "".join(_single(char, char.upper()) for char in text)


def _lower(text: str) -> str:
    """Letter by letter, as Go does: a final sigma stays a sigma."""
    return text.lower() if text.isascii() else "".join(char.lower()[0] for char in text)


def _single(char: str, changed: str) -> str:
    """Go maps one letter to one letter: a sharp s has no upper case there."""
    return changed if len(changed) == 1 else char


def _split_host_port(address: str) -> tuple[str, str] | None:
    """Go's net.SplitHostPort; None where it reports an error."""
    colon = address.rfind(":")
    if colon < 0:
        return None
    if address.startswith("["):
        end = address.find("]")
        if end < 0 or end + 1 != colon:
            return None
        host, rest = address[1:end], address[1:]
        brackets = "[" in rest or "]" in address[end + 1 :]
    else:
        host = address[:colon]
        brackets = ":" in host or "[" in address or "]" in address
    return None if brackets else (host, address[colon + 1 :])


def _strip_port(address: str) -> str:
    parts = _split_host_port(address)
    return address if parts is None else parts[0]


def _strip_domain(address: str) -> str:
    host, port = _split_host_port(address) or (address, "")
    if _is_ip(host):
        return address
    host = host.split(".")[0]
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host or "%" in host else f"{host}:{port}"


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host  # Go's ParseIP knows no zones


def _parse_duration(text: str) -> float:
    """Seconds; a minus in front is Prometheus 3's."""
    try:
        seconds = parse_duration(text.removeprefix("-"))
    except ValueError:
        what = f"not a valid duration string: {quote(text)}" if text else "empty duration string"
        raise CallFailed(what) from None
    if seconds > 2**63 / 1e9:
        raise CallFailed("duration out of range")
    seconds = round(seconds * 1000) / 1000
    return -seconds if text.startswith("-") else seconds


def _graph(expression: str, tab: int) -> str:
    return f"/graph?g0.expr={quote_plus(expression, errors='replace')}&g0.tab={tab}"


_ANY, _STRING, _BOOL, _FLOAT = GoType.ANY, GoType.STRING, GoType.BOOL, GoType.FLOAT
_SAMPLE, _VECTOR = GoType.SAMPLE, GoType.VECTOR

_PROMETHEUS = (
    Signature("query", (_STRING,), _VECTOR, _query, needs_data=True),
    Signature("first", (_VECTOR,), _SAMPLE, _first),
    Signature("label", (_STRING, _SAMPLE), _STRING, _label),
    Signature("value", (_SAMPLE,), _FLOAT, _value),
    Signature("strvalue", (_SAMPLE,), _STRING, _string_value),
    Signature("sortByLabel", (_STRING, _VECTOR), _VECTOR, _sort_by_label),
    Signature("args", (_ANY,), GoType.MAP, _args, variadic=True),
    Signature("safeHtml", (_STRING,), GoType.HTML, Html),
    Signature("match", (_STRING, _STRING), _BOOL, match),
    Signature("reReplaceAll", (_STRING, _STRING, _STRING), _STRING, replace_all),
    Signature("title", (_STRING,), _STRING, _title),
    Signature("toUpper", (_STRING,), _STRING, _upper),
    Signature("toLower", (_STRING,), _STRING, _lower),
    Signature("stripPort", (_STRING,), _STRING, _strip_port),
    Signature("stripDomain", (_STRING,), _STRING, _strip_domain),
    Signature("graphLink", (_STRING,), _STRING, lambda expression: _graph(expression, 0)),
    Signature("tableLink", (_STRING,), _STRING, lambda expression: _graph(expression, 1)),
    Signature("humanize", (_ANY,), _STRING, humanize.humanize),
    Signature("humanize1024", (_ANY,), _STRING, humanize.humanize_1024),
    Signature("humanizeDuration", (_ANY,), _STRING, humanize.humanize_duration),
    Signature("humanizePercentage", (_ANY,), _STRING, humanize.humanize_percentage),
    Signature("humanizeTimestamp", (_ANY,), _STRING, humanize.humanize_timestamp),
    Signature("toTime", (_ANY,), GoType.TIME, humanize.to_time),
    Signature("toDuration", (_ANY,), GoType.DURATION_POINTER, humanize.to_duration),
    Signature("now", (), _FLOAT, lambda data: float(data.now), needs_data=True),
    Signature("parseDuration", (_STRING,), _FLOAT, _parse_duration),
    Signature("pathPrefix", (), _STRING, lambda data: data.prefix, needs_data=True),
    Signature("externalURL", (), _STRING, lambda data: data.external_url, needs_data=True),
    Signature("urlQueryEscape", (_STRING,), _STRING, escape_query),
)

FUNCTIONS: Mapping[str, Signature] = {**BUILTINS, **{function.name: function for function in _PROMETHEUS}}
"""All functions by name. tmpl is missing: Prometheus has it in console templates only."""
