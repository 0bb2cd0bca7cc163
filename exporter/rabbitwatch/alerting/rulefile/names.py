"""Which names Prometheus takes for labels, annotations and metrics.

The classic alphabet: Prometheus 3 accepts any UTF-8 name, but a file with one would not load in 2.x.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

NAME = "__name__"
ALERTNAME = "alertname"

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)


def is_label_name(text: str) -> bool:
    """Whether `text` may name a label or an annotation of a rule; `__name__` may not."""
    return text != NAME and _LABEL.fullmatch(text) is not None


def is_metric_name(text: str) -> bool:
    """Whether `text` may name what a recording rule records."""
    return _METRIC.fullmatch(text) is not None


def nearest(word: str, known: Iterable[str], cutoff: float = 0.7) -> str | None:
    """The known word that `word` was probably meant to be."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.7) -> str:
    """`; did you mean "x"?`, or nothing where no known word is near."""
    near = nearest(word, known, cutoff)
    return f'; did you mean "{near}"?' if near else ""
