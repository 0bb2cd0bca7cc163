"""What can be called: a function or a method with the Go types that it takes and returns.

The evaluator checks arguments against the signature as Go's does, so errors read the same; the checker uses the same
signatures to find a wrong call when the rule is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rabbitwatch.alerting.templates.values import GoType


@dataclass(frozen=True, slots=True)
class Signature:
    """A callable of Go.

    params: their types; with `variadic` the last one takes any number of arguments. result: None where it depends on
    the arguments. call: raises CallFailed with Go's wording. needs_data: call takes the TemplateData first.
    method: call takes the receiver first.
    """

    name: str
    params: tuple[GoType, ...]
    result: GoType | None
    call: Callable[..., object]
    variadic: bool = False
    needs_data: bool = False
    method: bool = False

    def accepts(self, count: int) -> bool:
        if self.variadic:
            return count >= len(self.params) - 1
        return count == len(self.params)

    @property
    def wants(self) -> str:
        """As Go words it: `want 1`, `want at least 1`."""
        return f"want at least {len(self.params) - 1}" if self.variadic else f"want {len(self.params)}"

    def param(self, index: int) -> GoType:
        return self.params[min(index, len(self.params) - 1)]
