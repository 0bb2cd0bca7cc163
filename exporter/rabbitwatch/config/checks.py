"""What the sections about notices must say of each other: names that exist, routes that can be reached, rules that can
apply.

Alertmanager refuses the same, and the words are near to its own; where these checks are stricter than it, the finding
says so by `strict`, so that an alertmanager.yml which works elsewhere is warned about and not refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from rabbitwatch.config.intervals import TimeIntervalConfig
from rabbitwatch.config.logic import contradiction, covered, covers
from rabbitwatch.config.matchers import Matchers, spelled
from rabbitwatch.config.notices import InhibitRuleConfig, RouteConfig
from rabbitwatch.config.problems import located
from rabbitwatch.config.receivers import ReceiverConfig
from rabbitwatch.config.yamltree import Path, Tree, spell
from rabbitwatch.errors import ConfigError

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ALL_LABELS = "..."
_ROUTE: Path = ("route",)


class Notices(Protocol):
    """The sections that these checks are about."""

    @property
    def route(self) -> RouteConfig | None: ...
    @property
    def receivers(self) -> Sequence[ReceiverConfig]: ...
    @property
    def inhibit_rules(self) -> Sequence[InhibitRuleConfig] | None: ...
    @property
    def time_intervals(self) -> Sequence[TimeIntervalConfig]: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong. strict: Alertmanager would take it."""

    error: ConfigError
    strict: bool = False


def check(config: Notices, tree: Tree) -> Iterator[Finding]:
    """All that is wrong with how these sections fit together."""
    yield from _names([receiver.name for receiver in config.receivers], ("receivers",), "receiver", tree)
    yield from _names([each.name for each in config.time_intervals], ("time_intervals",), "time interval", tree)
    for index, receiver in enumerate(config.receivers):
        yield from _addresses(receiver, ("receivers", index), tree)
    for index, rule in enumerate(config.inhibit_rules or ()):
        yield from _inhibit_rule(rule, ("inhibit_rules", index), tree)
    if config.route is None:
        if config.receivers:
            told = "receivers are named and no route leads to them: add `route: {receiver: NAME}`"
            yield Finding(located(tree, ("receivers",), told, of_key=True))
        return
    yield from _root(config.route, tree)
    yield from _Routes(config, tree).walk(config.route, _ROUTE, ())


def _names(names: Iterable[str], at: Path, what: str, tree: Tree) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        first = seen.setdefault(name, index)
        if first != index:
            line = tree.place((*at, first)).line
            yield Finding(
                located(tree, (*at, index, "name"), f"duplicate {what} {name!r}, the first is on line {line}")
            )


def _addresses(receiver: ReceiverConfig, at: Path, tree: Tree) -> Iterator[Finding]:
    """Of those addresses that are secrets: they may come from files, so the models cannot look at them."""
    for key, name, kinds in (
        ("slack_configs", "api_url", receiver.slack_configs),
        ("webhook_configs", "url", receiver.webhook_configs),
    ):
        for index, kind in enumerate(kinds):
            secret: SecretStr | None = getattr(kind, name)
            if secret is not None and not _is_address(secret.get_secret_value()):
                here = (*at, key, index)
                place = next((path for path in ((*here, name), (*here, f"{name}_file")) if path in tree.values), here)
                yield Finding(located(tree, place, "is no address; write it like https://host/path"))


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return fits and text.isprintable() and " " not in text


def _root(route: RouteConfig, tree: Tree) -> Iterator[Finding]:
    if route.receiver is None:
        yield Finding(located(tree, _ROUTE, "lacks the key 'receiver': the root must say who hears of the rest"))
    for key in ("matchers", "match", "match_re"):
        if getattr(route, key):
            told = "the root matches every alert: move matchers to a route below it"
            yield Finding(located(tree, (*_ROUTE, key), told, of_key=True))
    for key in ("mute_time_intervals", "active_time_intervals"):
        if getattr(route, key):
            told = "the root is always active: move time intervals to a route below it"
            yield Finding(located(tree, (*_ROUTE, key), told, of_key=True))
    if route.continue_:
        told = "the root has no sibling to continue with: remove the key"
        yield Finding(located(tree, (*_ROUTE, "continue"), told, of_key=True))


class _Routes:
    """One walk over a route tree."""

    def __init__(self, config: Notices, tree: Tree) -> None:
        self._tree = tree
        self._receivers = [receiver.name for receiver in config.receivers]
        self._intervals = [interval.name for interval in config.time_intervals]

    def walk(self, route: RouteConfig, at: Path, above: Matchers) -> Iterator[Finding]:
        """above: what an alert matches that gets to this route's parent."""
        yield from self._itself(route, at)
        whole = (*above, *route.all_matchers)
        before: list[tuple[Matchers, Path]] = []
        for index, child in enumerate(route.routes):
            here = (*at, "routes", index)
            never = self._never(child, here, whole, before)
            if never is None:
                yield from self.walk(child, here, whole)
            else:
                yield never  # what is below it is out of reach for the same reason
                yield from self._below(child, here)
            if not child.continue_:
                before.append((child.all_matchers, here))

    def _below(self, route: RouteConfig, at: Path) -> Iterator[Finding]:
        yield from self._itself(route, at)
        for index, child in enumerate(route.routes):
            yield from self._below(child, (*at, "routes", index))

    def _itself(self, route: RouteConfig, at: Path) -> Iterator[Finding]:
        if route.receiver is not None and route.receiver not in self._receivers:
            yield self._unknown(route.receiver, (*at, "receiver"), "receiver", self._receivers)
        for key in ("mute_time_intervals", "active_time_intervals"):
            for index, name in enumerate(getattr(route, key)):
                if name not in self._intervals:
                    yield self._unknown(name, (*at, key, index), "time interval", self._intervals)
        yield from _labels(route.group_by or (), (*at, "group_by"), self._tree, wildcard=_ALL_LABELS)
        for key in ("group_interval", "repeat_interval"):
            if getattr(route, key) == 0:
                yield Finding(located(self._tree, (*at, key), "must be more than 0s"))

    def _unknown(self, name: str, at: Path, what: str, known: Sequence[str]) -> Finding:
        there = ", ".join(known) if known else "none"
        return Finding(located(self._tree, at, f"unknown {what} {name!r}; known: {there}"))

    def _never(
        self, route: RouteConfig, at: Path, above: Matchers, before: Sequence[tuple[Matchers, Path]]
    ) -> Finding | None:
        """That no alert can get here, where that is certain."""
        own = route.all_matchers
        why = contradiction(own) or contradiction((*above, *own))
        if why is not None:
            return Finding(located(self._tree, at, f"this route can never match: {why}"), strict=True)
        taken = covered((*above, *own), [matchers for matchers, _ in before])
        if taken is None:
            return None
        who = " and ".join(self._route(next(path for each, path in before if each == one)) for one in taken)
        takes = "take" if len(taken) > 1 else "takes"
        told = f"this route can never match: {who} before it {takes} all that it matches, without continue"
        return Finding(located(self._tree, at, told), strict=True)

    def _route(self, path: Path) -> str:
        return f"{spell(path)} (line {self._tree.place(path).line})"


def _labels(names: Sequence[str], at: Path, tree: Tree, *, wildcard: str = "") -> Iterator[Finding]:
    for index, name in enumerate(names):
        if wildcard and name == wildcard:
            if len(names) > 1:
                yield Finding(located(tree, at, f"{wildcard!r} is every label: remove the others"))
        elif not _LABEL.fullmatch(name):
            yield Finding(located(tree, (*at, index), f"{name!r} is no label name: one entry is one name"))
        elif name in names[:index]:
            yield Finding(located(tree, (*at, index), f"duplicate label {name!r}"), strict=at[-1] == "equal")


def _inhibit_rule(rule: InhibitRuleConfig, at: Path, tree: Tree) -> Iterator[Finding]:
    for side, matchers in (("source", rule.sources), ("target", rule.targets)):
        if not matchers:
            told = f"lacks {side}_matchers: it would mean every alert; if it shall, write ['alertname=~\".+\"']"
            yield Finding(located(tree, at, told), strict=True)
        why = contradiction(matchers)
        if why is not None:
            key = next((k for k in (f"{side}_matchers", f"{side}_match") if (*at, k) in tree.values), "")
            yield Finding(located(tree, (*at, key) if key else at, f"can never match: {why}"), strict=True)
            return
    yield from _labels(rule.equal, (*at, "equal"), tree)
    yield from _equal(rule, at, tree)
    both_given = rule.sources and rule.targets
    if both_given and covers(rule.sources, rule.targets) and covers(rule.targets, rule.sources):
        told = (
            f"this rule can never apply: source and target match the same alerts, {spelled(rule.targets)}, and an "
            "alert that matches both sides is not inhibited by such another"
        )
        yield Finding(located(tree, at, told), strict=True)


def _equal(rule: InhibitRuleConfig, at: Path, tree: Tree) -> Iterator[Finding]:
    for index, name in enumerate(rule.equal):
        about = [each for each in (*rule.sources, *rule.targets) if each.name == name]
        why = contradiction(about)
        if why is not None:
            told = f"{name} can never be equal on both sides: {why}"
            yield Finding(located(tree, (*at, "equal", index), told), strict=True)
