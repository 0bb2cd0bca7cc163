"""Reading an existing alertmanager.yml, so that a site which has one writes nothing anew.

What it means is taken over; what cannot be is never dropped in silence: a receiver that the agent cannot speak to is an
error, and a text or a colour that it does not use is a warning, each with its place. Nothing is expanded in it, and a
key without a value counts as absent, as in Alertmanager.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from rabbitwatch.config.alertmanagerkinds import AmGlobal, AmReceiver
from rabbitwatch.config.alertmanagertranslation import Translation
from rabbitwatch.config.checks import check
from rabbitwatch.config.finishing import secrets
from rabbitwatch.config.intervals import TimeIntervalConfig
from rabbitwatch.config.notices import InhibitRuleConfig, RouteConfig
from rabbitwatch.config.problems import located
from rabbitwatch.config.reading import raise_all, read
from rabbitwatch.config.receivers import ReceiverConfig
from rabbitwatch.config.strict import Strict
from rabbitwatch.config.yamltree import Path as Where
from rabbitwatch.config.yamltree import Tree, spell
from rabbitwatch.errors import Place


@dataclass(frozen=True, slots=True)
class AlertmanagerFile:
    """What an alertmanager.yml says, in the agent's own form. inhibit_rules: None where it has no such section.
    warnings: what of it has no effect, one line each, with its place. secrets: every one that it holds. places: where
    the receivers' keys stand, by their spelling."""

    route: RouteConfig
    receivers: tuple[ReceiverConfig, ...]
    inhibit_rules: tuple[InhibitRuleConfig, ...] | None
    time_intervals: tuple[TimeIntervalConfig, ...]
    warnings: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    places: Mapping[str, Place] = field(default_factory=dict)


class _File(Strict):
    """The whole of an alertmanager.yml."""

    global_: Annotated[AmGlobal, Field(alias="global")] = AmGlobal()
    route: RouteConfig
    receivers: tuple[AmReceiver, ...] = ()
    inhibit_rules: tuple[InhibitRuleConfig, ...] | None = None
    time_intervals: tuple[TimeIntervalConfig, ...] = ()
    mute_time_intervals: tuple[TimeIntervalConfig, ...] = ()
    templates: tuple[str, ...] = ()
    tracing: Any = None

    @model_validator(mode="before")
    @classmethod
    def _only_what_is_given(cls, value: Any) -> Any:
        return _given(value)


def read_alertmanager_file(path: Path) -> AlertmanagerFile:
    """Raises ConfigFileError with everything that is wrong with the file."""
    file, tree = read(path, _File)
    translation = Translation(tree, file.global_)
    receivers = tuple(translation.receiver(each, ("receivers", i)) for i, each in enumerate(file.receivers))
    warnings = [*translation.warnings]
    if file.templates:
        told = "Go templates cannot be used here: the shipped texts are used, or those of notify.templates"
        warnings.append(str(located(tree, ("templates",), told)))
    warnings += [
        str(located(tree, path, "has no value, so the route above decides: a receiver named null needs quotes"))
        for path in tree.values
        if path[-1:] == ("receiver",) and _value(tree.data, path) is None
    ]
    if file.tracing is not None:
        warnings.append(str(located(tree, ("tracing",), "has no counterpart here and is not used")))
    made = AlertmanagerFile(
        route=file.route,
        receivers=receivers,
        inhibit_rules=file.inhibit_rules,
        time_intervals=(*file.time_intervals, *file.mute_time_intervals),
        secrets=frozenset(secrets(file)),
        places=places(tree),
    )
    findings = list(check(made, tree))
    raise_all([*translation.errors, *(each.error for each in findings if not each.strict)])
    warnings += [str(each.error) for each in findings if each.strict]
    return replace(made, warnings=tuple(warnings))


def places(tree: Tree) -> dict[str, Place]:
    """Where everything below `receivers` and `actions` stands, by its spelling."""
    return {spell(path): place for path, place in tree.values.items() if path[:1] in {("receivers",), ("actions",)}}


def _value(data: Any, path: Where) -> Any:
    """What stands at that place of the file."""
    for step in path:
        data = data[step]
    return data


def _given(value: Any) -> Any:
    """Without the keys that have no value."""
    if isinstance(value, dict):
        return {key: _given(each) for key, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, list) else value
