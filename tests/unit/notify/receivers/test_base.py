"""An integration: tries, pauses, the rate limit, what becomes of notices of one group, and reasons without secrets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs
from tests.support.lanes import Clock, no_thread
from tests.support.notices import alert, notice

from rabbitwatch.errors import DeliveryError
from rabbitwatch.model.notice import Notice
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.base import Ending, Integration, Outcome

FAILS = DeliveryError("the server is ill")
BUSY = DeliveryError("busy", retry_after=30)
WRONG = DeliveryError("unknown channel", permanent=True)


@dataclass
class Script:
    """A sender that does what it is told, and then always arrives."""

    plays: list[DeliveryError | Exception | Callable[[], None]] = field(default_factory=list)
    sent: list[tuple[Notice, Memory, str]] = field(default_factory=list)
    closed: bool = False

    def send(self, notice: Notice, memory: Memory, attempt: str) -> Memory:
        self.sent.append((notice, memory, attempt))
        play = self.plays.pop(0) if self.plays else None
        if isinstance(play, Exception):
            raise play
        if play is not None:
            play()
        return {"ts": str(len(self.sent))}

    def close(self) -> None:
        self.closed = True

    @property
    def groups(self) -> list[str]:
        return [notice.group_labels["cluster"] for notice, _, _ in self.sent]


class Counted:
    def __init__(self) -> None:
        self.tries: list[DeliveryError | None] = []
        self.endings: list[Ending] = []

    def tried(self, integration: str, seconds: float, failure: DeliveryError | None) -> None:
        self.tries.append(failure)

    def ended(self, integration: str, outcome: Outcome) -> None:
        self.endings.append(outcome.ending)


class Lane:
    """An integration that the test moves by hand. chance 1: every pause at its longest."""

    def __init__(self, *plays: DeliveryError | Exception | Callable[[], None], per_minute: int = 60) -> None:
        self.clock = Clock()
        self.sender = Script(list(plays))
        self.tally = Counted()
        self.outcomes: dict[str, list[Outcome]] = {}
        self.integration = Integration(
            "team/test[0]",
            self.sender,
            max_per_minute=per_minute,
            secrets=["hush-hush"],
            tally=self.tally,
            now=self.clock,
            chance=lambda: 1.0,
            spawn=no_thread,
        )

    def submit(self, attempt: str, told: Notice | None = None, memory: Memory | None = None) -> None:
        self.outcomes[attempt] = []
        told = notice() if told is None else told
        self.integration.submit(told, memory=memory or {}, attempt=attempt, done=self.outcomes[attempt].append)

    def settle(self) -> float | None:
        """Move until something must be waited for; how long."""
        while (wait := self.integration.step()) == 0:
            pass
        return wait

    def ending(self, attempt: str) -> Ending | None:
        assert len(self.outcomes[attempt]) <= 1, "done was called twice"
        return self.outcomes[attempt][0].ending if self.outcomes[attempt] else None


def test_a_notice_arrives_and_what_is_to_be_remembered_comes_back() -> None:
    lane = Lane()
    lane.submit("a", memory={"ts": "0"})
    assert lane.settle() is None
    assert [(memory, attempt) for _, memory, attempt in lane.sender.sent] == [({"ts": "0"}, "a")]
    assert lane.outcomes["a"] == [Outcome(ending=Ending.SENT, tries=1, memory={"ts": "1"})]
    assert lane.tally.tries == [None]
    assert lane.tally.endings == [Ending.SENT]
    assert lane.integration.waiting == 0


def test_failures_are_tried_again_after_longer_and_longer_pauses_with_the_same_id() -> None:
    lane = Lane(*[FAILS] * 9)
    lane.submit("a")
    pauses = []
    while (wait := lane.settle()) is not None:
        pauses.append(wait)
        lane.clock.at += wait
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert {attempt for _, _, attempt in lane.sender.sent} == {"a"}
    assert lane.outcomes["a"] == [Outcome(ending=Ending.SENT, tries=10, memory={"ts": "10"}, why="the server is ill")]


def test_nothing_is_tried_before_the_pause_is_over() -> None:
    lane = Lane(FAILS)
    lane.submit("a")
    lane.settle()
    lane.clock.at += 0.9
    assert lane.settle() == pytest.approx(0.1)
    assert len(lane.sender.sent) == 1


def test_chance_spreads_pauses_over_the_upper_half() -> None:
    lane = Lane(FAILS)
    lane.integration._chance = lambda: 0.0
    lane.submit("a")
    assert lane.settle() == 0.5


def test_a_failure_for_good_is_not_tried_again() -> None:
    lane = Lane(WRONG)
    lane.submit("a")
    assert lane.settle() is None
    assert lane.outcomes["a"] == [Outcome(ending=Ending.FAILED, tries=1, why="unknown channel")]


def test_retry_after_holds_all_groups_for_as_long_as_was_asked() -> None:
    lane = Lane(BUSY)
    lane.submit("a", notice(group="one"))
    lane.settle()
    lane.submit("b", notice(group="two"))
    assert lane.settle() == 30
    lane.clock.at += 29.9
    assert lane.settle() == pytest.approx(0.1)
    lane.clock.at += 0.1
    assert lane.settle() is None
    assert (lane.ending("a"), lane.ending("b")) == (Ending.SENT, Ending.SENT)


def test_an_absurd_retry_after_is_believed_for_an_hour_only() -> None:
    lane = Lane(DeliveryError("busy", retry_after=1e9))
    lane.submit("a")
    assert lane.settle() == 3600


def test_a_notice_that_fails_steps_aside_for_other_groups() -> None:
    lane = Lane(FAILS)
    lane.submit("a", notice(group="one"))
    lane.submit("b", notice(group="two"))
    assert lane.settle() == 1
    assert lane.ending("a") is None
    assert lane.ending("b") is Ending.SENT
    lane.clock.at += 1
    lane.submit("c", notice(group="three"))
    lane.settle()
    assert lane.sender.groups == ["one", "two", "one", "three"]


def test_no_more_tries_in_any_minute_than_allowed() -> None:
    lane = Lane(per_minute=3)
    for number in range(7):
        lane.submit(str(number), notice(group=str(number)))
    times = []
    while (wait := lane.settle()) is not None:
        times += [lane.clock.at] * (len(lane.sender.sent) - len(times))
        lane.clock.at += wait
    times += [lane.clock.at] * (len(lane.sender.sent) - len(times))
    assert [at - times[0] for at in times] == [0, 0, 0, 60, 60, 60, 120]
    assert lane.sender.groups == list("0123456")


def test_failed_tries_count_for_the_rate_limit_too() -> None:
    lane = Lane(FAILS, per_minute=1)
    lane.submit("a")
    assert lane.settle() == 60


def test_a_newer_notice_replaces_the_one_that_waits_and_inherits_its_pause() -> None:
    lane = Lane(FAILS)
    lane.submit("a")
    lane.settle()
    lane.submit("b", notice(alert(), alert("Other")))
    assert lane.settle() == 1
    assert lane.outcomes["a"] == [Outcome(ending=Ending.REPLACED, tries=1, why="the server is ill")]
    lane.clock.at += 1
    lane.settle()
    assert lane.ending("b") is Ending.SENT
    assert [attempt for _, _, attempt in lane.sender.sent] == ["a", "b"]


def test_a_newer_notice_keeps_the_turn_of_the_one_it_replaces() -> None:
    lane = Lane(per_minute=1)
    lane.submit("first", notice(group="zero"))
    lane.settle()
    lane.submit("a", notice(group="one"))
    lane.clock.at += 1
    lane.submit("b", notice(group="two"))
    lane.clock.at += 1
    lane.submit("c", notice(alert("Newer"), group="one"))
    while (wait := lane.settle()) is not None:
        lane.clock.at += wait
    assert lane.sender.groups == ["zero", "one", "two"]


def test_a_notice_that_comes_during_a_try_goes_on_with_what_that_returned() -> None:
    lane = Lane()
    lane.sender.plays = [lambda: lane.submit("b", notice(alert(), alert("Other")))]
    lane.submit("a")
    lane.settle()
    assert (lane.ending("a"), lane.ending("b")) == (Ending.SENT, Ending.SENT)
    assert [memory for _, memory, _ in lane.sender.sent] == [{}, {"ts": "1"}]


def test_a_notice_that_tells_what_has_just_arrived_is_not_sent() -> None:
    lane = Lane()
    lane.sender.plays = [lambda: lane.submit("b")]
    lane.submit("a")
    lane.settle()
    assert (lane.ending("a"), lane.ending("b")) == (Ending.SENT, Ending.REPLACED)
    assert len(lane.sender.sent) == 1


def test_a_notice_that_comes_during_a_try_that_fails_takes_its_place() -> None:
    lane = Lane()

    def fail() -> None:
        lane.submit("b")
        raise FAILS

    lane.sender.plays = [fail]
    lane.submit("a")
    assert lane.settle() == 1
    assert lane.ending("a") is Ending.REPLACED
    assert lane.ending("b") is None
    lane.clock.at += 1
    lane.settle()
    assert lane.ending("b") is Ending.SENT


def test_what_waits_can_be_withdrawn() -> None:
    lane = Lane(FAILS)
    lane.submit("a")
    lane.settle()
    lane.integration.withdraw(notice().group_key)
    assert lane.settle() is None
    assert lane.ending("a") is Ending.WITHDRAWN
    assert len(lane.sender.sent) == 1


@pytest.mark.parametrize(("play", "ending"), [(None, Ending.SENT), (FAILS, Ending.WITHDRAWN)])
def test_what_is_under_way_when_it_is_withdrawn_may_arrive_and_is_not_tried_again(
    play: DeliveryError | None, ending: Ending
) -> None:
    lane = Lane()

    def withdraw() -> None:
        lane.integration.withdraw(notice().group_key)
        if play:
            raise play

    lane.sender.plays = [withdraw]
    lane.submit("a")
    assert lane.settle() is None
    assert lane.ending("a") is ending


def test_to_withdraw_what_does_not_wait_is_nothing() -> None:
    lane = Lane()
    lane.integration.withdraw("nobody")
    assert lane.settle() is None


def test_a_bug_in_a_sender_is_a_failure_that_is_tried_again_and_named_without_secrets() -> None:
    lane = Lane(KeyError("token hush-hush"))
    lane.submit("a")
    assert lane.settle() == 1
    lane.clock.at += 1
    lane.settle()
    [outcome] = lane.outcomes["a"]
    assert (outcome.ending, outcome.tries) == (Ending.SENT, 2)
    assert outcome.why == "a bug in rabbitwatch: KeyError: 'token <secret>'"
    assert str(lane.tally.tries[0]) == outcome.why


def test_no_reason_holds_a_secret_or_more_than_a_line() -> None:
    lane = Lane(DeliveryError("POST /hush-hush\r\nfailed " + "x" * 1000, permanent=True))
    lane.submit("a")
    lane.settle()
    why = lane.outcomes["a"][0].why
    assert why.startswith(r"POST /<secret>\r\nfailed xxx")
    assert len(why) == 400
    assert str(lane.tally.tries[0]) == why


def test_a_done_that_fails_does_not_stop_the_lane() -> None:
    lane = Lane()

    def bad(_: Outcome) -> None:
        raise OSError("the disk is full")

    lane.integration.submit(notice(group="one"), memory={}, attempt="x", done=bad)
    lane.submit("a", notice(group="two"))
    lane.settle()
    assert lane.ending("a") is Ending.SENT


def test_close_ends_what_waits_and_what_comes_later() -> None:
    lane = Lane(FAILS)
    lane.submit("a")
    lane.submit("b", notice(group="two"))
    lane.integration.step()
    lane.integration.close()
    lane.submit("c", notice(group="three"))
    assert [lane.outcomes[attempt][0].ending for attempt in "abc"] == [Ending.STOPPED] * 3
    assert [lane.outcomes[attempt][0].tries for attempt in "abc"] == [1, 0, 0]
    assert lane.sender.closed


def test_once_tries_once_past_the_queue_and_the_limit() -> None:
    lane = Lane(FAILS, per_minute=1)
    assert lane.integration.once(notice()).why == "the server is ill"
    assert lane.integration.once(notice()).ending is Ending.SENT


@pytest.fixture
def running() -> Iterator[Callable[[Script], Integration]]:
    made: list[Integration] = []

    def make(sender: Script) -> Integration:
        made.append(Integration("team/test[0]", sender, chance=lambda: 0.0))
        return made[-1]

    yield make
    for integration in made:
        integration.close()


def test_its_own_thread_does_all_that(running: Callable[[Script], Integration]) -> None:
    sender = Script([FAILS])
    integration = running(sender)
    ended, outcomes = threading.Event(), []
    integration.submit(notice(), memory={}, attempt="a", done=lambda o: (outcomes.append(o), ended.set()))
    assert ended.wait(20)
    assert [(o.ending, o.tries) for o in outcomes] == [(Ending.SENT, 2)]


def test_one_that_hangs_delays_no_other(running: Callable[[Script], Integration]) -> None:
    hanging = threading.Event()
    ended = threading.Event()
    dead, alive = running(Script([lambda: assert_waits(hanging)])), running(Script())
    dead.submit(notice(), memory={}, attempt="a", done=lambda _: None)
    alive.submit(notice(), memory={}, attempt="b", done=lambda _: ended.set())
    assert ended.wait(20)
    assert dead.waiting == 1
    hanging.set()


def assert_waits(event: threading.Event) -> None:
    assert event.wait(60)


def test_a_trouble_is_logged_when_it_begins_and_when_it_is_over() -> None:
    lane = Lane(DeliveryError("hush-hush is ill"), FAILS, FAILS)
    lane.submit("a")
    with capture_logs() as logs:
        while (wait := lane.settle()) is not None:
            lane.clock.at += wait
        lane.submit("b")
        lane.settle()
    assert logs == [
        {
            "event": "a notice did not arrive",
            "integration": "team/test[0]",
            "why": "<secret> is ill",
            "log_level": "error",
        },
        {"event": "a notice arrived again", "integration": "team/test[0]", "log_level": "info"},
    ]


class Talker(Script):
    """A sender with threads."""

    def __init__(self, plays: list[DeliveryError | Exception | Callable[[], None]]) -> None:
        super().__init__(plays)
        self.said: list[tuple[str, Memory]] = []
        self.mute: list[Exception] = []

    def comment(self, memory: Memory, text: str) -> None:
        if self.mute:
            raise self.mute.pop(0)
        self.said.append((text, memory))


class TalkingLane(Lane):
    """A lane whose sender has threads."""

    def __init__(self, *plays: DeliveryError | Exception | Callable[[], None], per_minute: int = 60) -> None:
        super().__init__(*plays, per_minute=per_minute)
        self.talker = Talker(list(plays))
        self.integration = Integration(
            "team/test[0]",
            self.talker,
            max_per_minute=per_minute,
            secrets=["hush-hush"],
            tally=self.tally,
            now=self.clock,
            chance=lambda: 1.0,
            spawn=no_thread,
        )

    def comment(self, text: str, group: str = "g", memory: Memory | None = None) -> None:
        self.integration.comment(group, text, lambda: {"ts": "1"} if memory is None else memory)

    @property
    def said(self) -> list[str]:
        return [text for text, _ in self.talker.said]


def test_comments_of_a_group_are_spaced_and_the_newest_wins() -> None:
    lane = TalkingLane()
    for text in ("10 %", "20 %"):
        lane.comment(text)
    assert lane.settle() is None
    assert lane.talker.said == [("20 %", {"ts": "1"})]
    lane.clock.at += 3
    for text in ("30 %", "40 %"):
        lane.comment(text)
    lane.comment("elsewhere", "other")
    assert lane.settle() == pytest.approx(7.0)
    assert lane.said == ["20 %", "elsewhere"]
    lane.clock.at += 7
    assert lane.settle() is None
    assert lane.said == ["20 %", "elsewhere", "40 %"]


def test_a_notice_goes_before_a_comment() -> None:
    lane = TalkingLane(per_minute=1)
    lane.comment("10 %")
    lane.submit("a")
    assert lane.settle() == pytest.approx(60.0)
    assert lane.ending("a") is Ending.SENT
    assert lane.said == []
    lane.clock.at += 60
    assert lane.settle() is None
    assert lane.said == ["10 %"]


def test_a_comment_that_does_not_arrive_is_not_tried_again_and_counts_nowhere() -> None:
    lane = TalkingLane()
    lane.talker.mute = [DeliveryError("no hush-hush"), RuntimeError("hush-hush")]
    with capture_logs() as logs:
        for group in ("g", "h"):
            lane.comment("10 %", group)
        assert lane.settle() is None
    assert lane.said == []
    assert lane.tally.tries == []
    assert [line["why"] for line in logs if "comment" in line["event"]] == [
        "no <secret>",
        "a bug in rabbitwatch: RuntimeError: <secret>",
    ]
    assert "hush" not in repr(logs)


def test_a_comment_obeys_a_retry_after_and_brings_one() -> None:
    lane = TalkingLane()
    lane.talker.mute = [BUSY]
    lane.comment("10 %")
    assert lane.settle() is None
    lane.submit("a")
    assert lane.settle() == pytest.approx(30.0)
    lane.comment("20 %", "h")
    assert lane.said == []
    lane.clock.at += 30
    lane.settle()
    assert lane.ending("a") is Ending.SENT
    assert lane.said == ["20 %"]


def test_without_a_thread_nothing_is_said() -> None:
    lane = TalkingLane()
    lane.comment("10 %", memory={})
    assert lane.settle() is None
    assert lane.said == []
    without = Lane()
    without.integration.comment("g", "10 %", lambda: {"ts": "1"})
    assert without.settle() is None


def test_after_the_end_nothing_is_said() -> None:
    lane = TalkingLane()
    lane.comment("10 %")
    lane.integration.close()
    lane.comment("20 %")
    assert lane.settle() is None
    assert lane.said == []
