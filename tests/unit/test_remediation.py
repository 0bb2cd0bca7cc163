"""Repairs as a part of the program: alerts in, requests out, people, reload, restart."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.actions import (
    CREDENTIALS,
    DRIFT,
    LAG,
    QUICK,
    Clock,
    FakeLease,
    ModelBroker,
    binding,
    firing,
    makers,
    person,
    resolved,
)
from tests.support.fakebroker import FakeBroker
from tests.support.looks import state_of
from tests.support.peers import says
from tests.support.seen import CLUSTER
from tests.support.waiting import until

from rabbitwatch.actions.act import Order
from rabbitwatch.actions.approvals import deed_of
from rabbitwatch.actions.peer import PATH
from rabbitwatch.actions.ports import Pause
from rabbitwatch.alerting.alert import Alert, AlertState
from rabbitwatch.alerting.evaluate.status import Cycle, Raised
from rabbitwatch.cli.rules import known_families
from rabbitwatch.config.change import apply
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import Config
from rabbitwatch.errors import ActionError, ConfigError
from rabbitwatch.evaluation import rules_of
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.action import Target
from rabbitwatch.notify.remarks import RemarkBoard
from rabbitwatch.promql.labels import LabelSet
from rabbitwatch.remediation import Remediation
from rabbitwatch.storage.database import Database

ONE = Target(CLUSTER, vhost="/", queue="q")


def loaded(folder: Path, *bindings: Any, name: str | None = CLUSTER, **more: Any) -> Loaded:
    sections: dict[str, Any] = {
        "storage": {"path": folder},
        "clusters": [{"name": name, "nodes": [{"url": "http://a:15672"}]}],
        "actions": {**CREDENTIALS, "verify": QUICK, "bindings": list(bindings), **more.pop("actions", {})},
        **more,
    }
    config = Config.model_validate(sections)
    return Loaded(config, path=None, web=None, web_path=None, warnings=(), secrets=frozenset())


def raised(name: str = LAG, *, over: bool = False, blind: bool = False, **labels: str) -> Raised:
    known = {"alertname": name, "cluster": CLUSTER, "vhost": "/", **labels}
    alert = Alert(
        labels=LabelSet.of({k: v for k, v in known.items() if v}),
        annotations={},
        state=AlertState.INACTIVE if over else AlertState.FIRING,
        value=1.0,
        active_at=1.0,
        fired_at=2.0,
        resolved_at=3.0 if over else None,
        blind_since=4.0 if blind else None,
    )
    return Raised("group", "x", alert)


class Part:
    """A Remediation over a folder, which can be ended and begun again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.broker = ModelBroker(self.clock)
        self.broker.lag("q")
        self.leases: list[FakeLease] = []
        self.answers: list[str] = [""]
        self.silences: list[str] = []
        self.remarks = RemarkBoard()

    def begin(self, *bindings: Any, **more: Any) -> Remediation:
        self.own = OwnMetrics()
        self.database = Database.open(self.folder)
        self.config = loaded(self.folder, *bindings, **more)
        self.part = Remediation(
            self.config,
            self.own,
            self.database,
            make=makers(self.broker, self.leases, self.answers),
            remarks=self.remarks,
            silencing=lambda labels, at: self.silences,
            rules=lambda config: rules_of(config, known_families()),
            now=self.clock,
        )
        self.part.begin(self.config)
        return self.part

    def end(self) -> None:
        self.part.stop()
        self.database.close()

    def fires(self, *alerts: Raised) -> None:
        self.part.take(Cycle(self.clock.at, ["group"], [], alerts or (raised(queue="q"),)))

    @property
    def events(self) -> list[str]:
        return [each.event for each in self.part.repairs.entries()]

    def until(self, event: str, count: int = 1) -> None:
        until(lambda: self.events.count(event) >= count, f"{count} x {event}")

    def figure(self, name: str) -> dict[str, float]:
        self.part.tend()
        found = {}
        for metric in self.own.registry.collect():
            for sample in metric.samples:
                if sample.name == name:
                    found["/".join(sample.labels.values())] = sample.value
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Part]:
    made = Part(tmp_path)
    yield made
    made.end()


# -- alerts


def test_an_alert_is_repaired_and_whoever_hands_it_over_does_not_wait(world: Part) -> None:
    world.begin(binding("auto"))
    hold = threading.Event()
    world.broker.seen = lambda: bool(hold.wait(10)) and None
    world.fires()
    assert world.events == []
    hold.set()
    world.until("ended")
    assert world.broker.sent == [("sync", "q")]
    until(lambda: world.figure("rabbitwatch_actions_total")["orders/sync_queue/done"] == 1)
    assert world.figure("rabbitwatch_action_open_seconds") == {CLUSTER: 0}
    assert world.figure("rabbitwatch_action_lease_held") == {CLUSTER: 1}


def test_the_same_alerts_are_looked_at_again_only_after_a_while(world: Part) -> None:
    world.begin(binding("dry_run"))
    world.fires()
    world.until("planned")
    for _ in range(5):
        world.fires()
    looks = len(world.broker.looks)
    assert looks <= 2
    world.clock.pass_(61)
    world.fires()
    until(lambda: len(world.broker.looks) > looks)
    assert world.events == ["planned"]


def test_another_alert_is_looked_at_at_once(world: Part) -> None:
    world.begin(binding("dry_run"))
    world.fires()
    world.until("planned")
    world.broker.lag("r")
    world.fires(raised(queue="q"), raised(queue="r"))
    world.until("planned", 2)


def test_an_alert_about_an_unknown_cluster_is_refused_and_recorded_once(world: Part) -> None:
    world.begin(binding("auto"))
    for _ in range(3):
        world.fires(raised(cluster="other"), raised(cluster="", queue="x"))
        world.part.tend()
    assert world.events == ["refused", "refused"]
    assert "this agent does not watch; it watches orders" in world.part.repairs.entries()[0].text
    assert world.broker.looks == []


def test_a_cluster_without_a_name_is_known_once_it_was_polled(world: Part) -> None:
    world.begin(binding("auto"), name=None)
    world.fires()
    with pytest.raises(ActionError, match="no cluster is called 'orders'; known: none yet"):
        world.part.repairs.plan(ONE, "sync_queue", person())
    state = state_of({"rabbit@a": "http://a:15672"})
    world.part.learn(state)
    world.fires(raised(cluster="lab", queue="q"))
    world.until("ended")
    assert world.part.repairs.leases() == {"lab": ""}


def test_a_silenced_and_a_blind_alert_lead_to_nothing(world: Part) -> None:
    world.silences = ["s1"]
    world.begin(binding("auto"))
    world.fires(raised(queue="q", blind=True))
    world.until("refused")
    refused = [a.guard for a in world.part.repairs.entries()[0].answers if a.refused]
    assert refused == ["not_blind", "not_silenced"]


def test_the_webhook_leads_into_the_same_line(world: Part) -> None:
    world.begin(binding("auto"))
    assert world.part.repairs.take_webhook([firing(queue="q", vhost="/"), firing("Other")]) == 1
    world.until("ended")
    asked = next(each for each in world.part.repairs.entries() if each.event == "requested")
    assert (asked.cause.source, world.broker.sent) == ("alertmanager", [("sync", "q")])


def test_what_an_alertmanager_has_sent_leads_on_after_a_restart(world: Part) -> None:
    world.begin(binding("dry_run"))
    assert world.part.repairs.take_webhook([firing(queue="q", vhost="/")]) == 1
    world.end()
    world.begin(binding("auto"))
    world.until("ended")
    assert world.broker.sent == [("sync", "q")]


def test_an_alert_of_both_is_one(world: Part) -> None:
    world.begin(binding("dry_run"))
    world.fires()
    world.part.repairs.take_webhook([firing(queue="q", vhost="/")])
    (status,) = world.part.repairs.bindings()
    assert len(status.firing) == 1
    assert status.firing[0][2] == ONE


def test_a_bug_in_an_action_is_recorded_and_ends_nothing(world: Part) -> None:
    world.begin(binding("dry_run"))

    def bug() -> None:
        raise ZeroDivisionError("oops")

    world.broker.seen = bug
    world.fires()
    world.until("broken off")
    until(lambda: world.figure("rabbitwatch_action_errors_total")[CLUSTER] > 1)
    assert world.events.count("broken off") == 1
    world.broker.seen = lambda: None
    world.part.tend()
    world.until("planned")


def test_nothing_is_written_where_nothing_is_configured(tmp_path: Path) -> None:
    world = Part(tmp_path)
    world.begin(actions={"username": None, "password": None})
    world.fires()
    world.part.tend()
    assert not (tmp_path / "audit.jsonl").exists()
    assert world.leases == []
    assert world.part.repairs.plan(ONE, "resync", person()).plan.steps
    world.end()


# -- people


def asked(world: Part) -> str:
    world.fires()
    world.until("awaiting")
    return world.part.repairs.waiting()[0].id


def test_an_approval_acts_once_whoever_clicks_and_how_often(world: Part) -> None:
    world.begin(binding("approve"))
    approval = asked(world)
    decisions: list[Any] = []
    barrier = threading.Barrier(8)

    def click(who: int) -> None:
        barrier.wait()
        decisions.append(world.part.repairs.approve(approval, f"person{who}", "slack"))

    threads = [threading.Thread(target=click, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.until("ended")
    assert sum(decision.done for decision in decisions) == 1
    assert any("already by person" in decision.text for decision in decisions)
    assert world.broker.sent == [("sync", "q")]
    assert world.events.count("approved") == 1
    who = next(each.cause.by for each in world.part.repairs.entries() if each.event == "requested")
    assert who.startswith("person")


def test_a_forged_approval_is_recorded_and_does_nothing(world: Part) -> None:
    world.begin(binding("approve"))
    for _ in range(5):
        decision = world.part.repairs.approve("guessed", "eve", "slack")
    assert (decision.done, decision.text) == (False, "there is no such approval: nothing was done")
    assert (world.events, world.broker.sent) == (["forged"], [])
    assert "guessed" not in (world.folder / "audit.jsonl").read_text()


def test_an_expired_approval_is_worth_nothing(world: Part) -> None:
    world.begin(binding("approve"))
    approval = asked(world)
    world.clock.pass_(1801)
    decision = world.part.repairs.approve(approval, "ann", "page")
    assert (decision.done, world.broker.sent) == (False, [])
    assert world.events[-1] == "expired"


def test_what_expires_asks_for_nothing_any_more(world: Part) -> None:
    world.begin(binding("approve"))
    asked(world)
    world.clock.pass_(1801)
    world.part.tend()
    (remark,) = world.remarks.of(firing(queue="q", vhost="/").fingerprint)
    assert (remark.approval, remark.text.startswith("Nobody approved it in time")) == ("", True)


def test_a_declined_one_does_nothing(world: Part) -> None:
    world.begin(binding("approve"))
    decision = world.part.repairs.decline(asked(world), "ann", "page")
    assert (decision.done, world.broker.sent, world.events[-1]) == (True, [], "declined")
    assert world.part.repairs.waiting() == []


def test_an_alert_that_ends_takes_its_question_back(world: Part) -> None:
    world.begin(binding("approve"))
    approval = asked(world)
    world.fires(raised(queue="q", over=True))
    decision = world.part.repairs.approve(approval, "ann", "page")
    assert (decision.done, world.broker.sent, world.events[-1]) == (False, [], "withdrawn")


def test_an_alert_of_the_webhook_that_ends_does_too(world: Part) -> None:
    world.begin(binding("approve"))
    alert = firing(queue="q", vhost="/")
    world.part.repairs.take_webhook([alert])
    world.until("awaiting")
    world.part.repairs.take_webhook([resolved(alert)])
    assert (world.part.repairs.waiting(), world.events[-1]) == ([], "withdrawn")


def test_an_approval_outlives_a_restart(world: Part) -> None:
    world.begin(binding("approve"))
    approval = asked(world)
    world.end()
    world.remarks = RemarkBoard()
    world.begin(binding("approve"))
    (remark,) = world.remarks.of(firing(queue="q", vhost="/").fingerprint)
    assert remark.approval == approval
    assert world.part.repairs.approve(approval, "ann", "command").done
    world.until("ended")
    assert world.broker.sent == [("sync", "q")]


def test_a_declined_question_is_not_asked_again_after_a_restart(world: Part) -> None:
    world.begin(binding("approve"))
    world.part.repairs.decline(asked(world), "ann", "page")
    world.end()
    world.begin(binding("approve"))
    looks = len(world.broker.looks)
    world.fires()
    until(lambda: len(world.broker.looks) > looks)
    world.part.tend()
    assert world.part.repairs.waiting() == []


def test_a_pause_at_the_other_agent_of_a_pair_holds_here(world: Part) -> None:
    with FakeBroker() as other:
        other.serve(PATH, says(pause=Pause("bob", world.clock.at)))
        world.begin(binding("auto"), notify={"peer": {"url": other.url, "position": 1}})
        until(lambda: world.part.repairs.paused != "")
        world.fires()
        world.until("refused")
        assert world.broker.sent == []
        world.part.repairs.resume("ann", "command")
        assert world.part.repairs.paused.endswith("at the other agent of the pair: resume it there")
        assert "resumed" not in world.events
        world.clock.pass_(61)
        assert world.part.repairs.paused.endswith("it answers no more, so it can be resumed here")
        world.part.repairs.resume("ann", "command")
        assert (world.part.repairs.paused, world.events[-1]) == ("", "resumed")


def test_the_other_agent_is_asked_once_repairs_are_in_use(world: Part) -> None:
    with FakeBroker() as other:
        other.serve(PATH, says())
        notify = {"peer": {"url": other.url, "position": 1}}
        world.begin(notify=notify, actions={"username": None, "password": None})
        world.part.ask_peer()
        assert (other.calls, world.part.repairs.peer_unknown) == ([], "")
        reload(world, binding("auto"), notify=notify)
        assert world.part.repairs.peer_unknown == "it has not been asked yet"
        world.part.ask_peer()
        assert (bool(other.calls), world.part.repairs.peer_unknown) == (True, "")


def test_a_pair_tells_each_other_what_was_done(world: Part) -> None:
    world.begin(binding("auto"))
    world.fires()
    world.until("ended")
    world.part.repairs.pause("ann", "page")
    told = world.part.repairs.tell(0.0)
    (deed,) = told.deeds
    assert (deed.cluster, deed.action, deed.object, deed.outcome, deed.by) == (
        CLUSTER, "sync_queue", "q", "done", LAG,
    )  # fmt: skip
    assert told.pause is not None
    assert told.pause.by == "ann"
    assert world.part.repairs.tell(world.clock.at + 1).deeds == []


def test_a_person_applies_what_no_guard_refuses(world: Part) -> None:
    world.begin()
    world.broker.lag("r", synchronised=[])
    found = world.part.repairs.apply(Target(CLUSTER), "resync", person())
    assert len(found.considered.plan.steps) == 2
    ((digest, deed),) = found.begun.items()
    assert found.text.startswith("1 of 2 steps are begun")
    until(lambda: any(each.event == "ended" for each in world.part.repairs.entries(deed=deed)))
    assert world.broker.sent == [("sync", "q")]
    risky = next(step for step in found.considered.plan.steps if step.digest != digest)
    again = world.part.repairs.apply(Target(CLUSTER), "resync", person(), approved=[risky.digest])
    assert list(again.begun) == [risky.digest]
    world.until("ended", 2)
    assert world.broker.sent == [("sync", "q"), ("sync", "r")]


def test_a_person_without_the_lease_begins_nothing(world: Part) -> None:
    world.answers = ["agent b holds it"]
    world.begin()
    found = world.part.repairs.apply(ONE, "sync_queue", person())
    assert (found.begun, found.text) == ({}, "nothing is begun: agent b holds it")
    assert world.events == ["refused"]


def test_what_cannot_be_asked_is_one_line(world: Part) -> None:
    world.begin()
    with pytest.raises(ActionError, match="no cluster is called 'x'; known: orders"):
        world.part.repairs.plan(Target("x"), "resync", person())
    with pytest.raises(ActionError, match="no action is called 'explode'; known: apply_policy"):
        world.part.repairs.plan(ONE, "explode", person())


def test_a_pause_stops_everything_also_after_a_restart(world: Part) -> None:
    world.begin(binding("auto"))
    world.part.repairs.pause("ann", "command")
    world.part.repairs.pause("bob", "page")
    world.end()
    world.begin(binding("auto"))
    assert world.part.repairs.paused.startswith("paused by ann since 2027-01-15 ")
    world.fires()
    world.until("refused")
    assert (world.broker.sent, world.figure("rabbitwatch_actions_paused")) == ([], {"": 1})
    world.part.repairs.resume("ann", "command")
    world.clock.pass_(61)
    world.part.tend()
    world.until("ended")
    assert [e for e in world.events if e in ("paused", "resumed")] == ["paused", "resumed"]


def test_a_pause_survives_a_database_that_was_lost(world: Part) -> None:
    world.begin(binding("auto"))
    world.part.repairs.pause("ann", "command")
    world.part.repairs.resume("ann", "command")
    world.part.repairs.pause("bob", "page")
    world.end()
    for path in world.folder.glob("rabbitwatch.db*"):
        path.unlink()
    world.begin(binding("auto"))
    assert world.part.repairs.paused.startswith("paused by bob since 2027-01-15 ")


def test_a_pause_that_was_ended_does_not_come_back(world: Part) -> None:
    world.begin(binding("auto"))
    world.part.repairs.pause("ann", "command")
    world.part.repairs.resume("ann", "command")
    world.end()
    world.begin(binding("auto"))
    assert world.part.repairs.paused == ""


def test_the_configuration_can_pause_too(world: Part) -> None:
    world.begin(binding("auto"), actions={"paused": True})
    assert world.part.repairs.paused == "paused by the configuration: actions.paused"


def test_a_refused_webhook_is_recorded_and_counted(world: Part) -> None:
    world.begin()
    world.part.repairs.webhook_refused("192.0.2.1", "wrong signature")
    assert (world.events, world.figure("rabbitwatch_action_webhook_refusals_total")) == (["webhook refused"], {"": 1})


# -- restart and reload


def test_what_was_left_open_is_followed_and_not_sent_again(world: Part) -> None:
    world.begin(binding("auto"))
    world.broker.sync_looks = None
    world.fires()
    world.until("requested")
    until(lambda: bool(world.part.repairs.open_steps()))
    world.end()
    assert "ended" not in written(world)
    world.broker.rows.clear()
    world.begin(binding("auto"))
    world.until("ended")
    assert world.broker.sent == [("sync", "q")]
    assert world.part.repairs.open_steps() == []


def written(world: Part) -> str:
    return (world.folder / "audit.jsonl").read_text()


def reload(world: Part, *bindings: Any, **more: Any) -> None:
    apply(loaded(world.folder, *bindings, **more), [world.part.prepare])


def test_a_reload_changes_what_a_binding_may(world: Part) -> None:
    world.begin(binding("dry_run"))
    world.fires()
    world.until("planned")
    reload(world, binding("auto"))
    world.until("ended")
    assert world.broker.sent == [("sync", "q")]
    assert len(world.leases) == 1


def test_a_reload_in_the_middle_of_a_step_leaves_it_alone(world: Part) -> None:
    world.begin(binding("auto"))
    world.broker.sync_looks = None
    world.fires()
    world.until("replied")
    reload(world, binding("off"))
    assert not world.leases[0].closed
    world.broker.rows.clear()
    world.until("ended")
    assert world.broker.sent == [("sync", "q")]


def test_a_reload_that_changes_the_hand_goes_on_with_what_is_open(world: Part) -> None:
    world.begin(binding("auto"))
    world.broker.sync_looks = None
    world.fires()
    world.until("replied")
    reload(world, binding("auto"), actions={"username": "other"})
    until(lambda: world.leases[0].closed)
    assert (len(world.leases), world.leases[1].begun) == (2, True)
    world.broker.rows.clear()
    world.until("ended")
    assert (world.events.count("ended"), world.broker.sent) == (1, [("sync", "q")])


def several(world: Part) -> list[str]:
    """A person has three queues synchronised, of which the first takes for ever: the deeds."""
    world.broker.lag("r", "s")
    world.broker.sync_looks = None
    world.begin(
        actions={"verify": {**QUICK, "stall": "1000h", "timeout": "2000h"}}
    )  # each look is a second on this clock
    begun = world.part.repairs.apply(Target(CLUSTER), "resync", person()).begun
    assert len(begun) == 3
    world.until("replied")
    return list(begun.values())


def test_what_was_asked_for_and_not_begun_is_refused_in_the_next_life(world: Part) -> None:
    begun = several(world)
    world.end()
    assert world.broker.sent == [("sync", "q")]
    world.broker.rows.clear()
    world.begin()
    world.until("ended")
    refused = [each for each in world.part.repairs.entries() if each.event == "refused"]
    assert {each.deed for each in refused} == set(begun) - {
        next(each.deed for each in world.part.repairs.entries() if each.event == "requested")
    }
    assert all("the agent ended before this step's turn came" in each.text for each in refused)
    assert [each.step.object for each in refused if each.step] == ["r", "s"]
    world.end()
    world.begin()
    assert world.events.count("refused") == 2, "once is enough"


def test_an_approval_whose_step_was_not_begun_is_refused_in_the_next_life(world: Part) -> None:
    world.begin(binding("approve"))
    approval = asked(world)
    busy = threading.Event()
    world.broker.seen = lambda: bool(busy.wait(10)) and None
    world.clock.pass_(61)
    looks = len(world.broker.looks)
    world.part.tend()
    until(lambda: len(world.broker.looks) > looks)
    assert world.part.repairs.approve(approval, "ann", "page").done
    world.part.stop()
    busy.set()
    world.database.close()
    world.broker.seen = lambda: None
    world.remarks = RemarkBoard()
    world.begin(binding("approve"))
    refused = next(each for each in world.part.repairs.entries() if each.event == "refused")
    assert (refused.deed, refused.cause.by) == (deed_of(approval), "ann")
    loud = [each.text for each in world.remarks.of(firing(queue="q", vhost="/").fingerprint) if each.loud]
    assert len(loud) == 1
    assert "ask again" in loud[0]


def test_a_reload_that_changes_the_hand_goes_on_with_what_a_person_asked_for(world: Part) -> None:
    several(world)
    reload(world, actions={"username": "other"})
    world.broker.sync_looks = 1
    del world.broker.rows["q"]
    world.until("ended", 3)
    assert [name for _, name in world.broker.sent] == ["q", "r", "s"]


def test_what_a_person_asked_for_of_a_cluster_that_is_gone_is_refused(world: Part) -> None:
    several(world)
    reload(world, name="billing")
    world.until("refused", 2)
    texts = {each.text for each in world.part.repairs.entries() if each.event == "refused"}
    assert texts == {"Nothing was done: this agent has ceased to act in the cluster before this step's turn came"}
    assert world.broker.sent == [("sync", "q")]


def test_what_comes_too_late_for_a_crew_is_refused(world: Part) -> None:
    several(world)
    (crew,) = world.part._crews
    reload(world, name="billing")
    world.until("refused", 2)
    crew.order(
        Order(
            deed="late",
            digest="x",
            action="sync_queue",
            target=ONE,
            cause=person(),
            binding=None,
        )
    )
    assert [each.deed for each in world.part.repairs.entries() if each.event == "refused"][2] == "late"


def test_credentials_taken_away_take_the_hand_away(world: Part) -> None:
    world.begin(binding("dry_run"))
    reload(world, binding("dry_run"), actions={"username": None, "password": None})
    found = world.part.repairs.apply(ONE, "sync_queue", person())
    assert found.text.startswith("nothing is begun: there is nobody to act as")


def test_the_audit_cannot_move_at_a_reload(world: Part) -> None:
    world.begin()
    with pytest.raises(ConfigError, match=r"actions\.audit_file cannot change at a reload"):
        reload(world, actions={"audit_file": world.folder / "other.jsonl"})


def test_a_reload_that_another_part_refuses_changes_nothing(world: Part) -> None:
    world.begin(binding("dry_run"))

    def refuses(_: Loaded) -> Any:
        raise ConfigError("no")

    with pytest.raises(ConfigError):
        apply(loaded(world.folder, binding("auto"), actions={"username": "x"}), [world.part.prepare, refuses])
    assert world.part.repairs.bindings()[0].binding.mode == "dry_run"
    assert [lease.closed for lease in world.leases] == [False, True]


def test_an_audit_that_cannot_be_opened_stops_repairs_and_not_the_agent(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    world = Part(tmp_path)
    world.begin(binding("auto"))
    world.fires()
    until(lambda: world.figure("rabbitwatch_action_audit_failures_total")[""] >= 2)
    assert world.broker.sent == []
    world.end()


def test_a_fight_is_a_figure(world: Part) -> None:
    world.begin(binding("auto", "apply_policy", DRIFT, cooldown="1s", max_per_hour=9))
    world.broker.rows.clear()
    for number in range(1, 4):
        world.broker.policies = []
        world.clock.pass_(120)
        world.fires(raised(DRIFT, policy="ha"))
        world.until("ended", number)
    world.broker.policies = []
    world.clock.pass_(120)
    world.fires(raised(DRIFT, policy="ha"))
    until(lambda: world.figure("rabbitwatch_action_fights") == {CLUSTER: 1})
    assert len(world.broker.sent) == 3
