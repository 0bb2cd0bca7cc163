from __future__ import annotations

from tests.unit.cluster.build import ABC, A, cluster, heard, missed, node, objects, sees

from rabbitwatch.cluster.answers import sources
from rabbitwatch.errors import CallFailure
from rabbitwatch.model.observation import CheckResult, Source


def test_what_was_not_asked_has_no_state() -> None:
    found = sources(cluster([node(A, sees(ABC))]))
    assert [(s.node, s.source, s.heard) for s in found] == [(A, Source.OVERVIEW, True), (A, Source.NODES, True)]


def test_flaws_and_reasons_are_kept() -> None:
    flawed = heard((), ("queue 7: name is null",))
    found = sources(cluster([], objects(queues=flawed, policies=missed(CallFailure.ERROR, "status 500"))))
    by_source = {s.source: s for s in found}
    assert by_source[Source.QUEUES].flaws == ("queue 7: name is null",)
    assert (by_source[Source.POLICIES].heard, by_source[Source.POLICIES].reason) == (False, "status 500")


def test_checks_are_one_source_that_is_heard_when_all_were() -> None:
    checks = {"alarms": heard(CheckResult(True, "")), "x": missed(), "y": heard(CheckResult(False, "no"))}
    found = [s for s in sources(cluster([node(A, sees(ABC), checks=checks)])) if s.source is Source.CHECK]
    assert [(s.heard, s.reason) for s in found] == [(False, "no answer within 10 s")]
    assert found[0].took > 10
