"""How much a template may do before it counts as an error: a silly template must not stop the agent.

Go has no such limits but the depth of templates; the figures are far above what an annotation needs.
"""

from __future__ import annotations

from rabbitwatch.alerting.templates.values import CallFailed

MAX_TEXT = 64 * 1024
"""Characters of a template's source."""

MAX_NESTING = 40
"""Parentheses and control structures inside each other."""

MAX_LEVELS = 90
"""Pipelines and bodies at work at once, templates that call each other included: seven of Python's frames each, so
Python's own limit of 1000 is never met."""

MAX_DEPTH = 30
"""Templates that call each other."""

MAX_LENGTH = 256 * 1024
"""Characters of the output, and of any one string on the way to it."""

MAX_WORK = 200_000
"""Steps of evaluation: one for each node, and one for every 16 characters or 2 samples that a function
takes or returns. All of them together take about a second."""


def check_length(length: int) -> None:
    """Refuse a string that grows beyond the limit; called before or while it is built."""
    if length > MAX_LENGTH:
        raise CallFailed(f"the result is longer than {MAX_LENGTH} characters")
