"""The hand, the look and the following of a step against a real broker, each by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.actions.common import ACTOR, MIRRORED, ONE, THREE, TWO, half_lagging, in_step, slow_syncs
from tests.cluster.api import Api
from tests.cluster.conftest import Lab
from tests.support.waiting import until

from rabbitwatch.actions.follow import Follow, Followed
from rabbitwatch.actions.hand import BrokerHand
from rabbitwatch.actions.look import ClusterLooker
from rabbitwatch.actions.ports import Action
from rabbitwatch.actions.sync_queue import ACTION
from rabbitwatch.cli.pollers import Pollers
from rabbitwatch.clients.http import Login
from rabbitwatch.config.actions import VerifyConfig
from rabbitwatch.config.loading import load
from rabbitwatch.model.action import Look, Outcome, Progress, Step, Target

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

ALL = Target("lab")
POLL = "poll: {interval: 6s, timeout: 5s}\n"
WEAK = {"maker": "policymaker", "watcher": "monitoring"}
BODY = {"pattern": "^m", "definition": MIRRORED, "priority": 1, "apply-to": "queues"}


@dataclass
class Scene:
    """A cluster as the parts of a repair reach it. looks: all that were taken."""

    cluster: Any
    looker: ClusterLooker
    password: str
    looks: list[Look] = field(default_factory=list)

    def look(self, target: Target = ALL) -> Look:
        self.looks.append(self.looker.look(target))
        return self.looks[-1]

    def hand(self, user: str = ACTOR, password: str | None = None) -> BrokerHand:
        login = Login(user, self.password if password is None else password)
        return BrokerHand(self.cluster, login, within=10.0, look=self.look())


@pytest.fixture(scope="module")
def scene(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """As the polling user of the lab looks; besides, users that may do less than is needed."""
    path: Path = tmp_path_factory.mktemp("agent") / "agent.yml"
    path.write_text(lab.config_text() + POLL, encoding="utf-8")
    path.chmod(0o600)
    config = load(path).config
    admin = Api(lab.url("rabbit1"), "admin", lab.admin_password)
    for name, tag in WEAK.items():
        admin.call("PUT", "users", name, body={"password": lab.admin_password, "tags": tag})
        admin.call("PUT", "permissions", "/", name, body=dict.fromkeys(("configure", "write", "read"), ".*"))
    with Pollers() as pollers:
        looker = ClusterLooker(config.clusters[0], config.poll, pollers)
        yield Scene(config.clusters[0], looker, lab.admin_password)
        looker.close()
    for name in WEAK:
        admin.delete("users", name)


def follow(action: Action, step: Step, scene: Scene, tell: Callable[[Progress], None]) -> Followed:
    """To its end, looking often."""
    verify = VerifyConfig(interval=0.3, stall=60.0, timeout=120.0)
    stop = threading.Event()
    begun = time.time()
    return Follow(action, step, scene, verify, requested=begun, tell=tell, wait=stop.wait, now=time.time).run()


def test_a_policy_is_made_restored_and_left_alone_when_equal(api: Api, scene: Scene) -> None:
    api.queue("m", node=ONE)
    assert scene.hand().put_policy("/", "p", BODY, operator=False).status == 201
    until(lambda: in_step(api, "m") == [TWO, THREE], "the mirrors are there")
    api.policy("p", "^nothing", MIRRORED, priority=7)
    until(lambda: in_step(api, "m") == [], "the mirrors are gone")
    assert scene.hand().put_policy("/", "p", BODY, operator=False).status == 204
    until(lambda: in_step(api, "m") == [TWO, THREE], "the mirrors are there again")
    assert scene.hand().put_policy("/", "p", BODY, operator=False).status == 204
    policies = scene.look().policies
    assert policies is not None
    restored = policies[False, "/", "p"]
    assert (restored.pattern, restored.priority, restored.definition) == ("^m", 1, MIRRORED)
    assert in_step(api, "m") == [TWO, THREE]


def test_an_operator_policy_takes_its_own_keys_and_refuses_those_of_mirrors(api: Api, scene: Scene) -> None:
    body = {"pattern": "^none", "definition": {"max-length": 5}, "priority": 0, "apply-to": "queues"}
    try:
        assert scene.hand().put_policy("/", "o", body, operator=True).status == 201
        policies = scene.look().policies
        assert policies is not None
        assert policies[True, "/", "o"].definition == {"max-length": 5}
        refused = scene.hand().put_policy("/", "o", body | {"definition": MIRRORED}, operator=True)
        assert (refused.status, refused.taken) == (400, False)
        assert "ha-mode" in refused.reason
    finally:
        api.delete("operator-policies", "/", "o")


def test_a_sync_is_seen_under_way_and_followed_to_its_end(lab: Lab, api: Api, scene: Scene) -> None:
    api.queue("other", node=ONE, messages=3)
    half_lagging(lab, api, "q", messages=3000, size=1000)
    size = 3000 * 1000

    def told_of() -> bool:
        queue = scene.look(Target("lab", queue="q")).queues["/", "q"]
        return queue.message_bytes == size and (queue.publish_rate or 0.0) > 0.1

    until(told_of, "size and rate of what was just published are told")
    before = scene.looks[-1].queues["/", "q"]
    assert (before.unsynchronised, before.synchronised, before.messages) == ((THREE,), (TWO,), 3000)
    assert scene.looks[-1].syncing == frozenset()
    (step,) = ACTION.plan(scene.looks[-1], Target("lab", queue="q")).steps
    told: list[Progress] = []
    with slow_syncs(lab, 500_000):
        hand = scene.hand()
        scene.looks.clear()
        assert ACTION.run(step, hand).status == 204
        followed = follow(ACTION, step, scene, told.append)
    assert followed.outcome is Outcome.DONE, followed
    assert in_step(api, "q") == [TWO, THREE]
    assert api.counts("q")["messages"] == 3000
    syncing = [look for look in scene.looks if look.syncing == {("/", "q")}]
    assert syncing, f"what is being synchronised was never told: {followed}, {[look.syncing for look in scene.looks]}"
    assert all(look.queues["/", "q"].syncing for look in syncing)
    assert all("other" in {queue.name for queue in look.state.queues.all} for look in scene.looks)
    assert scene.look().syncing == frozenset()


def test_names_of_any_characters_reach_their_queue(api: Api, scene: Scene, lab: Lab) -> None:
    vhost, name = "a/b %2F", "x/y?#100% naïve ☃ '\"<&>"
    api.call("PUT", "vhosts", vhost, body={})
    try:
        for user in ("admin", "monitor", ACTOR):
            api.call("PUT", "permissions", vhost, user, body=dict.fromkeys(("configure", "write", "read"), ".*"))
        api.queue(name, vhost, messages=3, node=ONE)
        body = BODY | {"pattern": "^x"}
        assert scene.hand().put_policy(vhost, name, body, operator=False).status == 201
        target = Target("lab", vhost=vhost, queue=name)
        until(lambda: len(scene.look(target).queues[vhost, name].unsynchronised) == 2, "its mirrors lag")
        assert scene.hand().sync_queue(vhost, name).status == 204
        until(lambda: scene.look(target).queues[vhost, name].unsynchronised == (), "its mirrors are in step")
        policies = scene.looks[-1].policies
        assert policies is not None
        assert (False, vhost, name) in policies
    finally:
        api.delete("vhosts", vhost)


@pytest.mark.parametrize(
    ("user", "password", "policy", "sync"),
    [
        (ACTOR, "wrong", "check the password", "check the password"),
        ("watcher", None, "policymaker", "administrator"),
        ("maker", None, "", "administrator"),
    ],
)
def test_a_user_who_may_not_is_told_what_he_lacks_and_polling_goes_on(
    api: Api, scene: Scene, user: str, password: str | None, policy: str, sync: str
) -> None:
    api.queue("m", node=ONE)
    replies = [
        (policy, scene.hand(user, password).put_policy("/", "p", BODY, operator=False)),
        (sync, scene.hand(user, password).sync_queue("/", "m")),
    ]
    for words, reply in replies:
        assert reply.taken is (words == "")
        assert words in reply.reason
        assert scene.password not in reply.reason
    assert {status for words, reply in replies if words for status in [reply.status]} == {401}
    state = scene.look().state
    assert [node.answered for node in state.nodes] == [True, True, True]
    assert all(source.heard for source in state.sources if source.source in {"nodes", "queues", "policies"})


def test_what_is_gone_is_not_taken(scene: Scene, api: Api) -> None:
    reply = scene.hand().sync_queue("/", "never there")
    assert (reply.taken, reply.doubtful) == (False, False)
    assert "500" in reply.reason, "what 3.10.8 says of a queue that is not there"
    gone = scene.hand().put_policy("no such vhost", "p", BODY, operator=False)
    assert (gone.status, gone.taken) == (404, False)
    assert "vhost_not_found" in gone.reason
    assert scene.look(Target("lab", vhost="/", queue="never there")).missed == {
        ("/", "never there"): "no such queue is told"
    }
