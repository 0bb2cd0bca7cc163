"""The line of one cluster: from firing alerts to what a broker is asked, and to what stands in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.actions import DRIFT, Clock, Stage, actions, binding, firing, person, stage
from tests.support.audits import bench
from tests.support.seen import CLUSTER, DECLARED, as_broker

from rabbitwatch.actions.act import Order
from rabbitwatch.actions.binding import Bound, bound
from rabbitwatch.actions.guards.table import GUARDS
from rabbitwatch.actions.ports import Entry
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.errors import StorageError
from rabbitwatch.model.action import Deed, Outcome, Reply, Target

AUTO = actions(binding("auto"))
APPROVE = actions(binding("approve"))
DRY = actions(binding("dry_run"))
LAGS = firing(queue="q", vhost="/")
GUARD_NAMES = {guard.__name__ for guard in GUARDS}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def at(tmp_path: Path, clock: Clock) -> Iterator[Any]:
    """Makes stages on one folder."""
    with bench(tmp_path, clock) as made:

        def make(config: ActionsConfig, **more: Any) -> Stage:
            found = stage(made, config, clock, **more)
            found.broker.lag("q")
            return found

        yield make


def led(config: ActionsConfig, *alerts: Any) -> list[Bound]:
    return bound(alerts or [LAGS], config.bindings, {CLUSTER}, "rule")[0]


def entry(on: Stage, event: str) -> Entry:
    return next(each for each in on.bench.store.entries() if each.event == event)


# -- auto


def test_what_the_other_agent_of_a_pair_has_done_counts_too(at: Any, clock: Clock) -> None:
    key = (CLUSTER, "sync_queue", "/", False, "q")
    theirs = [Deed(id=f"d{n}", key=key, at=clock.at - 600 - n, outcome=Outcome.TIMED_OUT) for n in range(3)]
    on = at(AUTO, elsewhere=lambda since: [each for each in theirs if each.at >= since])
    on.line.walk(led(AUTO))
    (refused,) = (each for each in on.bench.store.entries() if each.event == "refused")
    assert [answer.guard for answer in refused.answers if answer.refused] == ["fight", "cooldown", "budget"]
    assert on.broker.sent == []


def test_a_step_that_the_other_agent_follows_is_waited_for(at: Any, clock: Clock) -> None:
    theirs = Deed(id="d", key=(CLUSTER, "sync_queue", "/", False, "else"), at=clock.at - 9, outcome=Outcome.REQUESTED)
    on = at(AUTO, elsewhere=lambda since: [theirs])
    on.line.walk(led(AUTO))
    assert [answer.guard for answer in entry(on, "refused").answers if answer.refused] == ["one_step"]


def test_an_agent_that_is_its_own_peer_counts_nothing_twice(at: Any, clock: Clock) -> None:
    config = actions(binding("auto", cooldown="1s", max_per_hour=2))
    on = at(config)
    on.use(elsewhere=on.bench.store.deeds)
    for _ in range(2):
        on.broker.lag("q")
        clock.pass_(60)
        assert on.line.walk(led(config)) is True
    assert len(on.scene.past()) == 2


def test_a_lagging_mirror_is_synchronised_and_all_of_it_is_on_record(at: Any) -> None:
    on = at(AUTO)
    assert on.line.walk(led(AUTO)) is True
    assert on.broker.sent == [("sync", "q")]
    assert [event for event in on.events if event != "progress"] == ["planned", "requested", "replied", "ended"]
    asked, ended = entry(on, "requested"), entry(on, "ended")
    assert {answer.guard for answer in asked.answers} == GUARD_NAMES
    assert asked.before
    assert asked.before["synchronised"] == ["rabbit@b"]
    assert entry(on, "replied").reply == Reply(status=204)
    assert (ended.outcome, ended.after and ended.after["synchronised"]) == (Outcome.DONE, ["rabbit@b", "rabbit@c"])
    assert {each.deed for each in (asked, entry(on, "replied"), ended)} == {asked.deed}
    assert on.loud[-1].startswith("Done after ")
    assert "synchronise queue 'q'" in on.loud[-1]


def test_what_was_done_is_looked_at_anew_and_then_left_alone(at: Any) -> None:
    on = at(AUTO)
    assert on.line.walk(led(AUTO)) is True
    before = len(on.broker.sent)
    assert on.line.walk(led(AUTO)) is False
    assert len(on.broker.sent) == before


def test_one_step_at_a_time_and_never_more_than_the_budget(at: Any) -> None:
    on = at(AUTO)
    on.broker.lag("a", "b", "c", "d")
    alerts = [firing(queue=name, vhost="/") for name in "abcd"]
    walks = [on.line.walk(led(AUTO, *alerts)) for _ in range(6)]
    assert walks[:4] == [True, True, True, False]
    assert len(on.broker.sent) == 3
    assert {a.guard for a in entry(on, "refused").answers if a.refused} == {"budget"}


def test_a_refusal_is_recorded_once_and_again_when_it_is_another(at: Any, clock: Clock) -> None:
    on = at(AUTO)
    on.broker.nodes = {"rabbit@a": {"mem_alarm": True}}
    for _ in range(4):
        assert on.line.walk(led(AUTO)) is False
        clock.pass_(60)
    assert on.events == ["refused"]
    assert "no_alarm" in on.loud[-1]
    assert len(on.loud) == 1
    on.broker.nodes = {"rabbit@a": {"mem_alarm": True}, "rabbit@b": {"disk_free_alarm": True}}
    on.line.walk(led(AUTO))
    assert on.events == ["refused", "refused"]
    assert on.broker.sent == []


def test_a_guard_that_changes_between_plan_and_act_stops_it(at: Any) -> None:
    on = at(AUTO)
    on.broker.seen = lambda: on.broker.nodes.update(
        {"rabbit@b": {"mem_alarm": True}} if len(on.broker.looks) == 2 else {}
    )
    assert on.line.walk(led(AUTO)) is False
    assert on.broker.sent == []
    assert on.events == ["planned", "refused"]
    assert next(a.guard for a in entry(on, "refused").answers if a.refused) == "no_alarm"


def test_what_would_be_done_must_be_what_was_decided(at: Any) -> None:
    config = actions(binding("auto", "apply_policy", DRIFT))
    on = at(config)
    on.broker.policies = []
    on.broker.seen = lambda: on.broker.policies.extend([as_broker(DECLARED)] if len(on.broker.looks) == 2 else [])
    assert on.line.walk(led(config, firing(DRIFT, policy="ha", vhost="/"))) is False
    assert on.broker.sent == []
    refused = entry(on, "refused")
    assert refused.step is None
    assert "as declared" in refused.text


def test_another_digest_at_acting_is_refused(at: Any) -> None:
    on = at(AUTO)
    order = Order(deed="d1", digest="0" * 16, action="sync_queue", target=Target(CLUSTER), cause=person(), binding=None)
    assert on.line.take(order) is Outcome.REFUSED
    assert entry(on, "refused").text == "Nothing was done: what was to be done is not what would be done now"
    assert (entry(on, "refused").deed, on.broker.sent) == ("d1", [])


# -- the lease


def test_without_the_lease_nothing_is_done_and_nobody_is_bothered(at: Any) -> None:
    on = at(AUTO)
    on.lease.answers = ["agent b holds it"]
    assert on.line.walk(led(AUTO)) is False
    assert (on.broker.sent, on.loud, on.events) == ([], [], ["refused"])
    assert [a.refused for a in entry(on, "refused").answers if a.refused] == ["agent b holds it"]


def test_a_lease_lost_between_decision_and_act_stops_it(at: Any) -> None:
    on = at(AUTO)
    on.lease.answers = ["", "agent b took over"]
    assert on.line.walk(led(AUTO)) is False
    assert (on.broker.sent, on.events) == ([], ["planned", "refused"])


def test_a_lease_lost_while_the_request_was_recorded_stops_it(at: Any) -> None:
    on = at(AUTO)
    on.lease.answers = ["", "", "agent b took over"]
    assert on.line.walk(led(AUTO)) is True
    assert on.broker.sent == []
    ended = entry(on, "ended")
    assert (ended.outcome, ended.text) == (Outcome.FAILED, "nothing was sent: lease: agent b took over")


def slow(on: Stage, monkeypatch: pytest.MonkeyPatch, meanwhile: Any) -> None:
    """Something happens while the request is being recorded."""
    record = on.bench.store.append

    def append(wanted: Entry) -> None:
        record(wanted)
        if wanted.event == "requested":
            meanwhile()

    monkeypatch.setattr(on.bench.store, "append", append)


def test_a_look_that_has_grown_old_while_the_request_was_recorded_is_not_acted_on(
    at: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = at(AUTO)
    slow(on, monkeypatch, lambda: clock.pass_(3600))
    assert on.line.walk(led(AUTO)) is True
    assert on.broker.sent == []
    assert (
        entry(on, "ended").text == "nothing was sent: fresh: the observation is 3600 s old, and at most 30s is allowed"
    )


def test_a_pause_while_the_request_was_recorded_stops_it(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[str] = []
    on = at(AUTO, paused=lambda: "".join(paused))
    slow(on, monkeypatch, lambda: paused.append("paused by ann"))
    assert on.line.walk(led(AUTO)) is True
    assert on.broker.sent == []
    assert entry(on, "ended").text == "nothing was sent: not_paused: paused by ann"


def test_without_credentials_nothing_can_act(at: Any) -> None:
    on = at(AUTO, make_hand=None)
    assert on.line.walk(led(AUTO)) is False
    assert "nobody to act as" in next(a.refused for a in entry(on, "refused").answers if a.guard == "lease")


# -- what a broker may answer


def test_a_refusal_of_the_broker_ends_the_step(at: Any) -> None:
    on = at(AUTO)
    on.broker.reply = Reply(status=401, reason="check the password")
    on.line.walk(led(AUTO))
    assert on.events == ["planned", "requested", "replied", "ended"]
    assert entry(on, "ended").outcome is Outcome.FAILED
    assert on.loud[-1] == (
        "Failed: synchronise queue 'q' of vhost '/', 100 messages, with rabbit@c; it is blocked meanwhile; check the "
        "password"
    )


def test_a_request_that_never_left_has_failed(at: Any) -> None:
    on = at(AUTO)
    on.broker.reply = Reply(status=None, unsent=True, reason="refused")
    on.line.walk(led(AUTO))
    assert entry(on, "ended").outcome is Outcome.FAILED


def test_a_lost_reply_is_followed(at: Any) -> None:
    on = at(AUTO)
    on.broker.reply = Reply(status=None, reason="no answer")
    on.broker.seen = lambda: on.broker.rows.clear() if len(on.broker.looks) == 4 else None
    on.line.walk(led(AUTO))
    assert entry(on, "ended").outcome is Outcome.DONE


def test_a_stall_is_told_and_nothing_is_cancelled(at: Any) -> None:
    on = at(AUTO)
    on.broker.sync_looks = None
    on.broker.per_look = 10.0
    on.line.walk(led(AUTO))
    assert entry(on, "ended").outcome is Outcome.STALLED
    assert on.broker.sent == [("sync", "q")]
    assert "no progress" in on.loud[-1]


# -- the audit and a kill


def test_what_cannot_be_recorded_is_not_done(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    on = at(AUTO)

    def fails(*_: Any, **__: Any) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(on.bench.store, "append", fails)
    with pytest.raises(StorageError):
        on.line.walk(led(AUTO))
    assert on.broker.sent == []


def test_a_plan_that_could_not_be_recorded_is_recorded_and_told_later(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    on = at(DRY)

    def fails(*_: Any, **__: Any) -> None:
        raise StorageError("disk full")

    with monkeypatch.context() as full:
        full.setattr(on.bench.store, "append", fails)
        with pytest.raises(StorageError):
            on.line.walk(led(DRY))
    on.line.walk(led(DRY))
    assert "planned" in on.events
    assert len(on.loud) == 1


def test_a_request_that_cannot_be_recorded_is_not_sent(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    on = at(AUTO)
    record = on.bench.store.append

    def fails(wanted: Entry) -> None:
        if wanted.event == "requested":
            raise StorageError("disk full")
        record(wanted)

    monkeypatch.setattr(on.bench.store, "append", fails)
    with pytest.raises(StorageError):
        on.line.walk(led(AUTO))
    assert on.broker.sent == []


def test_an_end_that_cannot_be_recorded_is_found_again_and_nothing_is_sent_twice(
    at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = at(AUTO)
    record = on.bench.store.append

    def fails(wanted: Entry) -> None:
        if wanted.event == "ended":
            raise StorageError("disk full")
        record(wanted)

    monkeypatch.setattr(on.bench.store, "append", fails)
    with pytest.raises(StorageError):
        on.line.walk(led(AUTO))
    monkeypatch.undo()
    assert on.line.walk([]) is False
    assert entry(on, "ended").outcome is Outcome.DONE
    assert on.broker.sent == [("sync", "q")]


class KilledError(BaseException):
    """The end of the process, from where it strikes."""


@pytest.mark.parametrize("when", ["before the request", "after the request", "while it is followed"])
def test_a_killed_agent_follows_what_is_open_and_sends_nothing_again(at: Any, when: str) -> None:
    on = at(AUTO)

    def strike() -> None:
        raise KilledError

    if when == "before the request":
        on.broker.sending = strike
    elif when == "while it is followed":
        on.broker.seen = lambda: strike() if len(on.broker.looks) == 4 else None
    else:
        on.broker.seen = lambda: strike() if len(on.broker.looks) == 3 else None
    with pytest.raises(KilledError):
        on.line.walk(led(AUTO))
    sent = list(on.broker.sent)
    on.broker.sending = on.broker.seen = lambda: None
    if when == "before the request":  # it never left, so its end comes by time alone
        on.broker.per_look = 10.0
    on.bench.again(on.clock)
    on.use(audit=on.bench.audit)
    on.again()
    on.line.walk([])
    assert on.broker.sent == sent
    assert on.events[-1] == "ended"
    assert entry(on, "ended").outcome is (Outcome.STALLED if when == "before the request" else Outcome.DONE)
    assert on.line.opened() == []


def test_a_stop_leaves_the_step_open(at: Any) -> None:
    on = at(AUTO)
    on.broker.seen = lambda: on.stopping.set() if len(on.broker.looks) == 3 else None
    on.line.walk(led(AUTO))
    assert "ended" not in on.events
    on.broker.seen = lambda: None
    on.again()
    on.line.walk([])
    assert on.events[-1] == "ended"
    assert on.broker.sent == [("sync", "q")]


def test_a_stop_before_the_request_sends_nothing(at: Any) -> None:
    on = at(AUTO)
    on.broker.seen = lambda: on.stopping.set() if len(on.broker.looks) == 2 else None
    on.line.walk(led(AUTO))
    assert on.broker.sent == []
    assert entry(on, "refused").text == "Nothing was done: this agent is stopping"


def test_a_look_that_a_stop_has_broken_off_is_not_judged(at: Any) -> None:
    on = at(DRY)
    on.broker.seen = on.stopping.set
    on.line.walk(led(DRY))
    assert (on.events, on.remarks) == ([], [])


# -- dry run


def test_a_dry_run_tells_the_plan_and_why_not_once(at: Any, clock: Clock) -> None:
    on = at(DRY)
    on.broker.nodes = {"rabbit@a": {"mem_alarm": True}}
    for _ in range(3):
        assert on.line.walk(led(DRY)) is False
        clock.pass_(60)
    assert (on.broker.sent, on.events, on.lease.asked) == ([], ["planned"], 0)
    (text,) = on.loud
    assert text.splitlines()[0] == (
        "Dry run, nothing was done: sync_queue would take 1 step, touches 1 queue and 100 messages"
    )
    assert "   refused by no_alarm: memory alarm on rabbit@a" in text
    assert entry(on, "planned").outcome is Outcome.PROPOSED


def test_a_dry_run_without_a_reason_against_it_says_so(at: Any) -> None:
    on = at(DRY)
    on.line.walk(led(DRY))
    assert "   no guard refuses it" in on.loud[0]


def test_nothing_to_do_is_recorded_and_not_shouted(at: Any) -> None:
    on = at(DRY)
    on.broker.rows.clear()
    on.line.walk(led(DRY))
    assert (on.events, on.loud) == (["planned"], [])
    assert on.remarks[0][1].text.startswith("Dry run: sync_queue would do nothing: ")


def test_remarks_have_the_same_id_after_a_restart(at: Any) -> None:
    on = at(DRY)
    on.line.walk(led(DRY))
    on.again()
    on.line.walk(led(DRY))
    first, second = (remark.id for _, remark in on.remarks)
    assert first == second


def test_off_does_nothing(at: Any) -> None:
    assert led(actions(binding("off"), binding("auto"))) == []


def test_many_alerts_share_one_look(at: Any) -> None:
    on = at(DRY)
    on.broker.lag("a", "b", "c")
    on.line.walk(led(DRY, *(firing(queue=name, vhost="/") for name in "abc")))
    assert on.broker.looks == [Target(CLUSTER)]


def test_a_proposal_is_a_text_for_a_person(at: Any) -> None:
    config = actions(binding("dry_run", "propose_recovery"))
    on = at(config)
    on.broker.nodes = {"rabbit@a": {"partitions": ["rabbit@c"]}}
    on.line.walk(led(config, firing()))
    assert on.broker.sent == []
    assert "This is a proposal" in on.loud[0]


# -- approval


def test_a_question_is_asked_once_and_waits(at: Any, clock: Clock) -> None:
    on = at(APPROVE)
    for _ in range(3):
        assert on.line.walk(led(APPROVE)) is False
        clock.pass_(60)
    (approval,) = on.approvals.waiting()
    assert (on.broker.sent, on.events) == ([], ["awaiting"])
    assert {remark.approval for _, remark in on.remarks} == {approval.id}
    assert len({remark.id for _, remark in on.remarks}) == 1
    assert on.loud[0].startswith("Approve? sync_queue would: synchronise queue 'q'")
    assert approval.id not in on.bench.file.read_text()


def test_what_a_guard_refuses_for_good_is_not_asked(at: Any) -> None:
    on = at(APPROVE)
    on.broker.nodes = {"rabbit@a": {"mem_alarm": True}}
    on.line.walk(led(APPROVE))
    assert (list(on.approvals.waiting()), on.events) == ([], ["refused"])


def test_auto_asks_where_only_a_person_may_decide(at: Any) -> None:
    on = at(AUTO)
    on.broker.lag("q", synchronised=[])
    on.line.walk(led(AUTO))
    (approval,) = on.approvals.waiting()
    assert on.broker.sent == []
    assert "needs approval because of last_copy" in on.loud[0]
    order = on.line.granted(approval, "ann")
    assert isinstance(order, Order)
    assert on.line.take(order) is Outcome.DONE
    asked = entry(on, "requested")
    assert (asked.cause.by, asked.cause.alert, on.broker.sent) == ("ann", "RabbitMQMirrorsLag", [("sync", "q")])


def test_guards_are_asked_again_after_an_approval(at: Any) -> None:
    on = at(APPROVE)
    on.line.walk(led(APPROVE))
    order = on.line.granted(on.approvals.waiting()[0], "ann")
    on.broker.nodes = {"rabbit@a": {"disk_free_alarm": True}}
    assert on.line.take(order) is Outcome.REFUSED
    assert on.broker.sent == []
    assert on.loud[-1].startswith("Nothing was done: synchronise queue 'q'")
    assert "no_alarm: disk alarm on rabbit@a" in on.loud[-1]


def test_an_approval_is_worth_nothing_once_no_binding_allows_it(at: Any) -> None:
    on = at(APPROVE)
    on.line.walk(led(APPROVE))
    (approval,) = on.approvals.waiting()
    on.use(config=DRY)
    assert on.line.granted(approval, "ann") == "no binding leads from the alert to this action any more"


def test_a_declined_question_rests_for_the_cooldown(at: Any, clock: Clock) -> None:
    on = at(APPROVE)
    on.line.walk(led(APPROVE))
    on.approvals.answer(on.approvals.waiting()[0].id, granted=False, by="ann", source="slack")
    clock.pass_(1700)
    on.line.walk(led(APPROVE))
    assert list(on.approvals.waiting()) == []
    clock.pass_(200)
    on.line.walk(led(APPROVE))
    assert len(on.approvals.waiting()) == 1


# -- fights, people, alerts


def test_a_fight_is_stopped_after_three_and_counted(at: Any, clock: Clock) -> None:
    config = actions(binding("auto", "apply_policy", DRIFT, cooldown="1m", max_per_hour=10))
    on = at(config)
    drift = led(config, firing(DRIFT, policy="ha", vhost="/"))
    on.broker.rows.clear()
    for _ in range(5):
        on.broker.policies = []
        on.line.walk(drift)
        clock.pass_(120)
    assert on.broker.sent == [("policy", "ha")] * 3
    assert on.line.memory.fights == 1
    assert "find out who or what undoes it" in on.loud[-1]
    on.line.memory.keep([])
    assert on.line.memory.fights == 0


@pytest.mark.parametrize(
    ("more", "guard"),
    [
        ({"silenced": lambda cause, at: True}, "not_silenced"),
        ({"blind": lambda cause: True}, "not_blind"),
        ({"paused": lambda: "paused by ann"}, "not_paused"),
    ],
)
def test_silence_blindness_and_pause_stop_it(at: Any, more: Any, guard: str) -> None:
    on = at(AUTO, **more)
    on.line.walk(led(AUTO))
    assert on.broker.sent == []
    assert [a.guard for a in entry(on, "refused").answers if a.refused] == [guard]


def test_a_window_lifts_the_rate(at: Any) -> None:
    asked: list[Any] = []
    config = actions(binding("auto"), guards={"rate": {"limit": 0.1, "windows": ["night"]}})
    on = at(config, window=lambda names, at: bool(asked.append(names)))
    on.line.walk(led(config))
    assert on.broker.sent == []
    on.use(window=lambda names, at: True)
    on.line.walk(led(config))
    assert on.broker.sent == [("sync", "q")]
    assert asked[0] == ("night",)


def test_a_person_sees_every_answer_and_nothing_is_recorded(at: Any) -> None:
    on = at(AUTO)
    on.broker.lag("q", synchronised=[])
    found = on.line.consider("resync", Target(CLUSTER), person())
    (step,) = found.plan.steps
    assert [a.guard for a in found.refusals(step)] == ["last_copy"]
    assert found.approvable(step)
    assert on.events == []
    lifted = on.line.consider("resync", Target(CLUSTER), person(), [step.digest])
    assert lifted.refusals(step) == []


def test_the_worst_of_the_steps_is_named_when_several_are_refused(at: Any) -> None:
    on = at(DRY)
    on.broker.lag(*(f"q{i}" for i in range(9)))
    on.line.walk(led(DRY, firing()))
    assert "and 5 more steps" in on.loud[0]
    assert len(on.events) == 10
