"""The hand sends each request once, to the right node, under any name, and says in one line why one was not taken."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from pydantic import SecretStr
from tests.support.clusters import cluster, name_of
from tests.support.fakebroker import Answer, FakeBroker, Hang, HangUp, Reaction, as_json, html
from tests.support.looks import look_at, queue_look

from rabbitwatch.actions.hand import BrokerHand, acting_login
from rabbitwatch.clients.http import Login
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.model.action import Look, Reply

PASSWORD = "acting-s3cret"
BODY = {"pattern": "^a", "definition": {"ha-mode": "all"}, "priority": 0, "apply-to": "queues"}
HOSTILE = ["a/b", "100%", "%2F", "naïve ☃", "'\"<&>", "a b?c#d", "../policies", "\n", "...", "a\\b;x=1", "+"]


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as running:
        yield running


def hand(look: Look, within: float = 5.0) -> BrokerHand:
    return BrokerHand(ClusterConfig(), Login("repairer", PASSWORD), within=within, look=look)


def only(broker: FakeBroker) -> Look:
    return look_at({"rabbit@a": broker.url})


def put(broker: FakeBroker, *, operator: bool = False, within: float = 5.0) -> Reply:
    reply = hand(only(broker), within).put_policy("/", "p", BODY, operator=operator)
    assert PASSWORD not in reply.reason
    assert "\n" not in reply.reason
    return reply


def test_a_policy_is_put_as_the_acting_user_in_json(broker: FakeBroker) -> None:
    broker.serve("/api/policies/%2F/p", Answer(status=204))
    assert put(broker) == Reply(status=204)
    ((method, path, body),) = broker.written
    assert (method, path, json.loads(body)) == ("PUT", "/api/policies/%2F/p", BODY)
    ((_, headers),) = broker.calls
    assert headers["Content-Type"] == "application/json"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == f"repairer:{PASSWORD}"


def test_an_operator_policy_has_a_path_of_its_own(broker: FakeBroker) -> None:
    broker.serve("/api/operator-policies/%2F/p", Answer(status=201))
    assert put(broker, operator=True).taken


def test_a_sync_is_one_post(broker: FakeBroker) -> None:
    broker.serve("/api/queues/v/q/actions", Answer(status=204))
    assert hand(only(broker)).sync_queue("v", "q") == Reply(status=204)
    assert broker.written == [("POST", "/api/queues/v/q/actions", b'{"action": "sync"}')]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_one_segment(broker: FakeBroker, name: str) -> None:
    hand(only(broker)).sync_queue(name, name)
    hand(only(broker)).put_policy(name, name, BODY, operator=False)
    (_, queue, _), (_, policy, _) = broker.written
    assert [unquote(part) for part in queue.split("/")] == ["", "api", "queues", name, name, "actions"]
    assert [unquote(part) for part in policy.split("/")] == ["", "api", "policies", name, name]
    assert queue.isascii()
    assert queue.isprintable()


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_no_client_sends_as_it_is_is_not_sent(broker: FakeBroker, name: str) -> None:
    for reply in (
        hand(only(broker)).sync_queue("/", name),
        hand(only(broker)).put_policy(name, "p", BODY, operator=False),
    ):
        assert reply.unsent
        assert "use rabbitmqctl" in reply.reason
    assert broker.calls == []


@pytest.mark.parametrize(
    ("said", "operator", "words"),
    [
        ("Login failed", False, ["check the password of actions.username 'repairer'"]),
        ("User not authorised to access object", False, ["policymaker", "permission in the vhost"]),
        ("Not administrator user", True, ["administrator"]),
        ("Not management user", False, ["policymaker"]),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_user_is_told_what_he_lacks(
    broker: FakeBroker, status: int, said: str, operator: bool, words: list[str]
) -> None:
    refusal = Answer(as_json({"error": "not_authorised", "reason": said}), status)
    broker.serve("/api/policies/%2F/p", refusal)
    broker.serve("/api/operator-policies/%2F/p", refusal)
    reply = put(broker, operator=operator)
    assert (reply.status, reply.taken, reply.doubtful) == (status, False, False)
    assert all(word in reply.reason for word in (*words, said, str(status))), reply.reason


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Answer(as_json({"error": "bad_request", "reason": "Validation failed\n\n[nope] not recognised\n"}), 400),
            "status 400 (Validation failed [nope] not recognised)",
        ),
        (Answer(as_json({"error": "not_found", "reason": "vhost_not_found"}), 404), "vhost_not_found): it is gone"),
        (Answer(status=500), "status 500"),
        (html(501), "status 501"),
        (Answer(b"[1", 400), "status 400 ([1)"),
        (Answer(b"{}" * 5000, 500, truncate=3, compress=False), "status 500"),
        (Answer(status=302, headers={"Location": "http://elsewhere/"}), "status 302"),
    ],
    ids=["validation", "no vhost", "empty 500", "proxy", "broken json", "truncated", "redirect"],
)
def test_any_other_answer_is_a_refusal_in_the_brokers_words(broker: FakeBroker, answer: Answer, words: str) -> None:
    broker.serve("/api/policies/%2F/p", answer)
    reply = put(broker)
    assert (reply.status, reply.taken) == (answer.status, False)
    assert words in reply.reason


@pytest.mark.parametrize(
    "reaction", [Hang(), HangUp(), html(502), html(503), html(504)], ids=["late", "lost", "502", "503", "504"]
)
def test_a_lost_reply_is_a_doubt_and_nothing_is_sent_again(broker: FakeBroker, reaction: Reaction) -> None:
    broker.serve("/api/policies/%2F/p", reaction)
    began = time.monotonic()
    reply = put(broker, within=0.4)
    assert reply.doubtful
    assert "not known" in reply.reason
    assert len(broker.written) == 1
    assert time.monotonic() - began < 3.0


def test_where_nothing_listens_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = hand(look_at({"rabbit@a": f"http://127.0.0.1:{port}"})).sync_queue("/", "q")
    assert (reply.status, reply.unsent, reply.doubtful) == (None, True, False)
    assert "refuses the connection" in reply.reason


def test_the_leaders_node_is_asked_for_its_queue_and_any_that_answered_otherwise() -> None:
    with cluster(3) as brokers:
        urls = {name_of(broker): broker.url for broker in brokers}
        look = look_at(urls, queues=[queue_look("q", node=name_of(brokers[2]))], silent={name_of(brokers[0])})
        hand(look).sync_queue("/", "q")
        hand(look).sync_queue("/", "of an unknown leader")
    assert [len(broker.written) for broker in brokers] == [0, 1, 1]
    assert brokers[2].written[0][1] == "/api/queues/%2F/q/actions"


def test_nobody_of_the_smaller_side_is_asked() -> None:
    with cluster(3) as brokers:
        one, *others = (name_of(broker) for broker in brokers)
        urls = {name_of(broker): broker.url for broker in brokers}
        look = look_at(urls, queues=[queue_look("q", node=one)], components=[others, [one]])
        hand(look).sync_queue("/", "q")
    assert [len(broker.written) for broker in brokers] == [0, 1, 0]


def test_without_a_node_that_answers_nothing_is_sent() -> None:
    reply = hand(look_at({"rabbit@a": "http://127.0.0.1:9"}, components=[])).put_policy("/", "p", BODY, operator=False)
    assert reply.unsent
    assert "no node of the largest component answers" in reply.reason


def test_without_credentials_there_is_nobody_to_act_as() -> None:
    assert acting_login(ActionsConfig()) is None
    login = acting_login(ActionsConfig(username="repairer", password=SecretStr(PASSWORD)))
    assert login == Login("repairer", PASSWORD)
    assert PASSWORD not in repr(login)


def test_a_failure_of_tls_is_told(broker: FakeBroker) -> None:
    plain = look_at({"rabbit@a": broker.url.replace("http://", "https://")})
    reply = hand(plain).sync_queue("/", "q")
    assert reply.status is None
    assert "TLS failed" in reply.reason
