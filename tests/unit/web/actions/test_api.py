"""/api/v1/actions: what is told to whom, and what is passed on to the repairs under whose name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from starlette.applications import Starlette
from tests.unit.web.actions.repairs import (
    ALERT,
    APPROVAL,
    BROKEN,
    GUARDS,
    NOW,
    FakeRepairs,
    approval,
    busy,
    entry,
    plan,
    step,
)
from tests.unit.web.serving import hashed, serving, web_file

from rabbitwatch.actions.approvals import deed_of
from rabbitwatch.actions.facade import Considered
from rabbitwatch.actions.peer import Told
from rabbitwatch.actions.ports import Pause
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.model.action import Cause, Deed, Outcome, Target
from rabbitwatch.web.actions.api import PREFIX, ActionsApi
from rabbitwatch.web.guard import Guard

FOREIGN = ({"x-forwarded-for": "10.0.0.1"}, {"host": "evil.example"}, {"origin": "http://evil.example"})


class Api:
    def __init__(self, repairs: FakeRepairs, url: str) -> None:
        self.repairs = repairs
        self.url = url
        self.session = requests.Session()

    def get(self, path: str = "", **headers: str) -> Any:
        got = self.session.get(self.url + PREFIX + path, headers=headers, timeout=20)
        assert got.status_code == 200, got.text
        return got.json()["data"]

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self.session.post(self.url + PREFIX + path, json=body or {}, headers=headers, timeout=20)

    def said(self, path: str, body: Any, status: int) -> str:
        got = self.post(path, body)
        assert got.status_code == status, got.text
        assert got.json()["status"] == "error"
        text: str = got.json()["error"]
        return text


def app(repairs: FakeRepairs) -> Starlette:
    return Starlette(routes=ActionsApi(repairs, Guard(), now=lambda: NOW).routes())


@pytest.fixture
def api() -> Iterator[Api]:
    repairs = busy()
    with serving(app(repairs)) as server:
        yield Api(repairs, f"http://127.0.0.1:{server.port}")


def test_all_that_stands_is_told(api: Api) -> None:
    told = api.get()
    assert (told["paused"], told["leases"], told["peer_unknown"]) == ("", {"orders": ""}, "")
    [binding] = told["bindings"]
    assert (binding["action"], binding["mode"], binding["cooldown"]) == ("sync_queue", "approve", 1800.0)
    assert binding["matchers"] == ['alertname="RabbitMQMirrorsLag"']
    assert binding["firing"] == [
        {
            "fingerprint": "ab12",
            "alert": "RabbitMQMirrorsLag",
            "cluster": "orders",
            "vhost": "/",
            "queue": "master.a",
            "policy": "",
        }
    ]
    [under_way] = told["open"]
    assert (under_way["deed"], under_way["step"]["object"]) == ("deed-1", "master.a")
    assert under_way["progress"]["text"] == "600 of 1200 messages copied"
    [waits] = told["approvals"]
    assert (waits["id"], waits["expires_at"], waits["granted"]) == (APPROVAL, NOW + 1740, None)
    assert waits["plan"]["skipped"] == [{"object": "queue q.x", "why": "it is no mirrored queue"}]


@pytest.mark.parametrize("headers", FOREIGN)
def test_the_id_of_an_approval_is_for_those_who_may_answer_it(api: Api, headers: dict[str, str]) -> None:
    told = api.get(**headers)
    assert [each["summary"] for each in told["approvals"]] == [step().summary]
    assert APPROVAL not in json.dumps(told)


def test_users_are_told_ids_and_are_who_acts(tmp_path: Path) -> None:
    repairs = busy()
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('x')}'}}\n")
    with serving(app(repairs), web) as server:
        api = Api(repairs, f"http://ann:x@127.0.0.1:{server.port}")
        assert api.get(**{"x-forwarded-for": "10.0.0.1"})["approvals"][0]["id"] == APPROVAL
        api.post("/pause", {"by": "bob"})
        assert repairs.done == [("pause", "ann", "command")]


@pytest.mark.parametrize(
    ("given", "who"),
    [
        ({}, "somebody at this machine"),
        ({"by": " \n"}, "somebody at this machine"),
        ({"by": "ann"}, "ann (claimed)"),
        ({"by": "ann\nby: root " + "x" * 500}, f"ann by: root {'x' * 87} (claimed)"),
    ],
)
def test_without_users_a_name_is_only_claimed(api: Api, given: dict[str, str], who: str) -> None:
    assert api.post("/pause", given).json() == {"status": "success", "data": {"paused": f"paused by {who}"}}
    assert api.post("/resume", given).json()["data"] == {"paused": ""}
    assert api.repairs.done == [("pause", who, "command"), ("resume", who, "command")]


def test_a_plan_comes_with_every_guards_answer(api: Api) -> None:
    told = api.post("/resync", {"cluster": "orders", "vhost": "/", "queue": "master.a", "by": "ann"}).json()["data"]
    target, cause = Target("orders", "/", "master.a"), Cause(source="command", by="ann (claimed)")
    assert api.repairs.done == [("plan", target, "resync", cause)]
    [found] = told["steps"]
    assert (found["digest"], found["method"], found["body"]) == (step().digest, "POST", {"action": "sync"})
    assert [each["guard"] for each in found["guards"]] == list(GUARDS)
    assert (found["refused"], found["approvable"]) == (True, True)
    assert (told["queues"], told["messages"]) == (1, 1200)
    assert "begun" not in told


def test_what_is_unknown_is_null_and_a_step_that_nobody_judged_is_refused(api: Api) -> None:
    api.repairs.considered = Considered(plan=plan(step(), step("b", messages=None, queues=3)))
    told = api.post("/resync", {"cluster": "orders"}).json()["data"]
    assert (told["queues"], told["messages"]) == (4, None)
    assert [(each["refused"], each["approvable"], each["guards"]) for each in told["steps"]] == [(True, False, [])] * 2


def test_apply_says_what_was_begun(api: Api) -> None:
    api.repairs.begun, api.repairs.said = {step().digest: "deed-7"}, "begun"
    told = api.post("/resync", {"cluster": "orders", "apply": True, "approved": [step().digest]}).json()["data"]
    assert (told["begun"], told["said"]) == ({step().digest: "deed-7"}, "begun")
    [(name, target, action, _, approved)] = api.repairs.done
    assert (name, target, action, approved) == ("apply", Target("orders"), "resync", (step().digest,))


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/resync", {}, "missing required field `cluster`"),
        ("/resync", {"cluster": "a", "aply": True}, "unknown field `aply`"),
        ("/resync", {"cluster": "a", "apply": "yes"}, "$.apply"),
        ("/resync", [], "Expected `object`"),
        (f"/approvals/{APPROVAL}", {}, "missing required field `granted`"),
        (f"/approvals/{APPROVAL}", {"granted": 1}, "$.granted"),
        ("/pause", {"granted": True}, "unknown field `granted`"),
    ],
)
def test_a_body_that_cannot_be_read_changes_nothing(api: Api, path: str, body: Any, why: str) -> None:
    got = api.session.post(api.url + PREFIX + path, json=body, timeout=20)
    assert got.status_code == 400
    assert why in got.json()["error"]
    assert api.repairs.done == []


@pytest.mark.parametrize("path", ["/resync", f"/approvals/{APPROVAL}", "/pause", "/resume"])
def test_only_json_of_those_who_may_is_taken(api: Api, path: str) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", ""):
        headers = {"content-type": kind}
        got = api.session.post(
            api.url + PREFIX + path, b'{"cluster": "a", "granted": true}', headers=headers, timeout=9
        )
        assert got.status_code == 415
    for foreign in FOREIGN:
        got = api.post(path, {"cluster": "a"}, **foreign)
        assert (got.status_code, got.json()["errorType"]) == (403, "forbidden")
        assert got.json()["error"].startswith("refused: ")
    assert api.repairs.done == []


def test_an_approval_is_answered_once(api: Api) -> None:
    body = {"granted": True, "by": "ann"}
    assert api.post(f"/approvals/{APPROVAL}", body).json()["data"] == {"said": "approved", "deed": deed_of(APPROVAL)}
    assert "answered before, by ann (claimed)" in api.said(f"/approvals/{APPROVAL}", body, 409)
    assert api.repairs.done == [("decide", APPROVAL, True, "ann (claimed)", "command")] * 2
    assert api.get()["approvals"] == []


def test_what_was_forged_or_has_expired_is_passed_on_for_the_record(api: Api) -> None:
    api.repairs.approvals["old"] = approval("old", expires_at=NOW)
    assert "has expired" in api.said("/approvals/old", {"granted": False}, 410)
    assert "nobody was asked" in api.said("/approvals/forged", {"granted": True}, 404)
    assert [each[1] for each in api.repairs.done] == ["old", "forged"]


def test_one_that_was_faster_is_a_conflict(api: Api) -> None:
    """Between looking and answering somebody else has answered."""
    shown = dict(api.repairs.approvals)
    api.repairs.approvals = {}
    api.repairs.approval = shown.get  # type: ignore[method-assign]
    assert api.said(f"/approvals/{APPROVAL}", {"granted": True}, 409)


def test_the_audit_is_served_as_it_is_stored(api: Api) -> None:
    api.repairs.lines = [entry(number, deed=f"deed-{number % 2}", cause=ALERT) for number in range(1, 8)]
    api.repairs.lines.append(replace(entry(8), step=step(cluster="other")))
    told = api.get("/audit?after=2&limit=2")
    assert told["last"] == 8
    assert [each["number"] for each in told["entries"]] == [3, 4]
    assert told["entries"][0]["cause"]["alert"] == ALERT.alert
    assert [each["number"] for each in api.get("/audit?deed=deed-0")["entries"]] == [2, 4, 6]
    assert [each["number"] for each in api.get("/audit?cluster=other")["entries"]] == [8]
    assert api.get("/audit?limit=0")["entries"] == []


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=1.5", "limit=", "limit=%D9%A3", "since=4"])
def test_a_parameter_that_cannot_be_read_is_named(api: Api, query: str) -> None:
    got = api.session.get(f"{api.url}{PREFIX}/audit?{query}", timeout=20)
    assert got.status_code == 400
    assert query.partition("=")[0] in got.json()["error"]


def test_the_other_agent_of_a_pair_is_told_what_this_one_has_done(api: Api) -> None:
    deed = Deed(id="d1", key=("orders", "sync_queue", "/", False, "q"), at=NOW - 5, outcome=Outcome.DONE, by="ann")
    api.repairs.told = Told.of([deed], Pause("ann", NOW))
    told = api.get("/history?since=1800000000.250")
    assert api.repairs.done == [("tell", 1_800_000_000.25)]
    assert msgspec.convert(told, Told) == api.repairs.told
    assert told["pause"] == {"by": "ann", "at": NOW}
    assert told["deeds"][0]["object"] == "q"


@pytest.mark.parametrize("query", ["since=x", "since=-1", "since=nan", "since=1e3", "since=", "after=4"])
def test_a_time_that_cannot_be_read_is_named(api: Api, query: str) -> None:
    got = api.session.get(f"{api.url}{PREFIX}/history?{query}", timeout=20)
    assert got.status_code == 400
    assert query.partition("=")[0] in got.json()["error"]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [(BROKEN, 503, "unavailable"), (RabbitwatchError("no cluster is called 'a'"), 422, "execution")],
)
def test_what_fails_is_one_line(api: Api, error: RabbitwatchError, status: int, kind: str) -> None:
    api.repairs.fails = error
    for path, body in (("/resync", {"cluster": "a"}), ("/pause", {}), (f"/approvals/{APPROVAL}", {"granted": True})):
        got = api.post(path, body)
        assert (got.status_code, got.json()["errorType"], got.json()["error"]) == (status, kind, str(error))
