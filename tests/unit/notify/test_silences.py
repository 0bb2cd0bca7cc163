"""Alertmanager's rules for making, changing and ending silences, and which alerts they quieten."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from rabbitwatch.config.matchers import Matcher, Matchers, Operator, match_all, parse_matchers
from rabbitwatch.errors import SilenceError, SilenceNotFoundError, StorageError
from rabbitwatch.model.silence import Silence, SilenceDraft, SilenceState
from rabbitwatch.notify.silences import SilenceLimits, Silences

NOW = 1_000_000.0
Q1 = {"alertname": "QueueDeep", "queue": "q1"}


class Store:
    """Keeps silences, until it is full."""

    def __init__(self, *silences: Silence) -> None:
        self.kept = {silence.id: silence for silence in silences}
        self.full = False
        self.saves: list[int] = []

    def load(self) -> Sequence[Silence]:
        return list(self.kept.values())

    def save(self, silences: Sequence[Silence]) -> None:
        if self.full:
            raise StorageError("the disk is full")
        self.saves.append(len(silences))
        self.kept |= {silence.id: silence for silence in silences}

    def forget(self, ids: Sequence[str]) -> None:
        for each in ids:
            del self.kept[each]


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


class Bench:
    """Silences with a store, a clock and ids that a test can foretell."""

    def __init__(self, *stored: Silence, **more: Any) -> None:
        self.store = Store(*stored)
        self.clock = Clock()
        numbers = count(1)
        self.silences = Silences(self.store, now=self.clock, new_id=lambda: f"id{next(numbers)}", **more)

    def quiet(self, **labels: str) -> list[str]:
        return self.silences.silencing(labels, self.clock.at)

    def states(self) -> dict[str, str]:
        return {silence.id: silence.state(self.clock.at).value for silence in self.silences.all()}


def draft(
    matchers: str | Matchers = 'queue="q1"', start: float = NOW, end: float = NOW + 3600, **more: Any
) -> SilenceDraft:
    parsed = parse_matchers(matchers) if isinstance(matchers, str) else matchers
    fields = {"created_by": "ann", "comment": "import", "matchers": parsed}
    return SilenceDraft(**{**fields, "starts_at": start, "ends_at": end, **more})


def test_it_quietens_from_its_start_to_its_end() -> None:
    bench = Bench()
    silence = bench.silences.set(draft(start=NOW + 10, end=NOW + 20))
    seen = []
    for after in (0, 9.999, 10, 19.999, 20):
        bench.clock.at = NOW + after
        seen.append((after, silence.state(bench.clock.at).value, bench.quiet(**Q1)))
    assert seen == [
        (0, "pending", []),
        (9.999, "pending", []),
        (10, "active", ["id1"]),
        (19.999, "active", ["id1"]),
        (20, "expired", []),
    ]


def test_all_that_match_are_named_and_no_others() -> None:
    bench = Bench()
    for matchers in ('alertname="QueueDeep"', 'queue=~"q.*"', 'queue!="q1"', 'vhost=""', 'queue=~"q"', 'queue!~"x|y"'):
        bench.silences.set(draft(f'alertname!="",{matchers}'))
    assert bench.quiet(**Q1) == ["id1", "id2", "id4", "id6"]
    assert bench.quiet(alertname="QueueDeep", vhost="/", queue="x") == ["id1", "id3"]


def test_a_start_in_the_past_means_now() -> None:
    bench = Bench()
    assert bench.silences.set(draft(start=0)).starts_at == NOW


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (draft(matchers=()), "at least one matcher required"),
        (draft('queue=""'), "at least one matcher must not match the empty string"),
        (draft('queue=~".*",vhost!="a"'), "at least one matcher must not match the empty string"),
        (draft(end=NOW), "start time must be before end time"),
        (draft(start=NOW - 20, end=NOW - 10), "end time can't be in the past"),
        (draft(end=3e11), "end time must be before the year 9999"),
        (draft(end=float("inf")), "end time must be before the year 9999"),
        (draft(end=float("nan")), "start time must be before end time"),
        (draft(comment="x" * 20_000), "maximum size: 20010 bytes (limit: 16384 bytes)"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_is_refused_changes_nothing(wrong: SilenceDraft, why: str) -> None:
    bench = Bench()
    with pytest.raises(SilenceError) as refused:
        bench.silences.set(wrong)
    assert why in str(refused.value)
    assert (bench.states(), bench.store.kept) == ({}, {})


def test_an_active_one_keeps_its_id_where_only_end_or_words_change() -> None:
    bench = Bench()
    first = bench.silences.set(draft())
    bench.clock.at += 60
    changed = bench.silences.set(draft(id="id1", end=NOW + 7200, comment="longer", start=NOW + 0.4))
    assert changed == replace(first, ends_at=NOW + 7200, comment="longer", updated_at=NOW + 60)
    assert bench.store.kept == {"id1": changed}


@pytest.mark.parametrize(
    "change",
    [{"matchers": parse_matchers('queue="q2"')}, {"start": NOW + 1000}, {"start": NOW - 100}],
    ids=["matchers", "a later start", "an earlier start"],
)
def test_an_active_one_that_would_be_another_ends_and_another_begins(change: dict[str, Any]) -> None:
    bench = Bench()
    bench.silences.set(draft())
    bench.clock.at += 60
    changed = bench.silences.set(draft(id="id1", **change))
    assert changed.id == "id2"
    assert changed.starts_at == max(NOW + 60, change.get("start", 0))
    assert bench.silences.get("id1").ends_at == NOW + 60
    assert bench.store.saves == [1, 2], "the end of one and the begin of the other are one transaction"


def test_a_pending_one_can_move_its_start_but_not_into_the_past() -> None:
    bench = Bench()
    bench.silences.set(draft(start=NOW + 100))
    assert bench.silences.set(draft(id="id1", start=NOW + 50)).id == "id1"
    assert bench.silences.get("id1").starts_at == NOW + 50
    moved = bench.silences.set(draft(id="id1", start=NOW - 50))
    assert (moved.id, moved.starts_at) == ("id2", NOW)
    assert bench.states() == {"id2": "active", "id1": "expired"}


def test_a_change_of_an_ended_one_makes_a_new_one_and_leaves_it() -> None:
    bench = Bench()
    bench.silences.set(draft())
    ended = bench.silences.expire("id1")
    assert bench.silences.set(draft(id="id1")).id == "id2"
    assert bench.silences.get("id1") == ended


def test_ending() -> None:
    bench = Bench()
    bench.silences.set(draft())
    bench.silences.set(draft(start=NOW + 100))
    bench.clock.at += 5
    assert bench.quiet(**Q1) == ["id1"]
    active, pending = bench.silences.expire("id1"), bench.silences.expire("id2")
    assert (active.starts_at, active.ends_at) == (NOW, NOW + 5)
    assert (pending.starts_at, pending.ends_at) == (NOW + 5, NOW + 5)
    assert bench.quiet(**Q1) == []
    bench.clock.at += 5
    assert bench.silences.expire("id1") == active, "once is enough"


@pytest.mark.parametrize("act", ["get", "expire", "set"])
def test_none_of_that_id(act: str) -> None:
    silences = Bench().silences
    with pytest.raises(SilenceNotFoundError, match="there is no silence nope"):
        silences.set(draft(id="nope")) if act == "set" else getattr(silences, act)("nope")


def test_order_is_alertmanagers() -> None:
    bench = Bench()
    bench.silences.set(draft(end=NOW + 500))
    bench.silences.set(draft(end=NOW + 400))
    bench.silences.set(draft(start=NOW + 300))
    bench.silences.set(draft(start=NOW + 200))
    for number, name in enumerate(("id5", "id6")):
        bench.silences.set(draft())
        bench.clock.at = NOW + number + 1
        bench.silences.expire(name)
    assert list(bench.states()) == ["id2", "id1", "id4", "id3", "id6", "id5"]
    assert bench.silences.counts() == {SilenceState.PENDING: 2, SilenceState.ACTIVE: 2, SilenceState.EXPIRED: 2}


def test_only_so_many_live_at_a_time() -> None:
    bench = Bench(limits=SilenceLimits(count=2))
    bench.silences.set(draft())
    bench.silences.set(draft(start=NOW + 60))
    with pytest.raises(SilenceError, match="exceeded maximum number of silences: 2"):
        bench.silences.set(draft())
    assert bench.silences.set(draft('queue="q2"', id="id1")).id == "id3", "one goes, one comes"
    bench.silences.expire("id2")
    assert bench.silences.set(draft()).id == "id4"


def test_what_the_database_does_not_keep_is_not_there() -> None:
    bench = Bench()
    bench.silences.set(draft())
    bench.store.full = True
    with pytest.raises(StorageError):
        bench.silences.set(draft('queue="q2"', id="id1"))
    with pytest.raises(StorageError):
        bench.silences.expire("id1")
    with pytest.raises(StorageError):
        bench.silences.merge([foreign()])
    assert bench.states() == {"id1": "active"}
    assert bench.quiet(**Q1) == ["id1"]


def test_a_restart_finds_what_was_kept() -> None:
    before = Bench()
    before.silences.set(draft())
    after = Bench(*before.store.load())
    assert after.silences.all() == before.silences.all()
    assert after.quiet(**Q1) == ["id1"]


def foreign(silence_id: str = "far", **more: Any) -> Silence:
    made = Silence(
        id=silence_id,
        matchers=parse_matchers('queue="q1"'),
        starts_at=NOW - 100,
        ends_at=NOW + 100,
        created_by="bob",
        comment="",
        updated_at=NOW - 100,
    )
    return replace(made, **more)


def test_the_peers_newer_word_counts() -> None:
    bench = Bench()
    old, new = foreign(), foreign(ends_at=NOW - 1, updated_at=NOW - 1)
    assert [bench.silences.merge([each]) for each in (old, old, new, old)] == [1, 0, 1, 0]
    assert bench.silences.get("far") == new
    assert bench.store.kept == {"far": new}


def test_the_order_of_merging_does_not_matter() -> None:
    versions = [foreign(comment=str(n), updated_at=NOW + n) for n in range(3)]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        bench = Bench()
        for each in order:
            bench.silences.merge([versions[each]])
        assert bench.silences.get("far") == versions[2]


def test_a_change_here_is_newer_than_the_peers_though_its_clock_is_ahead() -> None:
    bench = Bench()
    ahead = foreign(updated_at=NOW + 500)
    bench.silences.merge([ahead])
    ended = bench.silences.expire("far")
    assert ended.updated_at > ahead.updated_at
    assert bench.silences.merge([ahead]) == 0


def test_what_was_forgotten_does_not_come_back_from_the_peer() -> None:
    bench = Bench(retention=50)
    bench.silences.merge([foreign()])
    bench.clock.at = NOW + 150
    assert bench.silences.prune() == 0
    bench.clock.at = NOW + 151
    assert bench.silences.prune() == 1
    assert bench.silences.merge([foreign()]) == 0
    assert (bench.states(), bench.store.kept) == ({}, {})


def test_after_forgetting_others_still_quieten() -> None:
    bench = Bench(retention=50)
    bench.silences.set(draft(end=NOW + 10))
    bench.silences.set(draft(end=NOW + 9000))
    assert bench.quiet(**Q1) == ["id1", "id2"]
    bench.clock.at = NOW + 100
    bench.silences.prune()
    assert bench.quiet(**Q1) == ["id2"]


def test_a_peer_that_errs_about_matchers_is_believed_for_the_new_ones() -> None:
    bench = Bench()
    bench.silences.merge([foreign()])
    assert bench.quiet(**Q1) == ["far"]
    bench.silences.merge([foreign(matchers=parse_matchers('queue=~"q[2-9]"'), updated_at=NOW)])
    assert bench.quiet(**Q1) == []
    assert bench.quiet(queue="q2") == ["far"]


def test_silences_that_come_later_count_for_alerts_that_were_seen() -> None:
    bench = Bench()
    for number in range(1, 6):
        bench.silences.set(draft('queue=~"q.",vhost!~"v.*"' if number % 2 else 'queue="q1"'))
        assert bench.quiet(**Q1) == [f"id{n}" for n in range(1, number + 1)]


def test_the_index_finds_what_asking_each_finds() -> None:
    bench = Bench()
    values, operators = ["", "a", "ab", "b"], list(Operator)
    for name in ("x", "y"):
        for value in values:
            for operator in operators:
                conditions = (Matcher(name, operator, value), Matcher("z", operators[len(value)], "a.*"))
                if any(not each.matches({}) for each in conditions):
                    bench.silences.set(draft(matchers=conditions))
    every = bench.silences.all()
    assert len(every) > 15
    for x in values:
        for y in values:
            for z in (*values, "a\nb"):
                labels = {"x": x, "y": y, "z": z}
                assert bench.quiet(**labels) == sorted(each.id for each in every if match_all(each.matchers, labels))


def test_five_thousand_alerts_and_a_hundred_silences_are_cheap() -> None:
    bench = Bench()
    for number in range(100):
        bench.silences.set(draft(f'queue=~"q{number}.*x"' if number % 2 else f'queue="q{number}",vhost="/"'))
    alerts = [{"alertname": "QueueDeep", "queue": f"q{n}", "vhost": "/", "cluster": "lab"} for n in range(5000)]
    took = []
    for _ in range(2):
        began = time.process_time()
        assert sum(bool(bench.silences.silencing(labels, NOW)) for labels in alerts) == 50
        took.append(time.process_time() - began)
    assert took[0] < 5.0
    assert took[1] < took[0]


def test_threads_change_and_ask_at_the_same_time() -> None:
    silences = Silences(Store(), limits=SilenceLimits(count=1_000))
    end = time.time() + 3600
    wrong: list[BaseException] = []

    def change() -> None:
        try:
            for _ in range(100):
                silences.expire(silences.set(draft(start=0, end=end)).id)
        except BaseException as error:  # noqa: BLE001 - told by the test
            wrong.append(error)

    def ask() -> None:
        try:
            for number in range(1000):
                silences.silencing({"queue": "q1", "n": str(number % 7)}, time.time())
        except BaseException as error:  # noqa: BLE001 - told by the test
            wrong.append(error)

    threads = [threading.Thread(target=each) for each in (change, change, ask, ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    time.sleep(0.002)  # an end is a whole millisecond, and may be the next one
    assert silences.counts()[SilenceState.EXPIRED] == 200
    assert silences.silencing({"queue": "q1"}, time.time()) == []


def test_a_record_reads_back_and_knows_a_wrong_one() -> None:
    matchers: Matchers = (Matcher("a b", Operator.NOT_MATCHES, 'x"\n🐇.*'), Matcher("c", Operator.EQUAL, ""))
    silence = foreign(matchers=matchers, annotations={"ticket": "7"}, starts_at=0.001)
    assert Silence.of_record(silence.record() | {"of a later version": 1}) == silence
    for wrong in (
        {},
        {"id": 5},
        {"matchers": [["a", "?", "b"]]},
        {"matchers": [["a", "=~", "("]]},
        {"matchers": 5},
        {"ends_at": 3e11},
    ):
        record = silence.record() | wrong if wrong else {}
        with pytest.raises(ValueError, match=r"."):
            Silence.of_record(record)
