"""The pages of actions and approvals, used as a browser without scripts uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.applications import Starlette
from tests.unit.web.actions.repairs import (
    APPROVAL,
    BROKEN,
    NOW,
    FakeRepairs,
    answers,
    approval,
    binding,
    busy,
    entry,
    plan,
    step,
)
from tests.unit.web.serving import hashed, serving, web_file

from rabbitwatch.actions.approvals import NOBODY, deed_of
from rabbitwatch.actions.facade import BindingStatus, OpenStep
from rabbitwatch.model.action import Answer, Cause, Skipped, Target
from rabbitwatch.web.actions.page import APPROVALS, PATH, ActionPages
from rabbitwatch.web.guard import Guard

HOSTILE = '"><script>alert(1)</script>\u202egpj.exe\n{{ 7 * 7 }} &amp; \u05e9\u05dc\u05d5\u05dd ' + "x" * 300
ABOUT = f"{APPROVALS}/{APPROVAL}"


class Browser:
    """Asks for pages and sends their forms, with cookies, and no script."""

    def __init__(self, repairs: FakeRepairs, url: str) -> None:
        self.repairs = repairs
        self.url = url
        self.session = requests.Session()

    def get(self, path: str = PATH, status: int = 200, **headers: str) -> str:
        got = self.session.get(self.url + path, headers=headers, timeout=20)
        assert got.status_code == status, got.text
        assert got.headers["cache-control"] == "no-store"
        return unescape(got.text)

    def token(self) -> str:
        found = re.search(r'name="token" value="([0-9a-f]+)"', self.get())
        assert found
        return found[1]

    def post(self, path: str, follow: bool = False, **fields: str) -> requests.Response:
        form = {"token": self.token()} | fields
        return self.session.post(self.url + path, data=form, timeout=20, allow_redirects=follow)


def app(repairs: FakeRepairs) -> Starlette:
    return Starlette(routes=ActionPages(repairs, Guard(), now=lambda: NOW).routes())


@pytest.fixture
def browser() -> Iterator[Browser]:
    repairs = busy()
    with serving(app(repairs)) as server:
        yield Browser(repairs, f"http://127.0.0.1:{server.port}")


def test_all_that_stands_is_shown(browser: Browser) -> None:
    text = browser.get()
    for each in (
        "Not paused",
        "orders: this agent holds the lease",
        step().summary,
        f'href="actions/approvals/{APPROVAL}"',
        "ends in 29 min",
        "600 of 1200 messages copied",
        'alertname="RabbitMQMirrorsLag"',
        "at most 3 an hour and cluster",
        "fires: <strong>RabbitMQMirrorsLag</strong> for cluster orders, vhost /, queue master.a",
        "both mirrors are synchronised",
        "only_mirror: it is the only one",
    ):
        assert each in text
    assert text.index("both mirrors are synchronised") < text.index("only_mirror: it is"), "the newest line is first"


def test_where_nothing_stands_it_says_so(browser: Browser) -> None:
    empty = FakeRepairs(held={"orders": "rabbit@b says that agent-2 holds it"}, paused="paused by ann")
    vars(browser.repairs).update(vars(empty))
    text = browser.get()
    for each in ("Nothing waits", "Nothing is under way", "No alert is bound", "Nothing is on record", "agent-2"):
        assert each in text
    assert "<strong>Paused</strong>: paused by ann" in text
    assert "the other agent" not in text


def test_that_the_other_agents_repairs_are_not_known_is_said(browser: Browser) -> None:
    browser.repairs.peer_unknown = "http://b:9419 refuses the connection"
    text = browser.get()
    assert "What the other agent of the pair has done lately is not known" in text
    assert "refuses the connection" in text


def test_the_switch_is_used_under_a_name_that_is_claimed(browser: Browser) -> None:
    answer = browser.post(f"{PATH}/pause", follow=True, by="ann")
    assert answer.url == f"{browser.url}{PATH}?done=paused"
    assert "Nothing acts any more" in answer.text
    assert "Resume" in answer.text
    browser.post(f"{PATH}/resume")
    assert browser.repairs.done == [
        ("pause", "ann (claimed)", "page"),
        ("resume", "somebody at this machine", "page"),
    ]


def test_an_approval_shows_the_plan_and_what_the_guards_said(browser: Browser) -> None:
    text = browser.get(ABOUT)
    for each in (
        step().summary,
        "POST /api/queues/%2F/master.a/actions",
        '{"action": "sync"}',
        "This step is what the approval is for",
        "touches 1 queue,\n1200 messages",
        "left alone: queue q.x: it is no mirrored queue",
        '<strong>only_mirror</strong>: it is the only one <span class="small">(an approval lifts this)</span>',
        "4 of 5 guards refuse nothing",
        "alert RabbitMQMirrorsLag (rule)",
        '<button class="strong" name="answer" value="approve">',
    ):
        assert each in text


def test_an_approval_is_given_once(browser: Browser) -> None:
    answer = browser.post(ABOUT, follow=True, answer="approve", by="ann")
    assert answer.url == f"{browser.url}{ABOUT}?done=approved"
    assert answer.status_code == 200
    assert "Approved by ann (claimed), <time" in answer.text
    assert "<form" not in answer.text
    again = browser.post(ABOUT, answer="approve", by="bob")
    assert (again.status_code, "it was answered before, by ann (claimed)" in again.text) == (409, True)
    assert [each[:3] for each in browser.repairs.done] == [("decide", APPROVAL, True)] * 2


def test_an_approval_is_declined(browser: Browser) -> None:
    answer = browser.post(ABOUT, follow=True, answer="decline")
    assert "Declined: nothing is done" in answer.text
    assert browser.repairs.done == [("decide", APPROVAL, False, "somebody at this machine", "page")]


def test_one_that_has_expired(browser: Browser) -> None:
    browser.repairs.approvals[APPROVAL] = approval(expires_at=NOW - 90)
    text = browser.get(ABOUT, 410)
    assert "Expired 1 min ago" in text
    assert "<form" not in text
    answer = browser.post(ABOUT, answer="approve")
    assert (answer.status_code, "it has expired" in answer.text) == (410, True)


def test_one_whose_alert_has_ended(browser: Browser) -> None:
    browser.repairs.approvals[APPROVAL] = approval(granted=False, decided_by=NOBODY, decided_at=NOW)
    assert "Over since the alert has ended: nothing was done" in browser.get(ABOUT, 410)


def test_one_that_nobody_gave_out(browser: Browser) -> None:
    forged = f"{APPROVALS}/forged"
    assert "Nobody was asked under this address" in browser.get(forged, 404)
    answer = browser.post(forged, answer="approve")
    assert (answer.status_code, "nobody was asked under this id" in answer.text) == (404, True)
    assert browser.repairs.done == [("decide", "forged", True, "somebody at this machine", "page")]


@pytest.mark.parametrize("fields", [{}, {"answer": ""}, {"answer": "yes"}])
def test_an_answer_is_one_of_two(browser: Browser, fields: dict[str, str]) -> None:
    assert browser.post(ABOUT, **fields).status_code == 400
    assert browser.repairs.done == []


@pytest.mark.parametrize("path", [f"{PATH}/pause", f"{PATH}/resume", ABOUT])
def test_a_form_that_no_page_of_the_agent_holds_changes_nothing(browser: Browser, path: str) -> None:
    token = browser.token()
    stranger = Browser(browser.repairs, browser.url)
    for session, form in (
        (browser.session, {}),
        (browser.session, {"token": "0" * 64}),
        (requests.Session(), {"token": token}),
        (browser.session, {"token": stranger.token()}),
    ):
        answer = session.post(browser.url + path, form | {"answer": "approve"}, timeout=20, allow_redirects=False)
        assert answer.status_code == 403
        assert "Nothing was changed" in answer.text
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}, {"x-forwarded-for": "::1"}):
        form = {"token": token, "answer": "approve"}
        answer = browser.session.post(browser.url + path, form, headers=headers, timeout=20, allow_redirects=False)
        assert answer.status_code == 403
    assert browser.repairs.done == []


def test_whoever_may_not_sees_what_waits_and_no_way_to_answer(browser: Browser) -> None:
    text = browser.get(PATH, **{"x-forwarded-for": "10.0.0.1"})
    assert "need a password, and none is configured" in text
    assert step().summary in text
    assert APPROVAL not in text
    assert "<form" not in text
    text = browser.get(ABOUT, **{"x-forwarded-for": "10.0.0.1"})  # a notice has told the address
    assert "need a password, and none is configured" in text
    assert "<form" not in text


def test_a_link_leads_from_another_site_to_a_form_that_can_be_sent(browser: Browser) -> None:
    assert "<form" in browser.get(ABOUT, **{"sec-fetch-site": "cross-site"})


def test_a_user_acts_under_the_name_that_was_proved(tmp_path: Path) -> None:
    repairs = busy()
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('x')}'}}\n")
    with serving(app(repairs), web) as server:
        browser = Browser(repairs, f"http://ann:x@127.0.0.1:{server.port}")
        text = browser.get(ABOUT)
        assert "On record as <strong>ann</strong>" in text
        assert 'name="by"' not in text
        browser.post(ABOUT, answer="approve", by="bob")
    assert repairs.done == [("decide", APPROVAL, True, "ann", "page")]


def test_a_storage_that_fails_is_said(browser: Browser) -> None:
    browser.repairs.fails = BROKEN
    for path in (f"{PATH}/pause", ABOUT):
        answer = browser.post(path, answer="approve")
        assert (answer.status_code, "disk is full" in answer.text) == (503, True)
        assert 'href="../../assets/' in answer.text if path == ABOUT else 'href="../assets/' in answer.text


class Tags(HTMLParser):
    """Collects what would be markup."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_nothing_that_is_shown_becomes_markup_or_turns_the_text(browser: Browser) -> None:
    cause = Cause(source="slack", alert=HOSTILE, by=HOSTILE)
    bad = step(
        HOSTILE, summary=HOSTILE, path=HOSTILE, body={HOSTILE: HOSTILE}, before={HOSTILE: [HOSTILE]}, vhost=HOSTILE
    )
    refusing = [Answer(HOSTILE, HOSTILE, approvable=True), *answers()]
    browser.repairs.approvals[APPROVAL] = approval(
        digest=bad.digest, summary=HOSTILE, cause=cause, plan=plan(bad, skipped=(Skipped(HOSTILE, HOSTILE),)),
        cluster=HOSTILE,
    )  # fmt: skip
    line = entry(4, HOSTILE, deed=deed_of(APPROVAL), step=bad, text=HOSTILE, cause=cause, answers=refusing)
    browser.repairs.lines = [line]
    browser.repairs.open = [OpenStep(entry=line)]
    browser.repairs.held = {HOSTILE: HOSTILE}
    browser.repairs.paused = HOSTILE
    matching = binding(matchers=[f"a={json.dumps(HOSTILE)}"])
    browser.repairs.status = [BindingStatus(binding=matching, firing=[("f", HOSTILE, Target(HOSTILE, HOSTILE))])]
    for path in (PATH, ABOUT):
        got = browser.session.get(browser.url + path, timeout=20)
        assert got.status_code == 200
        tags = Tags()
        tags.feed(got.text)
        assert "script" not in {name for name, _ in tags.seen}
        assert not [attrs for _, attrs in tags.seen if any("alert(" in str(each) for each in attrs.values())]
        assert "\u202e" not in got.text
        assert "{{ 7 * 7 }}" in got.text
