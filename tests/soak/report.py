"""What the run has shown: a record for programs, a summary for people, and whether it passes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.audited import requested
from tests.soak.course import Result, Tally
from tests.soak.delays import Delay, delays
from tests.soak.losses import Extra, Loss, Moment, Repair, Why, extras
from tests.soak.places import Places
from tests.soak.schedule import Fault
from tests.soak.world import PACE

from rabbitwatch.actions.ports import Entry
from rabbitwatch.actions.record import document

BLAMED = (Why.REPAIR, Why.UNEXPLAINED)


@dataclass
class Verdict:
    """broken: promises of the audit that it does not keep; extra: losses that the cluster without the agent had not;
    requested: how often the agent has asked for something; delays: by how much faults lasted longer with it."""

    extra: list[Extra] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    requested: int = 0
    delays: list[Delay] = field(default_factory=list)

    @property
    def blamed(self) -> list[Extra]:
        """Losses that are not put down to chance."""
        return [each for each in self.extra if each.why in BLAMED]

    @property
    def passed(self) -> bool:
        return not (self.blamed or self.broken or any(each.blamed for each in self.delays))


def judge(result: Result, repairs: Sequence[Repair], broken: Sequence[str]) -> Verdict:
    """From everything that was found out."""
    lost, other = result.with_agent.lost, result.without
    extra = extras(lost, other.lost, frozenset(other.kept), result.moments, repairs, PACE)
    return Verdict(extra, list(broken), len(repairs), delays(result.faults, result.moments))


def summary(head: str, result: Result, entries: Sequence[Entry], verdict: Verdict) -> str:
    """For a person. head: a line about the run."""
    return "\n".join(
        [
            head,
            "",
            *_totals(result),
            _outages(result),
            "",
            *_delays(verdict),
            "",
            *_by_fault(result),
            "",
            *_audit(entries),
            "",
            *_said(verdict),
        ]
    )


def _totals(result: Result) -> list[str]:
    saved = sum(loss.message in result.with_agent.kept for loss in result.without.lost)
    return [
        "                confirmed  in doubt  received twice  lost",
        _total("with the agent", result.with_agent),
        _total("without", result.without),
        f"lost without the agent, and kept with it: {saved}",
    ]


def _outages(result: Result) -> str:
    """How long faults lasted, from when they stood until all was whole again: a cluster that is slower loses more."""
    reaches = [(moment.reach_with_agent, moment.reach_without) for moment in result.moments.values()]
    here, other = (sum(ended - stood for stood, ended in each) for each in zip(*reaches, strict=True))
    return f"something was not whole for {here:.0f} s with the agent, for {other:.0f} s without"


def _delays(verdict: Verdict) -> list[str]:
    rows = [f"  {each}{': the agent holds it up' if each.blamed else ''}" for each in verdict.delays]
    return ["on average of all faults of a kind, later with the agent than without:", *rows]


def _total(name: str, tally: Tally) -> str:
    return f"{name:15} {tally.confirmed:9}  {tally.doubtful:8}  {tally.twice:14}  {len(tally.lost):4}"


def _by_fault(result: Result) -> list[str]:
    """The faults that cost messages, and how many in each cluster."""
    here, other = _counted(result.with_agent.lost), _counted(result.without.lost)
    names = {fault.number: str(fault) for fault in result.faults}
    rows = [
        f"{', '.join(names.get(number, str(number)) for number in faults) or 'no fault':40} "
        f"{here[faults]:10} {other[faults]:8}"
        for faults in sorted({*here, *other})
    ]
    return [f"{'lost by fault':40} with agent  without", *(rows or ["none"])]


def _counted(lost: Sequence[Loss]) -> Counter[tuple[int, ...]]:
    return Counter(loss.faults for loss in lost)


def _audit(entries: Sequence[Entry]) -> list[str]:
    events = Counter(entry.event for entry in entries)
    ends = Counter(str(entry.outcome) for entry in entries if entry.event == "ended")
    kinds = Counter(entry.step.action for entry in requested(entries) if entry.step)
    refused = Counter(
        answer.guard for entry in entries if entry.event == "refused" for answer in entry.answers if answer.refused
    )
    return [
        f"audit: {len(entries)} lines ({_told(events)})",
        f"requested: {_told(kinds)}; ended: {_told(ends)}",
        f"refusals by guard: {_told(refused)}",
    ]


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


def _said(verdict: Verdict) -> list[str]:
    why = Counter(str(each.why) for each in verdict.extra)
    lines = [f"lost with the agent although the cluster without it had kept them: {len(verdict.extra)} ({_told(why)})"]
    for (fault, queue, reason, detail), count in Counter(
        (each.loss.faults, each.loss.queue, str(each.why), each.detail) for each in verdict.extra
    ).items():
        lines.append(f"  {count} of {queue}, fault {'/'.join(map(str, fault))}: {reason}: {detail}")
    lines += [f"promises of the audit that were broken: {len(verdict.broken)}", *(f"  {it}" for it in verdict.broken)]
    lines.append("PASSED" if verdict.passed else "FAILED")
    return lines


def write(
    folder: Path, about: dict[str, Any], result: Result, entries: Sequence[Entry], verdict: Verdict, text: str
) -> None:
    """record.json and summary.txt."""
    record = {
        **about,
        "passed": verdict.passed,
        "rounds": result.rounds,
        "faults": [_fault(fault, result.moments.get(fault.number)) for fault in result.faults],
        "with_agent": _tally(result.with_agent),
        "without": _tally(result.without),
        "extra": [
            {"message": each.loss.message, "faults": each.loss.faults, "why": each.why, "detail": each.detail}
            for each in verdict.extra
        ],
        "broken": verdict.broken,
        "delays": [{name: getattr(each, name) for name in each.__slots__} for each in verdict.delays],
        "audit": [document(entry) for entry in entries],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / "summary.txt").write_text(text + "\n", encoding="utf-8")


def _fault(fault: Fault, moment: Moment | None) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(fault, name) for name in fault.__slots__}
    if moment is not None:
        told |= {"begun": moment.begun, "ended": moment.ended}
        told |= {"with_agent": _places(moment.with_agent), "without": _places(moment.without)}
        told |= {"reach_with_agent": moment.reach_with_agent, "reach_without": moment.reach_without}
    return told


def _places(places: Places) -> dict[str, str]:
    return {queue: str(place) for queue, place in places.items()}


def _tally(tally: Tally) -> dict[str, Any]:
    lost = [{"message": loss.message, "faults": loss.faults} for loss in tally.lost]
    return {"confirmed": tally.confirmed, "doubtful": tally.doubtful, "twice": tally.twice, "lost": lost}
