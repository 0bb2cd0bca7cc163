"""`rabbitwatch explain`: why an alert goes where it goes, or why nobody hears of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from rabbitwatch.alerting.rulefile.load import load as load_rules
from rabbitwatch.alerting.rulefile.model import AlertingRule
from rabbitwatch.assets import shipped
from rabbitwatch.cli.options import ConfigFile
from rabbitwatch.cli.present import ask_present, moment
from rabbitwatch.cli.rules import known_families
from rabbitwatch.config.durations import format_duration
from rabbitwatch.config.loading import load
from rabbitwatch.config.matchers import parse_matcher, spelled
from rabbitwatch.config.models import Config
from rabbitwatch.logs import escape_controls
from rabbitwatch.notify.explain import Explanation, Told, explain, rule_spelled
from rabbitwatch.notify.inhibition import Inhibitor
from rabbitwatch.notify.routing import Routing
from rabbitwatch.notify.times import TimeIntervals
from rabbitwatch.promql.labels import LabelSet

_NAME = "alertname"


def explain_alert(
    alert: Annotated[
        list[str],
        typer.Argument(metavar="ALERT…", help="Labels as name=value, as for amtool; a bare word is the alert's name."),
    ],
    config: ConfigFile = None,
    url: Annotated[
        str,
        typer.Option(
            "--url",
            envvar="RABBITWATCH_URL",
            help="A running agent to ask what fires and what is silenced; user:password@ before the host works.",
        ),
    ] = "",
    at: Annotated[str, typer.Option("--time", help="When: RFC3339 or unix seconds; now without it.")] = "",
) -> None:
    """Say which route, group, inhibition and silence apply to an alert, and why."""
    labels = read_labels(alert)
    when = _at(at) if at else time.time()
    settings = load(config).config
    added = {**settings.rules.external_labels, **_of_rules(settings, labels.get(_NAME, ""))}
    whole = {**added, **labels}
    present, unknown = ask_present(url)
    found = explain(whole, Routing.of(settings), Inhibitor.of(settings), TimeIntervals.of(settings), when, present)
    for line in lines(found, settings, sorted(set(added) - set(labels)), unknown):
        typer.echo(escape_controls(line))


def read_labels(arguments: Sequence[str]) -> dict[str, str]:
    """From the words of the command line; BadParameter, which is exit 2, where they are no labels."""
    labels: dict[str, str] = {}
    for word in arguments:
        name, value = _label(word)
        if name in labels:
            raise typer.BadParameter(f"the label {name} is given twice")
        labels[name] = value
    return labels


def _label(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        return _NAME, word
    if not name or name[-1] in "!<>" or value.startswith("~"):
        raise typer.BadParameter(f"{word!r} is no label: write name=value")
    if value.startswith('"'):
        try:
            matcher = parse_matcher(word)
        except ValueError:
            raise typer.BadParameter(f"{word!r} is no label: a quote is missing") from None
        return matcher.name, matcher.value
    return name, value


def _of_rules(config: Config, name: str) -> dict[str, str]:
    """The labels that the rules give every alert of this name, where they say so without a template."""
    files = [shipped("rules") / "*.yml"] if config.rules.files is None else config.rules.files
    rules = load_rules(files, known_families(), config.poll.interval).rules() if name else ()
    found = [rule.labels for rule in rules if isinstance(rule, AlertingRule) and rule.name == name]
    texts = [{label: each.text for label, each in labels.items()} for labels in found]
    shared = set.intersection(*(set(each.items()) for each in texts)) if texts else set()
    return {label: text for label, text in shared if "{{" not in text}


def _at(text: str) -> float:
    try:
        return moment(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: write it like 2026-11-20T21:00:00Z") from None


def lines(found: Explanation, config: Config, added: Sequence[str], unknown: str) -> Iterator[str]:
    """The explanation for a person. added: labels that were not given. unknown: why nothing is known of a running
    agent; empty where it is."""
    yield f"Alert {LabelSet.of(found.labels)}"
    if added:
        yield f"  {', '.join(added)}: from the rule or from external_labels"
    yield ""
    yield from _routes(found, config)
    for told in found.told:
        yield ""
        yield from _told(told, config)
    yield ""
    yield from _inhibition(found, unknown)
    yield ""
    yield from _silences(found, unknown)
    if found.told:
        yield ""
        yield _verdict(found)


def _verdict(found: Explanation) -> str:
    match found.quiet:
        case True:
            return "Nobody hears of it now."
        case False:
            return "It is told."
        case None:
            return "It is told, unless it is inhibited or silenced."


def _routes(found: Explanation, config: Config) -> Iterator[str]:
    yield "Routes"
    if not found.steps:
        yield "  there is no route: the agent itself tells nobody"
    marks = {True: "+", False: "-", None: " "}
    for step in found.steps:
        matchers = f" {spelled(step.route.matchers)}" if step.route.matchers else ""
        yield f"  {'  ' * step.depth}{marks[step.matched]} {step.route.path}{matchers}: {step.why}"
    for manager in config.alertmanagers:
        yield f"  + handed to {manager.url} besides, which has routes of its own"


def _told(told: Told, config: Config) -> Iterator[str]:
    route = told.route
    receiver = next((each for each in config.receivers if each.name == route.receiver), None)
    kinds = receiver.kinds if receiver else {}
    ways = ", ".join(f"{count}x {kind}" if count > 1 else kind for kind, count in kinds.items())
    yield f"Receiver {route.receiver}"
    yield f"  tells by   {ways or 'nothing: this receiver tells nobody'}"
    yield f"  route      {route.path}"
    yield f"  group      {LabelSet.of(told.group_labels)}"
    yield f"  group key  {told.group_key}"
    waits = [format_duration(each) for each in (route.group_wait, route.group_interval, route.repeat_interval)]
    yield f"  waits      {waits[0]} before the first, {waits[1]} between changes, {waits[2]} until it is repeated"
    if route.mute_time_intervals or route.active_time_intervals:
        yield f"  times      {_times(told)}"


def _times(told: Told) -> str:
    if told.muted_by:
        return f"muted now by {', '.join(told.muted_by)}"
    if told.inactive:
        return f"not active now: it is outside of {', '.join(told.route.active_time_intervals)}"
    named = (*told.route.mute_time_intervals, *told.route.active_time_intervals)
    return f"not muted now ({', '.join(named)})"


def _inhibition(found: Explanation, unknown: str) -> Iterator[str]:
    yield "Inhibition"
    if found.inhibited is None and found.could_inhibit:
        yield f"  what fires is not known: {unknown}"
    for each in found.inhibited or ():
        yield f"  inhibited by {LabelSet.of(each.source.labels)} ({each.rule.name})"
    for rule in found.could_inhibit if not found.inhibited else ():
        yield f"  {rule.name}: kept quiet while this fires: {rule_spelled(rule, found.labels)}"
    if not found.could_inhibit:
        yield "  no rule is about this alert"


def _silences(found: Explanation, unknown: str) -> Iterator[str]:
    yield "Silences"
    if found.silenced is None:
        yield f"  not known: {unknown}"
    elif not found.silenced:
        yield "  none"
    for each in found.silenced or ():
        ends = datetime.fromtimestamp(each.ends_at).astimezone().isoformat(sep=" ", timespec="minutes")
        yield f"  {each.id} {spelled(each.matchers)} until {ends}, by {each.created_by}: {each.comment}"
