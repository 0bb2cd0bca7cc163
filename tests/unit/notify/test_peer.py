"""The pair's client: what a peer tells is taken once, and nothing that a peer does holds a notice up for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import cast

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.support.fakebroker import Answer, FakeBroker, Hang
from tests.support.waiting import until

from rabbitwatch.config.notices import PeerConfig
from rabbitwatch.model.notice import Reason
from rabbitwatch.notify.exchange import Exchange
from rabbitwatch.notify.peer import PATH, Peer
from rabbitwatch.notify.ports import Entry
from rabbitwatch.notify.wire import Told, entry_document

ENTRY = Entry(
    integration="team/slack[0]",
    group_key='{}:{alertname="Split"}',
    firing=frozenset({"b", "a"}),
    resolved=frozenset({"c"}),
    sent_at=1000.5,
    reason=Reason.NEW,
    memory={"ts": "1.2"},
)
MINE = "this-agent"


@pytest.fixture
def other() -> Iterator[FakeBroker]:
    with FakeBroker() as running:
        yield running


def says(agent: str = "the-other", position: int | None = 0, *entries: Entry) -> bytes:
    told = Told(agent=agent, position=position, entries=[entry_document(entry) for entry in entries])
    return msgspec.json.encode({"status": "success", "data": told})


class Taken(list[Told]):
    """Stands for the exchange."""

    agent = MINE
    newest = 0.0

    def take(self, told: Told, origin: str) -> None:
        self.append(told)
        self.origin = origin
        self.newest = 1000.5


def peer(other: FakeBroker, taken: Taken, clock: list[float] | None = None, **settings: object) -> Peer:
    config = PeerConfig.model_validate({"url": other.url, "position": 1, **settings})
    return Peer(config, cast("Exchange", taken), (lambda: clock[0]) if clock else time.time)


def test_what_the_other_has_sent_arrives_as_it_was(other: FakeBroker) -> None:
    taken = Taken()
    other.serve(PATH, says("the-other", 0, ENTRY))
    asked = peer(other, taken)
    asked.ask()
    assert asked.up
    (told,) = taken
    (sent,) = told.entries
    got = sent.entry(taken.origin)
    assert (got.integration, got.group_key, got.firing, got.resolved, got.sent_at, got.reason, got.memory) == (
        ENTRY.integration, ENTRY.group_key, ENTRY.firing, ENTRY.resolved, ENTRY.sent_at, ENTRY.reason, ENTRY.memory,
    )  # fmt: skip
    assert got.origin == other.url


def test_it_asks_for_what_is_new_only(other: FakeBroker) -> None:
    other.serve(PATH, says("the-other", 0, ENTRY))
    asked = peer(other, Taken())
    asked.ask()
    asked.ask()
    assert [path for path, _ in other.calls] == [f"{PATH}?limit=0&since=0.000", f"{PATH}?limit=0&since=1000.500"]


def test_notices_due_at_once_share_one_question(other: FakeBroker) -> None:
    other.serve(PATH, says())
    asked = peer(other, Taken())
    asked.start()
    until(lambda: asked.up)
    before, moment = len(other.calls), time.time()
    for _ in range(1000):
        asked.settled_since(moment)
    until(lambda: asked.settled_since(moment))
    assert len(other.calls) == before + 1
    asked.close()


def test_an_answer_from_before_does_not_settle(other: FakeBroker) -> None:
    clock = [100.0]
    other.serve(PATH, says())
    asked = peer(other, Taken(), clock)
    assert not asked.settled_since(100.0)
    asked.ask()
    assert asked.settled_since(100.0)
    assert not asked.settled_since(100.1)


def test_a_dead_peer_is_no_help_and_no_hindrance(other: FakeBroker) -> None:
    url = other.url
    other.__exit__(None, None, None)
    config = PeerConfig.model_validate({"url": url, "position": 1})
    with capture_logs() as logs:
        asked = Peer(config, cast("Exchange", Taken()), lambda: 100.0)
        asked.ask()
        asked.ask()
    assert [line["event"] for line in logs] == ["the other agent of the pair is no help: this one sends alone"]
    assert not asked.up
    assert asked.settled_since(100.0)


def test_a_peer_that_hangs_is_not_waited_for_by_each_notice(other: FakeBroker) -> None:
    other.serve(PATH, Hang())
    clock = [100.0]
    asked = peer(other, Taken(), clock, timeout="200ms")
    asked.ask()
    clock[0] = 110.0
    assert asked.settled_since(110.0)
    clock[0] = 116.0
    assert not asked.settled_since(116.0)


def test_a_bug_behind_the_peer_ends_neither_the_thread_nor_the_notices(other: FakeBroker) -> None:
    class Broken(Taken):
        def take(self, told: Told, origin: str) -> None:
            raise KeyError(origin)

    other.serve(PATH, says())
    asked = peer(other, Broken())
    asked.start()
    for _ in range(2):
        moment = time.time()
        until(lambda: asked.settled_since(moment))  # noqa: B023 - called at once
    asked.close()
    until(lambda: all(thread.name != "peer" for thread in threading.enumerate()))


def test_an_address_that_leads_back_is_told_and_nothing_is_taken(other: FakeBroker) -> None:
    taken = Taken()
    other.serve(PATH, says(MINE, 0, ENTRY))
    with capture_logs() as logs:
        asked = peer(other, taken)
        asked.ask()
    assert not asked.up
    assert "leads to this agent itself" in logs[0]["why"]
    assert taken == []


@pytest.mark.parametrize(("position", "words"), [(1, "same notify.peer.position"), (None, "has no notify.peer")])
def test_a_pair_that_does_not_fit_is_told_once_and_used(other: FakeBroker, position: int | None, words: str) -> None:
    taken = Taken()
    other.serve(PATH, says("the-other", position, ENTRY))
    asked = peer(other, taken)
    with capture_logs() as logs:
        asked.ask()
        asked.ask()
    assert asked.up
    assert sum(words in line["event"] for line in logs) == 1
    assert len(taken) == 2


@pytest.mark.parametrize(
    "answer",
    [b"{}", b"no json", Answer(b"<html>", media="text/html"), Answer(b"", status=500), Answer(b"", status=401)],
)
def test_an_answer_that_is_none_is_no_help(other: FakeBroker, answer: bytes | Answer) -> None:
    taken = Taken()
    other.serve(PATH, answer)
    with capture_logs() as logs:
        asked = peer(other, taken, username="pair", password="s3cret-pair")
        asked.ask()
    assert not asked.up
    assert "s3cret-pair" not in str(logs)
    assert taken == []


def test_only_the_second_waits(other: FakeBroker) -> None:
    assert peer(other, Taken(), position=0).delay == 0
    assert peer(other, Taken(), wait="20s").delay == 20
