"""What the section `actions` must say of the other sections: names that exist, bindings that can apply, alerts that
some rule raises. Whoever wrote a binding counts on it, so one that can never lead anywhere is an error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rabbitwatch.config.actions import ACTING, ActionsConfig, BindingConfig
from rabbitwatch.config.intervals import TimeIntervalConfig
from rabbitwatch.config.logic import contradiction, covered
from rabbitwatch.config.matchers import Matcher
from rabbitwatch.config.problems import located
from rabbitwatch.config.yamltree import Path, Tree, spell
from rabbitwatch.errors import ConfigError, Place

_AT: Path = ("actions", "bindings")
_NAME = "alertname"


def check(actions: ActionsConfig, intervals: Sequence[TimeIntervalConfig], tree: Tree) -> Iterator[ConfigError]:
    """All that is wrong with how these fit together. intervals: the named ones, wherever they come from."""
    known = [each.name for each in intervals]
    for index, name in enumerate(actions.guards.rate.windows):
        if name not in known:
            there = ", ".join(known) if known else "none"
            told = f"unknown time interval {name!r}; known: {there}"
            yield located(tree, ("actions", "guards", "rate", "windows", index), told)
    for index, binding in enumerate(actions.bindings):
        why = _never(binding, actions.bindings[:index], tree)
        if why:
            yield located(tree, (*_AT, index), f"this binding can never apply: {why}")


def unraised(
    actions: ActionsConfig, rules: Collection[str], places: Mapping[str, Place]
) -> tuple[list[ConfigError], list[str]]:
    """Errors and warnings about bindings whose alerts no rule raises. rules: names of alerts. places: of keys in the
    file. Where the webhook is open, alerts of any name may come from there, and it is only a warning."""
    errors: list[ConfigError] = []
    warnings: list[str] = []
    outside = actions.webhook.token is not None or actions.webhook.signing_secret is not None
    for index, binding in enumerate(actions.bindings):
        wanted = [matcher for matcher in binding.matchers if matcher.name == _NAME]
        if binding.mode == "off" or not wanted or any(_fits(wanted, name) for name in rules):
            continue
        said = ", ".join(map(str, wanted))
        at = (*_AT, index)
        if outside:
            warnings.append(f"{spell(at)}: no loaded rule raises an alert with {said}: only the webhook can bring one")
        else:
            place = next((places[spell(path)] for path in ((*at, "matchers"), at) if spell(path) in places), None)
            told = (
                f"{spell(at)}: no loaded rule raises an alert with {said}: correct the name, load its rule by "
                "rules.files, or open the webhook for it (actions.webhook)"
            )
            errors.append(ConfigError(told, place))
    return errors, warnings


def warnings(actions: ActionsConfig, *, peer: bool) -> Iterator[str]:
    """What works and had better be otherwise. peer: another agent tells the same alerts (notify.peer)."""
    acting = any(each.mode in ACTING for each in actions.bindings)
    if acting and peer and actions.lease.kind == "file" and actions.lease.path is None:
        yield (
            "actions.lease: a lock in storage.path is this agent's alone, and its peer has one of its own: both would "
            "act; set actions.lease.path to a file that both share, or use kind broker"
        )
    if actions.username is not None and not actions.bindings and not actions.paused:
        yield "actions.username is set and no binding leads to an action: only people can start one"
    if (actions.webhook.token or actions.webhook.signing_secret) and not actions.bindings:
        yield "actions.webhook is open and no binding leads from its alerts anywhere: add bindings, or close it"


def _never(binding: BindingConfig, before: Sequence[BindingConfig], tree: Tree) -> str:
    why = contradiction(binding.matchers)
    if why is not None:
        return why
    deciding = [each.matchers for each in before if not each.continue_]
    taken = covered(binding.matchers, deciding)
    if taken is None:
        return ""
    places = [next(i for i, each in enumerate(before) if each.matchers == one) for one in taken]
    named = " and ".join(f"{spell((*_AT, i))} (line {tree.place((*_AT, i)).line})" for i in places)
    return f"{named} before it {'take' if len(places) > 1 else 'takes'} all that it matches, without continue"


def _fits(wanted: Sequence[Matcher], name: str) -> bool:
    return all(matcher.matches({_NAME: name}) for matcher in wanted)
