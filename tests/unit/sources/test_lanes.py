from __future__ import annotations

import threading
import time

from rabbitwatch.clients.payload import Payload
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.model.observation import Heard, Missed
from rabbitwatch.sources.lanes import Lanes, Ticket

NOW = 1_795_200_000.0


def finish(lanes: Lanes, ticket: Ticket[int]) -> Heard[int] | Missed:
    deadline = time.monotonic() + 10.0
    while not ticket.answered and time.monotonic() < deadline:
        lanes.wait(lanes.finished - 1, deadline)
    return ticket.part()


def test_an_answer_carries_when_and_its_flaws() -> None:
    lanes = Lanes(lambda: NOW)
    part = finish(lanes, lanes.ask("a", lambda: Payload(7, ("flaw",)), within=5.0, name="a"))
    assert isinstance(part, Heard)
    assert (part.value, part.at, part.flaws) == (7, NOW, ("flaw",))


def test_a_failure_keeps_its_kind_and_a_fault_of_our_own_becomes_an_error() -> None:
    lanes = Lanes(lambda: NOW)

    def refuse() -> Payload[int]:
        raise CallError(CallFailure.REFUSED, "closed")

    def fault() -> Payload[int]:
        raise KeyError("line\nbreak")

    refused = finish(lanes, lanes.ask("a", refuse, within=5.0, name="a"))
    broken = finish(lanes, lanes.ask("b", fault, within=5.0, name="b"))
    assert isinstance(refused, Missed)
    assert isinstance(broken, Missed)
    assert (refused.failure, refused.reason) == (CallFailure.REFUSED, "closed")
    assert broken.failure is CallFailure.ERROR
    assert "KeyError" in broken.reason
    assert "\n" not in broken.reason


def test_a_busy_lane_takes_no_second_call_and_says_since_when() -> None:
    lanes = Lanes(lambda: NOW)
    release = threading.Event()

    def slow() -> Payload[int]:
        release.wait(20.0)
        return Payload(1)

    first = lanes.ask("a", slow, within=0.01, name="a")
    second = lanes.ask("a", lambda: Payload(2), within=5.0, name="a")
    other = lanes.ask("b", lambda: Payload(3), within=5.0, name="b")
    busy = second.part()
    assert isinstance(busy, Missed)
    assert busy.failure is CallFailure.TIMEOUT
    since = time.strftime("%H:%M:%S", time.localtime(NOW))
    assert busy.reason == f"still waiting for the answer to the call of {since}"
    assert finish(lanes, other) == Heard(3, NOW, other.part().took)
    late = first.part()
    assert isinstance(late, Missed)
    assert late.reason == "no answer within 0.01 s"
    release.set()
    finish(lanes, first)
    assert isinstance(finish(lanes, lanes.ask("a", lambda: Payload(4), within=5.0, name="a")), Heard)


def test_close_wakes_whoever_waits_and_sends_nothing_more() -> None:
    lanes = Lanes(lambda: NOW)
    waiting = threading.Thread(target=lambda: lanes.wait(0, time.monotonic() + 60.0))
    waiting.start()
    lanes.close()
    waiting.join(10.0)
    assert not waiting.is_alive()
    assert isinstance(lanes.ask("a", lambda: Payload(1), within=5.0, name="a").part(), Missed)
