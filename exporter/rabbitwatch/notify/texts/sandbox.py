"""Jinja2 with less in it: no way to the agent's insides, an end to every loop, and escapes by the medium.

Every value that a template inserts is escaped for the medium, unless it is Markup: what macros, set blocks and the
filters `url` and `e` return. There is no filter `safe`, so Markup never holds a value that was not escaped.

The limits are there so that a template cannot hold up or exhaust the agent by mistake: a budget of steps (turns of
loops, calls) and of characters for each rendering, and operators and filters that make much out of little are capped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, cast

from jinja2 import BaseLoader, StrictUndefined, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from rabbitwatch.notify.texts import filters
from rabbitwatch.notify.texts.media import ESCAPES, Medium, web_address

MAX_STEPS = 50_000
MAX_CHARACTERS = 500_000
MAX_RANGE = 10_000

_MAX_BITS = 1024
_STR_METHODS = (
    "lower upper title capitalize strip lstrip rstrip split rsplit splitlines partition rpartition startswith endswith "
    "removeprefix removesuffix isdigit"
)
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_STR_METHODS.split()),
    dict: frozenset(("get", "items", "keys", "values")),
}
_KEPT_FILTERS = (
    "abs batch capitalize count d default dictsort first float groupby int items last length list lower map max min "
    "reject rejectattr reverse round select selectattr slice sort sum title trim unique upper wordcount"
)


class Budget:
    """What one rendering may still use."""

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._characters = MAX_CHARACTERS

    def step(self) -> None:
        """One turn of a loop, or one call."""
        self._steps -= 1
        if self._steps < 0:
            raise SecurityError(f"takes more than {MAX_STEPS} steps")

    def write(self, count: int) -> None:
        """That many characters."""
        self._characters -= count
        if self._characters < 0:
            raise SecurityError(f"makes more than {MAX_CHARACTERS} characters")


budget: ContextVar[Budget] = ContextVar("budget")
"""Of the rendering that goes on in this thread; whoever renders sets it."""


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of one medium."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, medium: Medium, loader: BaseLoader | None = None) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=True,
            finalize=self._finalize,
            optimized=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._escapes = ESCAPES[medium]
        self.filters = {name: self.filters[name] for name in _KEPT_FILTERS.split()} | filters.FILTERS
        self.filters |= {"e": self.escaped, "escape": self.escaped, "url": self._url}
        self.filters |= {"join": self._join, "replace": self._replace, "counted()": _counted}
        self.globals = {"namespace": Namespace, "dict": dict, "range": _range}

    def escaped(self, value: object) -> Markup:
        """`value` as it may stand in this medium."""
        if isinstance(value, (list, tuple, dict)):
            raise TypeError("a list or mapping cannot be inserted: use join, labels or a loop")
        text = "" if value is None else str(value)
        _write(len(text))
        if isinstance(value, Markup):
            return value
        return Markup(self._escapes.value(text))  # noqa: S704 - it is escaped

    @pass_context
    def _finalize(self, _: Context, value: object) -> Markup:
        # with the context as an argument, Jinja2 cannot fold constants, which it would escape for HTML before
        return self.escaped(value)

    def _url(self, value: object) -> Markup:
        return Markup(self._escapes.url(web_address(str(value or ""))))  # noqa: S704 - it is escaped

    def _join(self, value: Iterable[object], between: object = "", attribute: str | int | None = None) -> str:
        items = list(value)
        if attribute is not None:
            items = [self.getitem(item, attribute) for item in items]
        safe = any(isinstance(item, Markup) for item in (*items, between))
        texts = [self.escaped(item) if safe else str(item) for item in items]
        joint = self.escaped(between) if safe else str(between)
        _write(sum(map(len, texts)) + len(joint) * len(texts))
        joined = str.join(joint, texts)
        return Markup(joined) if safe else joined  # noqa: S704 - all parts are escaped

    def _replace(self, value: object, old: object, new: object) -> str:
        text = str(value)
        if isinstance(value, Markup):
            return Markup(self._replace(text, str(self.escaped(old)), str(self.escaped(new))))  # noqa: S704
        _write(len(text) + text.count(str(old)) * len(str(new)))
        return text.replace(str(old), str(new))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Only the methods named above of plain values; no underscores, as in every sandbox."""
        for kind, methods in _METHODS.items():
            if isinstance(obj, kind):
                return attr in methods
        if isinstance(obj, (int, float, bytes, list, tuple, Macro)):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """What Jinja2 calls for every call in a template."""
        _step()
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Text and lists may be added; nothing may grow without end."""
        if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
            if not (isinstance(left, str) and isinstance(right, str)):
                raise TypeError("text and something else cannot be added: use ~")
            return self._join([left, right])
        plain = not any(isinstance(side, (str, list, tuple)) for side in (left, right))
        if operator == "+" and not plain:
            _write(len(left) + len(right))
        elif not plain or operator == "**":
            raise SecurityError(f"{operator} is for numbers here" if operator != "**" else "** is not allowed here")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and result.bit_length() > _MAX_BITS:
            raise SecurityError("makes a number that is too large")
        return result

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        _Limiting().visit(source)
        source.set_environment(self)
        return super()._generate(source, *args, **kwargs)


class _Limiting(NodeTransformer):
    """Counts the turns of loops, and joins by our own filter, which escapes by the medium."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja2's name
        if node.recursive:
            raise TemplateAssertionError("recursive loops are not allowed here", node.lineno)
        self.generic_visit(node)
        node.iter = _filter(node.iter, "counted()")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - Jinja2's name
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "join")


def _filter(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(cast("nodes.Expr", node), name, [], [], None, None, lineno=node.lineno)


def _counted(items: Iterable[object]) -> Iterator[object]:
    for item in items:
        _step()
        yield item


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"a range of more than {MAX_RANGE} numbers is not allowed here")
    return numbers


def _step() -> None:
    left = budget.get(None)
    if left is not None:
        left.step()


def _write(count: int) -> None:
    left = budget.get(None)
    if left is not None:
        left.write(count)
