from __future__ import annotations

from typing import Any

import pytest
from tests.unit.cluster.build import (
    ABC,
    CONFIG,
    HA_ALL,
    A,
    B,
    C,
    cluster,
    healthy,
    heard,
    missed,
    node,
    objects,
    policy,
    queue,
    sees,
    split,
    vhost,
)

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.findings import findings
from rabbitwatch.cluster.sentence import sentence
from rabbitwatch.model.cluster import Finding, Severity
from rabbitwatch.model.observation import ClusterObservation


def of(*queues: Any, **more: Any) -> tuple[Finding, ...]:
    told = objects(queues=queues, **{"policies": (HA_ALL,)} | more)
    return findings(assess(healthy(told), CONFIG))


RISKY = queue("orders", messages=7, mirrors=[B, C], synchronised=[], policy="ha")


@pytest.mark.parametrize(
    ("found", "severity", "kind", "words"),
    [
        (of(RISKY), Severity.CRITICAL, "messages_at_risk", "7 messages in 1 mirrored queue without"),
        (of(RISKY), Severity.WARNING, "unsynchronised", "2 mirrors of 1 queue not synchronised: 'orders'"),
        (of(queue(mirrors=[B], policy="ha")), Severity.WARNING, "missing_mirrors", "1 mirror of 1 queue missing"),
        (of(queue(state="crashed", vhost="shop")), Severity.CRITICAL, "queues_crashed", "1 queue crashed: 'shop/q'"),
        (of(queue(state="syncing", mirrors=[])), Severity.WARNING, "queues_syncing", "1 queue syncing"),
        (
            of(queue(type="quorum", leader="", members=list(ABC), online=[A])),
            Severity.CRITICAL,
            "leaderless",
            "1 queue without a leader",
        ),
        (
            of(queue(type="quorum", leader=A, members=list(ABC), online=[A, B])),
            Severity.WARNING,
            "members_offline",
            "1 queue with members that are offline",
        ),
        (of(queue()), Severity.NOTE, "unmirrored", "1 durable classic queue that no policy mirrors"),
        (
            of(queue(policy="ha"), policies=(HA_ALL, policy({}, "other"))),
            Severity.WARNING,
            "ambiguous_policy",
            "two policies of equal priority match 1 queue",
        ),
        (of(vhosts=(vhost("/", b="stopped"),)), Severity.CRITICAL, "vhost_down", "vhost '/' does not run on rabbit@b"),
        (of(policies=missed()), Severity.NOTE, "unheard", "policies gave no answer: no answer within 10 s"),
        (of(vhosts=heard((), ("a null",))), Severity.NOTE, "flaw", "1 part of the answer left out: a null"),
    ],
)
def test_what_is_found(found: tuple[Finding, ...], severity: Severity, kind: str, words: str) -> None:
    one = next(finding for finding in found if finding.kind == kind)
    assert one.severity is severity
    assert words in one.sentence


@pytest.mark.parametrize(
    ("alarm", "kind"),
    [({"mem_alarm": True, "mem_used": 9}, "memory_alarm"), ({"disk_free_alarm": True, "disk_free": 9}, "disk_alarm")],
)
def test_alarms(alarm: dict[str, Any], kind: str) -> None:
    state = assess(cluster([node(n, sees(ABC, more={B: alarm})) for n in ABC], objects()), CONFIG)
    assert [(f.kind, f.subject) for f in findings(state)] == [(kind, B)]
    assert "9 bytes" in findings(state)[0].sentence


def test_queues_that_a_component_does_not_tell_are_not_well() -> None:
    told = [(f.severity, f.kind) for f in findings(assess(healthy(objects(queues=missed())), CONFIG))]
    assert told == [(Severity.WARNING, "queues_untold"), (Severity.NOTE, "unheard")]
    halves = split(objects(A, {A, B}), objects(C, {C}, queues=missed()))
    assert "queues_untold" in {f.kind for f in findings(assess(halves, CONFIG))}
    assert findings(assess(healthy(objects()), CONFIG)) == ()


def test_the_worst_comes_first() -> None:
    ranks = [list(Severity).index(finding.severity) for finding in of(RISKY, queue(), policies=(HA_ALL,))]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 3


def test_the_deepest_queues_are_named_and_the_others_counted() -> None:
    many = [queue(f"q{n}", messages=n, mirrors=[B, C], synchronised=[], policy="ha") for n in range(1, 6)]
    risk = next(finding for finding in of(*many) if finding.kind == "messages_at_risk")
    assert risk.sentence.endswith(
        "15 messages in 5 mirrored queues without a synchronised mirror: 'q5', 'q4', 'q3', ..."
    )


def test_a_name_cannot_break_the_line() -> None:
    assert all("\n" not in finding.sentence for finding in of(queue("a\nb\x1b[31m", state="down")))


def test_no_cookie_hash_reaches_a_sentence() -> None:
    hashes = {A: "c2VjcmV0", B: "c2VjcmV0", C: "b3RoZXI="}
    state = assess(cluster([node(n, sees(ABC), cookie_hash=heard(hashes[n])) for n in ABC]), CONFIG)
    said = sentence(state, None) + "".join(finding.sentence for finding in findings(state))
    assert "cookie of rabbit@c" in said
    assert not any(value in said + repr(state) for value in hashes.values())


def test_sentence_of_a_healthy_cluster() -> None:
    state = assess(
        healthy(objects(queues=(queue(messages=1, mirrors=[B, C], policy="ha"),), policies=(HA_ALL,))), CONFIG
    )
    line = "orders: 3 of 3 nodes answered in 0.4 s, all see each other, 1 queue with 1 message"
    assert sentence(state, None) == line
    assert sentence(state, state) == f"{line}; nothing changed"


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        (cluster([node(A, sees(ABC)), node(B, sees(ABC)), node(C, missed())]), "2 told whom they see, and those see"),
        (cluster([node(A, sees(ABC)), node(B, missed()), node(C, missed())]), "1 told whom it sees"),
        (cluster([node(A, sees([A], [A]))]), "1 of 1 node answered in 0.4 s, alone"),
        (cluster([node(n, missed()) for n in ABC]), "no node tells what it sees (3 timeout)"),
    ],
)
def test_sentence_does_not_speak_for_the_silent(observation: ClusterObservation, words: str) -> None:
    assert words in sentence(assess(observation, CONFIG), None)


def test_sentence_says_what_began_and_what_ended() -> None:
    before, after = assess(healthy(), CONFIG), assess(split(), CONFIG)
    assert "in 2 groups that do not" in sentence(after, before)
    assert "new: the cluster has fallen into 2 groups" in sentence(after, before)
    assert sentence(before, after).endswith("; over: split orders")


def test_silence_ends_nothing() -> None:
    lagging = objects(queues=(queue(messages=1, mirrors=[B, C], synchronised=[], policy="ha"),), policies=(HA_ALL,))
    before, after = assess(split(lagging), CONFIG), assess(cluster([node(n, missed()) for n in ABC]), CONFIG)
    said = sentence(after, before)
    assert "over:" not in said
    assert "no longer told: " in said
    assert "split orders" in said
    assert "unsynchronised orders" in said
    assert "over: blind orders" in sentence(before, after)


def test_sentence_names_who_joined_and_who_was_forgotten() -> None:
    pair = assess(cluster([node(n, sees((A, B), (A, B))) for n in (A, B)]), CONFIG)
    three = assess(healthy(), CONFIG)
    assert "joined: rabbit@c" in sentence(three, pair)
    assert "forgotten: rabbit@c" in sentence(pair, three)


def test_the_first_sentence_says_what_is_wrong() -> None:
    assert "the cluster has fallen into 2 groups" in sentence(assess(split(), CONFIG), None)
