"""How fmt prints one value under one verb: %d, %v, %q and their flags."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rabbitwatch.alerting.templates import gotime
from rabbitwatch.alerting.templates.formatting import format_float, hex_float, quote
from rabbitwatch.alerting.templates.limits import check_length
from rabbitwatch.alerting.templates.values import (
    GoType,
    Stringer,
    TemplateData,
    TemplateSample,
    go_type,
    struct_fields,
    to_bytes,
    type_name,
)

_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}
_MAX_RUNE = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a directive; width and precision are None where they are absent."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None


def format_value(value: object, verb: str, flags: Flags, *, nested: bool = False) -> str:
    """One value under one verb. `nested`: inside a map or a list, where a pointer prints no longer as what it shows."""
    if verb == "T":
        return _pad(_cut(type_name(value), flags), flags)
    if value is None:
        return _pad("<nil>", flags) if verb == "v" or nested else f"%!{verb}(<nil>)"
    if isinstance(value, Stringer):
        return _stringer(value, verb, flags)
    if verb == "v" and flags.plus and not isinstance(value, (Mapping, list, TemplateSample, TemplateData)):
        flags = replace(flags, plus=False)  # %+v names the fields of structs, it asks for no sign
    if isinstance(value, bool):
        return _pad("true" if value else "false", flags) if verb in "tv" else _bad(value, verb, flags)
    if isinstance(value, int):
        return _integer(value, value, verb, flags)
    if isinstance(value, float):
        return _float(value, verb, flags)
    if isinstance(value, str):
        return _string(value, verb, flags)
    if isinstance(value, Mapping):
        return _map(value, verb, flags)
    if isinstance(value, list):
        return _list(value, verb, flags)
    return _struct(value, verb, flags, nested=nested)


def _bad(value: object, verb: str, flags: Flags) -> str:
    return f"%!{verb}({type_name(value)}={format_value(value, 'v', flags)})"


def _pad(text: str, flags: Flags) -> str:
    """To the width, which counts characters."""
    if flags.width is None or len(text) >= flags.width:
        return text
    check_length(flags.width)
    if flags.minus:
        return text.ljust(flags.width)
    return text.rjust(flags.width, "0" if flags.zero else " ")


def _cut(text: str, flags: Flags) -> str:
    return text if flags.precision is None else text[: flags.precision]


def _stringer(value: Stringer, verb: str, flags: Flags) -> str:
    if verb in "vsxXq":
        return _string(value.string(), verb, flags)
    if isinstance(value, gotime.Duration):
        return _integer(value.nanoseconds, value, verb, flags)
    if isinstance(value, (gotime.Month, gotime.Weekday)):
        return _integer(value.number, value, verb, flags)
    return f"%!{verb}({type_name(value)}={value.string()})"


def _string(text: str, verb: str, flags: Flags) -> str:
    if verb == "v" and flags.sharp:
        return _pad(quote(text), flags)
    if verb in "sv":
        return _pad(_cut(text, flags), flags)
    if verb == "q":
        text = _cut(text, flags)
        if flags.sharp and "`" not in text and (text.isprintable() or "\t" in text):
            return _pad(f"`{text}`", flags)
        return _pad(quote(text), flags)
    if verb in "xX":
        data = to_bytes(text)[: flags.precision]
        lead = f"0{verb}" if flags.sharp else ""
        if flags.space:
            return _pad(" ".join(lead + f"{byte:02{verb}}" for byte in data), flags)
        digits = "".join(f"{byte:02{verb}}" for byte in data)
        return _pad(lead + digits if digits else "", flags)
    return _bad(text, verb, flags)


def _integer(number: int, value: object, verb: str, flags: Flags) -> str:
    """`value` is what a complaint shows: a month is a number under %d."""
    if verb in _BASES:
        return _digits(number, verb, flags)
    if verb in "cqU":
        code = number if 0 <= number <= _MAX_RUNE and not 0xD800 <= number < 0xE000 else 0xFFFD
        if verb == "c":
            return _pad(chr(code), flags)
        if verb == "q":
            return _pad(quote(chr(code), mark="'"), flags)
        shown = f"U+{number:04X}" if number >= 0 else f"U+{number + 2**64:04X}"
        if flags.sharp and chr(code).isprintable():
            shown = f"{shown} '{chr(code)}'"
        return _pad(shown, replace(flags, zero=False))
    return _bad(value, verb, flags)


def _digits(number: int, verb: str, flags: Flags) -> str:
    sign = "-" if number < 0 else "+" if flags.plus else " " if flags.space else ""
    if flags.precision == 0 and number == 0:
        return _pad("", replace(flags, zero=False))
    least = flags.precision
    if least is None and flags.zero and flags.width is not None:
        least = flags.width - len(sign)
    digits = format(abs(number), _BASES[verb])
    if least is not None:
        check_length(least)
        digits = digits.rjust(least, "0")
    prefix = "0o" if verb == "O" else _PREFIXES.get(verb, "") if flags.sharp else ""
    if prefix == "0" and digits.startswith("0"):
        prefix = ""
    return _pad(sign + prefix + digits, replace(flags, zero=False))


def _float(value: float, verb: str, flags: Flags) -> str:
    if verb in "xX":
        text = hex_float(value, upper=verb == "X")
    elif verb in "eEfFgGv":
        check_length(flags.precision or 0)
        shown = {"v": "g", "F": "f"}.get(verb, verb)
        text = format_float(value, shown, flags.precision, sharp=flags.sharp and verb != "v")
    else:
        return _bad(value, verb, flags)
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if not math.isfinite(value):
        flags = replace(flags, zero=False)
    sign = sign or ("+" if flags.plus else " " if flags.space else "")
    if flags.zero and flags.width is not None:
        return sign + _pad(digits, replace(flags, width=flags.width - len(sign)))
    return _pad(sign + digits, flags)


def _map(value: Mapping[str, object], verb: str, flags: Flags) -> str:
    entries = []
    length = 0
    for key in sorted(value):
        shown = format_value(key, verb, flags), format_value(value[key], verb, flags, nested=True)
        length += len(shown[0]) + len(shown[1])
        check_length(length)
        entries.append(":".join(shown))
    if verb == "v" and flags.sharp:
        return f"{go_type(value)}{{{', '.join(entries)}}}"
    return f"map[{' '.join(entries)}]"


def _list(values: list[object], verb: str, flags: Flags) -> str:
    entries = []
    length = 0
    for item in values:
        entries.append(format_value(item, verb, flags, nested=True))
        length += len(entries[-1])
        check_length(length)
    return f"[{' '.join(entries)}]"


def _struct(value: object, verb: str, flags: Flags, *, nested: bool) -> str:
    """A sample or the alert's data. Inside a list Go would print a sample's address; its content says more."""
    if not isinstance(value, (TemplateSample, TemplateData)):
        raise TypeError(f"templates know no {type(value).__name__}")
    shown = (
        (f"{name}:" if flags.plus or flags.sharp else "") + format_value(item, verb, flags, nested=True)
        for name, item in struct_fields(value).items()
    )
    pointer = "&" if go_type(value) is GoType.SAMPLE and not nested else ""
    return f"{pointer}{{{' '.join(shown)}}}"
