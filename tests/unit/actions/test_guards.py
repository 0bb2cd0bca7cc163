"""Each guard alone: cases that it lets pass, some that it refuses, and some in which it cannot know and so refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.seen import (
    AT,
    DECLARED,
    GIB,
    HA,
    HOUR,
    TARGET,
    as_broker,
    case,
    detail,
    lagging,
    look,
    observed,
    otherwise,
)
from tests.unit.cluster.build import A, B, C, cluster, missed, node, objects, policy, queue, sees, split

from rabbitwatch.actions import apply_policy, sync_queue
from rabbitwatch.actions.guards.table import GUARDS, ask
from rabbitwatch.actions.ports import Case
from rabbitwatch.config.actions import BindingConfig, GuardsConfig
from rabbitwatch.config.models import DeclaredPolicy
from rabbitwatch.model.action import Deed, Look, Outcome, Step
from rabbitwatch.model.cluster import PollState

BY_NAME = {guard.__name__: guard for guard in GUARDS}
HA_THERE = [as_broker(DECLARED)]
LAGS = look([lagging(messages=1000)], HA_THERE)
(SYNC,) = sync_queue.ACTION.plan(LAGS, TARGET).steps
(APPLY,) = apply_policy.ACTION.plan(look([lagging(messages=1000)], []), TARGET).steps
AUTOMATIC = DECLARED.model_copy(update={"definition": HA | {"ha-sync-mode": "automatic"}})


def sync(seen: Look = LAGS, **other: Any) -> Case:
    return case(SYNC, seen, **other)


def apply(seen: Look | None = None, **other: Any) -> Case:
    return case(APPLY, seen or look([lagging(messages=1000)], []), **other)


def restore(*queues: Any, declared: DeclaredPolicy = AUTOMATIC, there: Any = (), **more: Any) -> Case:
    """The case of restoring a policy, by default one that synchronises by itself."""
    seen = look(queues, list(there), declared=[declared], **more)
    (step,) = apply_policy.ACTION.plan(seen, TARGET).steps
    return case(step, seen)


def of(row: Any, **told: Any) -> Look:
    """A look at one queue that tells something else of itself."""
    return look([row], HA_THERE, details={(row.vhost, row.name): detail(row, **told)})


def nodes(seen_queues: Any = None, **by_host: dict[str, Any]) -> Look:
    """The usual look, with nodes that tell something else."""
    return look(seen_queues or [lagging()], HA_THERE, nodes={f"rabbit@{host}": told for host, told in by_host.items()})


def binding(**options: Any) -> BindingConfig:
    return BindingConfig.model_validate({"matchers": ['alertname="X"'], "action": "resync"} | options)


def deed(ago: float, step: Step = SYNC, outcome: Outcome = Outcome.DONE, **other: Any) -> Deed:
    return Deed(**{"id": f"d{ago}", "key": step.key, "at": AT + 1.0 - ago, "outcome": outcome} | other)


def other_cluster(step: Step) -> Step:
    return replace(step, cluster="else")


def node_states(seen: Look, name: str, **changes: Any) -> Look:
    return otherwise(
        seen, nodes=tuple(replace(each, **changes) if each.name == name else each for each in seen.state.nodes)
    )


def views(seen: Look, **changes: Any) -> Look:
    return otherwise(seen, views=replace(seen.state.views, **changes))


def partitions(seen: Look, **changes: Any) -> Look:
    return otherwise(seen, partitions=replace(seen.state.partitions, **changes))


LEFT = replace(observed([lagging()], HA_THERE), missing=frozenset({"rabbit@left"}))
SILENT_C = cluster([node(A, sees({A, B, C})), node(B, sees({A, B, C})), node(C, missed())], objects())
DOWN_C = cluster([node(A, sees({A, B})), node(B, sees({A, B})), node(C, missed())], objects())
NOBODY = cluster([node(name, missed()) for name in (A, B, C)])
BUSY = {"publish_rate": 40.0, "deliver_rate": 30.0}
LIMITED = DeclaredPolicy(name="cap", pattern="^q", definition={"max-length": 5})
MANUAL = DeclaredPolicy(name="ha", pattern="^q", definition={"ha-mode": "all"})
CAREFUL = MANUAL.model_copy(update={"definition": {"ha-mode": "all", "ha-promote-on-failure": "when-synced"}})
FULL_PAST = [deed(300.0 + n, replace(SYNC, object=f"other{n}")) for n in range(3)]

LOOKING_AROUND = DeclaredPolicy(name="around", pattern="(?!x)", definition={"overflow": "reject-publish"})
EXACTLY = DECLARED.model_copy(update={"definition": {"ha-mode": "exactly", "ha-params": 2}})
TWO_BIG = [queue("q1", messages=9), queue("q2", messages=9)]
HIDDEN = observed([queue("q", messages=5)], unseen=4)


def at(observation: Any, step: Step = SYNC) -> Case:
    """The case of a step in a cluster of which this was observed."""
    return case(step, look([], HA_THERE, observation=observation))


PASSES: dict[str, list[Case]] = {
    "not_paused": [sync()],
    "allowed": [
        sync(),
        sync(binding=binding()),
        sync(binding=binding(vhosts={"include": ["/"]}, queues={"include": ["q.*"]})),
        apply(binding=binding(queues={"include": ["q"]})),
    ],
    "fresh": [sync(), sync(now=AT + 30.0), sync(now=AT - 0.5)],
    "not_blind": [sync()],
    "not_silenced": [sync()],
    "nodes_running": [sync(), sync(look([lagging()], HA_THERE, observation=LEFT))],
    "one_component": [sync()],
    "views_agree": [sync(), sync(views(LAGS, connected={A: {B: True, C: True, "rabbit@left": False}}))],
    "no_partition": [sync(), sync(look([], version="4.3.6"))],
    "healthy": [
        sync(),
        sync(nodes(b={"mem_alarm": True})),
        sync(
            node_states(
                node_states(LAGS, A, checks={"if_node_is_mirror_sync_critical": False}), B, cookie_mismatch=True
            )
        ),
    ],
    "uptime": [sync(), sync(nodes(a={"uptime": 600_000}))],
    "no_alarm": [sync()],
    "mirroring": [sync(), restore(declared=LIMITED, version="4.3.6")],
    "settled": [sync(), apply(), restore(queue("q"), queue("z", state="down"), declared=LIMITED)],
    "no_sync": [sync()],
    "one_step": [sync(past=[deed(9.0), deed(9.0, other_cluster(SYNC), Outcome.REQUESTED)])],
    "size": [
        sync(),
        sync(of(lagging(messages=10), message_bytes=448 * 1024**2)),
        apply(),
        restore(queue("q", messages=0)),
        restore(queue("q", messages=5, mirrors=[B, C])),
        restore(lagging(), nodes={B: {"mem_used": 2 * GIB}}),
    ],
    "rate": [
        sync(),
        sync(of(lagging(), publish_rate=25.0, deliver_rate=25.0)),
        sync(of(lagging(), **BUSY), window=True),
        sync(of(lagging(), publish_rate=None), window=True),
        apply(),
        restore(queue("q", messages=0)),
    ],
    "batch": [
        sync(),
        sync(of(lagging(messages=4096), message_bytes=300 * 1024**2)),
        sync(of(lagging(messages=9000), message_bytes=9000 * 1024**2, batch=300)),
        sync(of(lagging(messages=0))),
        apply(),
    ],
    "last_copy": [
        sync(),
        sync(of(lagging(synchronised=[], messages=0))),
        sync(of(lagging(synchronised=[])), approved=True),
        apply(),
        restore(queue("q"), declared=DECLARED, there=[policy({"ha-mode": "exactly", "ha-params": 2})]),
        restore(queue("q"), declared=LIMITED, there=[policy({"max-length": 6}, name="cap")]),
        restore(queue("q", messages=0), declared=MANUAL),
        restore(queue("q", messages=5, mirrors=[B, C]), declared=MANUAL),
        restore(queue("q", messages=5), declared=CAREFUL),
        replace(restore(queue("q", messages=5), declared=MANUAL), approved=True),
    ],
    "keeps_messages": [
        sync(),
        apply(),
        replace(restore(queue("q"), declared=LIMITED), approved=True),
        restore(
            declared=LIMITED.model_copy(update={"definition": {"max-length": 5, "overflow": "reject-publish"}}),
            there=[policy({"max-length": 5}, name="cap", pattern="^q", apply_to="all")],
        ),
    ],
    "fight": [
        apply(past=[deed(5000.0, APPLY), deed(9000.0, APPLY)]),
        apply(past=[deed(5000.0, APPLY), deed(9000.0, APPLY), deed(86_400.0, APPLY)]),
        apply(past=[deed(5.0, APPLY), deed(6.0, APPLY), deed(7.0, APPLY, Outcome.FAILED)]),
        sync(past=[deed(5.0, APPLY), deed(6.0, APPLY), deed(7.0, APPLY)]),
        sync(past=[deed(5.0), deed(6.0), deed(7.0)]),
    ],
    "cooldown": [
        sync(past=[deed(5.0)]),
        sync(binding=binding(), past=[deed(1800.0), deed(5.0, APPLY)]),
        sync(binding=binding(cooldown="0s"), past=[deed(0.0)]),
    ],
    "budget": [
        sync(past=FULL_PAST),
        sync(binding=binding(), past=FULL_PAST[:2]),
        sync(binding=binding(), past=[*FULL_PAST[:2], deed(HOUR), deed(9.0, other_cluster(SYNC))]),
    ],
    "lease": [sync(lease="held by another"), sync(acting=True)],
}


REFUSES: list[tuple[str, Case, str]] = [
    ("not_paused", sync(paused="paused by ann"), "paused by ann"),
    ("allowed", sync(binding=binding(vhosts={"exclude": ["/"]})), "vhost '/' is not among the binding's vhosts"),
    ("allowed", sync(binding=binding(queues={"include": ["x"]})), "queue 'q' is not among the binding's queues"),
    (
        "allowed",
        apply(binding=binding(queues={"exclude": ["q"]})),
        "the policy also matches queue 'q', which is not among the binding's queues",
    ),
    (
        "allowed",
        replace(restore(queue("q"), declared=LOOKING_AROUND), binding=binding(queues={"include": ["q"]})),
        "which queues the policy matches is unknown",
    ),
    ("fresh", sync(now=AT + 31.0), "the observation is 31 s old, and at most 30s is allowed"),
    ("fresh", sync(now=AT - 60.0), "how old the observation is, is unknown: it is from 1m ahead of the clock"),
    ("not_blind", sync(blind=True), "the alert is blind"),
    ("not_silenced", sync(silenced=True), "the alert is silenced: somebody works on it"),
    ("nodes_running", at(DOWN_C), "rabbit@c is not running to rabbit@a, rabbit@b: start it"),
    ("nodes_running", at(split()), "rabbit@a is not running to rabbit@c"),
    (
        "nodes_running",
        sync(node_states(LAGS, C, missing=True)),
        "rabbit@c was a member, and nobody lists it any more: start it",
    ),
    ("nodes_running", at(SILENT_C), "whether rabbit@c runs is unknown by the word of itself (no answer within 10 s)"),
    ("nodes_running", at(NOBODY), "which nodes run is unknown: no node tells what it sees"),
    (
        "one_component",
        at(split()),
        "the cluster has fallen into 2 groups that cannot see each other: rabbit@a, rabbit@b",
    ),
    ("one_component", at(SILENT_C), "the view of rabbit@c is unknown"),
    ("one_component", at(NOBODY), "whether the cluster is one is unknown"),
    (
        "views_agree",
        at(split()),
        "nodes disagree about which nodes run: rabbit@a sees rabbit@a, rabbit@b; rabbit@b sees",
    ),
    ("views_agree", at(SILENT_C), "the view of rabbit@c is unknown"),
    ("views_agree", at(NOBODY), "whether views agree is unknown"),
    (
        "views_agree",
        sync(views(LAGS, connected={A: {B: True, C: False}})),
        "rabbit@a has no connection to rabbit@c, although all say that they run",
    ),
    (
        "views_agree",
        sync(otherwise(LAGS, queues=replace(LAGS.state.queues, contested=2))),
        "2 queues with a leader on more than one side",
    ),
    ("no_partition", sync(nodes(a={"partitions": [C]})), "a partition is reported (rabbit@a from rabbit@c)"),
    ("no_partition", sync(nodes(b={"partitions": None})), "the report of partitions of rabbit@b is unknown"),
    ("no_partition", at(SILENT_C), "the report of partitions of rabbit@c is unknown"),
    ("no_partition", at(NOBODY), "the report of partitions of rabbit@a, rabbit@b, rabbit@c is unknown"),
    (
        "healthy",
        sync(nodes(a={"mem_alarm": True}, b={"being_drained": True})),
        "2 nodes are unhealthy, and more than one stops everything: rabbit@a (resource alarm), rabbit@b (in main",
    ),
    ("healthy", at(replace(DOWN_C, nodes=(DOWN_C.nodes[0],))), "3 nodes are unhealthy"),
    ("healthy", sync(nodes(a={"mem_alarm": None}, c={"disk_free_alarm": None})), "rabbit@a (its alarms are unknown)"),
    ("healthy", at(NOBODY), "rabbit@a (unknown whether it runs), rabbit@b (unknown whether it runs)"),
    ("healthy", sync(otherwise(LAGS, nodes=())), "the health of every node is unknown"),
    (
        "healthy",
        sync(node_states(node_states(LAGS, A, checks={"virtual_hosts": False}), B, poll_state=PollState.TIMEOUT)),
        "rabbit@a (check virtual_hosts fails), rabbit@b (does not answer: timeout)",
    ),
    ("uptime", sync(nodes(b={"uptime": 599_000})), "rabbit@b has run for 9m59s, and every node must have for 10m"),
    ("uptime", sync(nodes(b={"uptime": None})), "the uptime of rabbit@b is unknown"),
    ("uptime", at(NOBODY), "the uptime of rabbit@a, rabbit@b, rabbit@c is unknown"),
    ("no_alarm", sync(nodes(c={"mem_alarm": True})), "memory alarm on rabbit@c"),
    ("no_alarm", sync(nodes(c={"disk_free_alarm": True})), "disk alarm on rabbit@c: free disk space"),
    ("no_alarm", sync(nodes(b={"mem_alarm": None})), "the state of alarms of rabbit@b is unknown"),
    ("no_alarm", at(NOBODY), "the state of alarms of rabbit@a, rabbit@b, rabbit@c is unknown"),
    ("mirroring", sync(look([lagging()], version="4.0.5")), "RabbitMQ 4 has no mirroring"),
    ("mirroring", apply(look([], version="4.3.6")), "RabbitMQ 4 has no mirroring"),
    ("mirroring", sync(look([lagging()], version="odd")), "whether every node's version has mirroring is unknown"),
    ("settled", sync(of(lagging(state="down"))), "1 queue of vhost '/' not working: q is down"),
    ("settled", apply(look([queue("x", state="crashed")], [])), "1 queue of vhost '/' not working: x is crashed"),
    ("settled", sync(otherwise(LAGS, vhosts={"/": {A: True, B: False, C: True}})), "vhost '/' is down on rabbit@b"),
    (
        "settled",
        sync(otherwise(LAGS, vhosts={"/": {A: True, B: True}})),
        "whether vhost '/' runs on rabbit@c is unknown",
    ),
    ("settled", sync(otherwise(LAGS, vhosts={})), "whether vhost '/' runs on rabbit@a, rabbit@b, rabbit@c is unknown"),
    (
        "settled",
        sync(otherwise(LAGS, queues=replace(LAGS.state.queues, complete=False))),
        "in which state queues are is unknown",
    ),
    (
        "no_sync",
        sync(replace(LAGS, syncing=frozenset({("/", "x")}))),
        "1 queue being synchronised: //x; wait for the end",
    ),
    ("no_sync", sync(of(lagging(), sync_messages=4)), "1 queue being synchronised: //q"),
    ("no_sync", sync(replace(LAGS, syncing=None)), "whether a queue is being synchronised is unknown"),
    (
        "one_step",
        sync(past=[deed(9.0, APPLY, Outcome.REQUESTED)]),
        "the end of apply_policy of 'ha' in vhost '/', asked for at 2023-11-14 22:13:12 UTC, has not been seen yet",
    ),
    (
        "size",
        sync(of(lagging(), message_bytes=512 * 1024**2 + 1)),
        "queue 'q' holds 512.0 MiB, more than the limit of 512.0 MiB: let consumers empty it",
    ),
    (
        "size",
        sync(of(lagging(), message_bytes=449 * 1024**2)),
        "rabbit@c would receive 449.0 MiB, more than 25% of the 1792.0 MiB it has left before its alarm",
    ),
    ("size", sync(of(lagging(), message_bytes=None)), "how many bytes queue 'q' holds is unknown"),
    ("size", sync(look([lagging()], details={})), "queue 'q' could not be looked at"),
    ("size", sync(nodes(c={"mem_limit": None})), "how much memory rabbit@c has left is unknown"),
    (
        "size",
        restore(*TWO_BIG, details={("/", row.name): detail(row, message_bytes=300 * 1024**2) for row in TWO_BIG}),
        "rabbit@b would receive 600.0 MiB, more than 25%",
    ),
    ("size", restore(queue("q", messages=5)), "how many bytes queue 'q' holds is unknown"),
    (
        "size",
        restore(queue("q", messages=5), declared=AUTOMATIC.model_copy(update={"pattern": "(?!x)"})),
        "which queues the policy matches, and would have synchronised at once (ha-sync-mode), is unknown",
    ),
    (
        "size",
        at(HIDDEN, restore().step),
        "it would have queues synchronised at once (ha-sync-mode), and 4 queues are not",
    ),
    ("rate", sync(of(lagging(), **BUSY)), "70.0 messages a second pass queue 'q', more than 50"),
    ("rate", sync(of(lagging(), deliver_rate=None)), "how many messages a second pass queue 'q' is unknown"),
    ("rate", restore(queue("q", messages=None)), "how many messages a second pass queue 'q' is unknown"),
    (
        "batch",
        sync(of(lagging(messages=4096), message_bytes=301 * 1024**2)),
        "a batch of 4096 messages of queue 'q' takes 30.1 s at 10.0 MiB a second, more than 50% of net_ticktime (60 s)",
    ),
    (
        "batch",
        sync(of(lagging(messages=9000), message_bytes=9000 * 1024**2, batch=301)),
        "a batch of 301 messages",
    ),
    ("batch", sync(of(lagging(messages=None), message_bytes=5)), "how large the messages of queue 'q' are is unknown"),
    ("batch", sync(of(lagging(), message_bytes=None)), "how large the messages of queue 'q' are is unknown"),
    ("batch", sync(nodes(b={"net_ticktime": None})), "net_ticktime of a node is unknown"),
    (
        "last_copy",
        sync(of(lagging(synchronised=[]))),
        "only the leader rabbit@a has all 100 messages; the sync first empties what rabbit@b, rabbit@c hold of them",
    ),
    ("last_copy", sync(of(lagging(), synchronised=None)), "whether queue 'q' has another complete copy is unknown"),
    ("last_copy", sync(look([lagging()], details={})), "whether queue 'q' has another complete copy is unknown"),
    (
        "last_copy",
        restore(queue("q"), declared=EXACTLY, there=[policy(HA)]),
        "the declared policy asks for fewer mirrors than there are: 1 queue (q) would lose some: needs approval",
    ),
    (
        "last_copy",
        restore(queue("q"), declared=EXACTLY.model_copy(update={"pattern": "(?!x)"}), there=[policy(HA)]),
        "which queues would lose mirrors is unknown: needs approval",
    ),
    (
        "last_copy",
        restore(queue("q", messages=5), declared=MANUAL),
        "1 queue (q) would get mirrors that hold nothing: if a leader's node fails before they are in step",
    ),
    (
        "last_copy",
        restore(queue("q", messages=None), declared=MANUAL),
        "1 queue (q) would get mirrors that hold nothing",
    ),
    (
        "keeps_messages",
        restore(queue("q"), declared=LIMITED),
        "the policy sets max-length, by which the broker may remove messages or queues at once: needs approval",
    ),
    (
        "keeps_messages",
        restore(queue("q"), declared=LIMITED, there=[policy({"max-length": 5}, name="cap", pattern="^r")]),
        "the policy sets max-length",
    ),
    (
        "keeps_messages",
        restore(declared=LIMITED, there=[policy({"max-length": 5}, "cap", pattern="^q", apply_to="all", priority=-1)]),
        "the policy sets max-length",
    ),
    (
        "fight",
        apply(past=[deed(5.0, APPLY), deed(60.0, APPLY, Outcome.TIMED_OUT), deed(3600.0, APPLY, Outcome.STALLED)]),
        "it was done 3 times within 1d, and is needed again: find out who or what undoes it; refused until 2023-11-15 ",
    ),
    (
        "fight",
        sync(past=[deed(5.0, outcome=Outcome.STALLED), deed(6.0), *[deed(9.0, outcome=Outcome.TIMED_OUT)] * 2]),
        "it was done 3 times within 1d, and is needed again",
    ),
    (
        "cooldown",
        sync(binding=binding(), past=[deed(600.0)]),
        "it was done 10m ago, and is left alone for 30m, until 2023-11-14 22:33:21 UTC",
    ),
    (
        "budget",
        sync(binding=binding(), past=FULL_PAST),
        "3 steps in this cluster within the hour, and at most 3 are allowed: until 2023-11-14 23:08:19 UTC",
    ),
    ("budget", sync(binding=binding(max_per_hour=0)), "max_per_hour is 0, which allows no step at all"),
    ("lease", sync(acting=True, lease="rabbitwatch on other holds it"), "rabbitwatch on other holds it"),
]


@pytest.mark.parametrize(("name", "case_"), [(name, each) for name, cases in PASSES.items() for each in cases])
def test_it_passes(name: str, case_: Case) -> None:
    assert BY_NAME[name](case_).refused == ""


@pytest.mark.parametrize(("name", "case_", "reason"), REFUSES)
def test_it_refuses_and_says_why(name: str, case_: Case, reason: str) -> None:
    answer = BY_NAME[name](case_)
    assert answer.guard == name
    assert answer.refused.startswith(reason) or reason in answer.refused
    assert "\n" not in answer.refused
    assert answer.approvable is (name in {"last_copy", "keeps_messages"})


def test_every_guard_has_a_case_that_passes_and_one_that_is_refused() -> None:
    assert set(PASSES) == set(BY_NAME) == {name for name, _, _ in REFUSES}


KNOW_NOTHING = {
    "not_paused",
    "not_blind",
    "not_silenced",
    "one_step",
    "keeps_messages",
    "fight",
    "cooldown",
    "budget",
    "lease",
}
"""Guards that judge by what the agent itself knows, so that nothing can be unknown to them."""


def test_every_other_guard_has_a_case_in_which_it_cannot_know() -> None:
    assert {name for name, _, reason in REFUSES if "unknown" in reason or "could not" in reason} == set(
        BY_NAME
    ) - KNOW_NOTHING


def test_all_are_asked_whatever_the_others_say() -> None:
    answers = ask(at(NOBODY))
    assert [answer.guard for answer in answers] == [guard.__name__ for guard in GUARDS]
    assert {answer.guard for answer in answers if answer.refused} >= {
        "nodes_running", "one_component", "views_agree", "no_partition", "healthy", "uptime", "no_alarm", "mirroring",
        "settled",
    }  # fmt: skip


def test_nothing_speaks_against_a_usual_step() -> None:
    assert [
        answer
        for each in (sync(), apply(), sync(acting=True, binding=binding()))
        for answer in ask(each)
        if answer.refused
    ] == []


def test_what_a_person_approves_lifts_no_other_refusal() -> None:
    for name, each, _ in REFUSES:
        answer = BY_NAME[name](replace(each, approved=True))
        assert bool(answer.refused) is (name not in {"last_copy", "keeps_messages"})


VIOLATIONS: dict[str, Any] = {
    "uptime": lambda n: {"uptime": n * 5_000},
    "no_alarm": lambda n: {("mem_alarm", "disk_free_alarm")[n % 2]: True},
    "no_partition": lambda n: {"partitions": ["rabbit@x"]},
    "batch": lambda n: {"net_ticktime": None},
}


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(sorted(VIOLATIONS)), min_size=1),
    st.integers(0, 100),
    st.sampled_from([None, "x"]),
    st.booleans(),
)
def test_a_violated_condition_refuses_whatever_else_is_well(
    where: dict[str, str], number: int, paused: str | None, approved: bool
) -> None:
    seen = nodes(**{host: VIOLATIONS[kind](number) for host, kind in where.items()})
    refused = {answer.guard for answer in ask(sync(seen, paused=paused or "", approved=approved)) if answer.refused}
    assert set(where.values()) <= refused
    assert ("not_paused" in refused) is (paused is not None)
    assert ("healthy" in refused) is (sum(kind in {"no_alarm", "no_partition"} for kind in where.values()) > 1)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2 * GIB),
    st.floats(0, 200),
    st.integers(1, 100_000),
    st.integers(1, 10_000),
    st.floats(0.01, 1.0),
    st.integers(1, 600) | st.none(),
)
def test_load_is_judged_by_its_figures(
    size: int, rate: float, messages: int, batch: int, share: float, tick: int | None
) -> None:
    row = lagging(messages=messages)
    seen = of(row, message_bytes=size, publish_rate=rate, deliver_rate=0.0, batch=batch)
    seen = node_states(seen, B, figures=replace_figures(seen, B, tick))
    limits = GuardsConfig.model_validate({"size": {"memory_share": share}})
    refused = {answer.guard for answer in ask(sync(seen, guards=limits)) if answer.refused}
    free = 2 * GIB - GIB // 4
    assert ("size" in refused) is (size > 512 * 1024**2 or size > share * free)
    assert ("rate" in refused) is (rate > 50)
    seconds = min(batch, messages) * size / messages / (10 * 1024**2)
    assert ("batch" in refused) is (tick is None or seconds > 0.5 * min(tick, 60))


def replace_figures(seen: Look, name: str, tick: int | None) -> Any:
    (figures,) = [each.figures for each in seen.state.nodes if each.name == name]
    return msgspec.structs.replace(figures, net_ticktime=tick)
