"""What one agent tells, the other takes: entries once and where they came from, silences where they are newer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import msgspec
from structlog.testing import capture_logs

from rabbitwatch.config.matchers import parse_matchers
from rabbitwatch.errors import StorageError
from rabbitwatch.model.notice import Reason
from rabbitwatch.model.silence import SilenceDraft
from rabbitwatch.notify.exchange import Exchange
from rabbitwatch.notify.ports import Attempt, DeliveryLog, Entry, Result
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.notify.wire import Told, read

NOW = 10_000.0
ENTRY = Entry(
    integration="team/slack[0]",
    group_key="{}:{}",
    firing=frozenset({"a"}),
    resolved=frozenset({"b"}),
    sent_at=NOW - 10,
    reason=Reason.FIRST,
    memory={"ts": "1.2"},
)


class Log:
    """The part of a delivery log that an exchange uses."""

    def __init__(self, *entries: Entry) -> None:
        self.kept = list(entries)
        self.full = False
        self.open: list[Attempt] = []

    def unfinished(self) -> Sequence[Attempt]:
        return self.open

    def entries(self) -> Sequence[Entry]:
        return self.kept

    def adopt(self, entry: Entry) -> None:
        if self.full:
            raise StorageError("the disk is full")
        self.kept.append(entry)


class Side:
    """One agent."""

    def __init__(self, name: str, *entries: Entry) -> None:
        self.log = Log(*entries)
        self.silences = Silences(ForgetfulSilenceStore(), now=lambda: NOW)
        self.exchange = Exchange(name, 0, cast("DeliveryLog", self.log), self.silences, lambda: NOW)

    def hear(self, other: Side) -> Told:
        body = msgspec.json.encode({"status": "success", "data": other.exchange.tell(self.exchange.newest)})
        told = read(body)
        self.exchange.take(told, f"http://{other.exchange.agent}")
        return told

    def silence(self, text: str) -> str:
        draft = SilenceDraft(
            matchers=parse_matchers(text), starts_at=NOW, ends_at=NOW + 60, created_by="ann", comment="known"
        )
        return self.silences.set(draft).id


def test_an_entry_comes_over_whole_and_does_not_go_back() -> None:
    one, two = Side("one", ENTRY), Side("two")
    two.hear(one)
    assert two.log.kept == [replace(ENTRY, origin="http://one")]
    one.hear(two)
    assert one.log.kept == [ENTRY]


def test_what_was_told_long_ago_is_not_told_again() -> None:
    one, two = Side("one", ENTRY, replace(ENTRY, group_key="old", sent_at=NOW - 500)), Side("two")
    assert {sent.group_key for sent in two.hear(one).entries} == {"{}:{}", "old"}
    assert {sent.group_key for sent in two.hear(one).entries} == {"{}:{}"}


def test_a_clock_that_was_set_back_hides_nothing() -> None:
    one = Side("one", ENTRY)
    assert one.exchange.tell(NOW + 3600).entries != []


def test_a_silence_and_its_end_come_over() -> None:
    one, two = Side("one"), Side("two")
    labels = {"alertname": "Split"}
    made = one.silence('alertname="Split"')
    two.hear(one)
    assert two.silences.silencing(labels, NOW) == [made]
    one.silences.expire(made)
    two.hear(one)
    assert two.silences.silencing(labels, NOW + 1) == []


def test_a_full_disk_is_told_once_and_asked_again() -> None:
    one, two = Side("one", ENTRY), Side("two")
    two.log.full = True
    with capture_logs() as logs:
        two.hear(one)
        two.hear(one)
    assert [line["why"] for line in logs] == ["the disk is full"]
    two.log.full = False
    two.hear(one)
    assert len(two.log.kept) == 1


def test_a_silence_that_is_none_costs_only_itself() -> None:
    one, two = Side("one", ENTRY), Side("two")
    told = one.exchange.tell()
    told.silences.append({"id": "x"})
    with capture_logs() as logs:
        two.exchange.take(told, "http://one")
    assert len(two.log.kept) == 1
    assert "left out" in logs[0]["event"]


def test_what_the_other_is_telling_and_has_just_told_is_known() -> None:
    one, two = Side("one", ENTRY), Side("two")
    now = Attempt(
        id="1", integration="team/slack[0]", group_key="{}:now", reason=Reason.FIRST, firing=frozenset("a"),
        resolved=frozenset(), began_at=NOW, ended_at=None, tries=0, result=Result.SENDING,
    )  # fmt: skip
    one.log.open = [now, replace(now, group_key="{}:later", result=Result.FAILED)]
    two.hear(one)
    keys = ("{}:now", "{}:later", ENTRY.group_key)
    assert [two.exchange.busy_with(key, NOW - 15) for key in keys] == [True, False, True]
    assert [two.exchange.busy_with(key, NOW - 5) for key in keys] == [True, False, False]
    one.log.open = []
    two.hear(one)
    assert not two.exchange.busy_with("{}:now", NOW - 15)
