"""The page of silences, used as a browser without scripts uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.unit.web.alertmanager.book import TableBook
from tests.unit.web.serving import FakeView, hashed, serving, web_file

from rabbitwatch.config.matchers import Matcher, Operator, parse_matchers
from rabbitwatch.model.silence import Silence, SilenceDraft, SilenceState
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.web.app import application
from rabbitwatch.web.guard import Guard
from rabbitwatch.web.server import HttpServer
from rabbitwatch.web.silences import SilencePages

NOW = 1_800_000_000.0
HOSTILE = '"><script>alert(1)</script>\n</textarea>{{ 7 * 7 }} &amp;'


class Browser:
    """Asks for pages and sends their forms, with cookies, and no script."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.headers.update(headers)

    def get(self, path: str = "/silences", **params: Any) -> str:
        got = self.session.get(self.url + path, params=params, timeout=20)
        assert got.status_code == 200, got.text
        return got.text

    def token(self) -> str:
        found = re.search(r'name="token" value="([0-9a-f]+)"', self.get())
        assert found
        return found[1]

    def post(self, path: str = "/silences", follow: bool = False, **fields: str) -> requests.Response:
        form = {"token": self.token()} | fields
        return self.session.post(self.url + path, data=form, timeout=20, allow_redirects=follow)


class Stage:
    def __init__(self, server: HttpServer, silences: Silences) -> None:
        self.silences = silences
        self.browser = Browser(f"http://127.0.0.1:{server.port}")

    def only(self) -> Silence:
        (found,) = self.silences.all()
        return found

    def made(self, **changes: Any) -> Silence:
        fields = {"matchers": parse_matchers('alertname="Q"'), "starts_at": NOW, "ends_at": NOW + 3600}
        fields |= {"created_by": "ann", "comment": "import"}
        return self.silences.set(SilenceDraft(**(fields | changes)))


@pytest.fixture
def silences() -> Silences:
    return Silences(ForgetfulSilenceStore(), now=lambda: NOW)


def app(silences: Silences) -> Any:
    view = FakeView()
    found = SilencePages(silences, TableBook(silences, lambda: NOW), Guard(), now=lambda: NOW)
    return application(view, view.reload, found.routes())


@pytest.fixture
def stage(silences: Silences) -> Iterator[Stage]:
    with serving(app(silences)) as server:
        yield Stage(server, silences)


GOOD = {"matchers": 'alertname="Q"\nqueue=~"a.*"', "duration": "2h", "author": "ann", "comment": "import", "start": ""}


def test_a_silence_is_made(stage: Stage) -> None:
    answer = stage.browser.post(**GOOD)
    made = stage.only()
    assert (answer.status_code, answer.headers["location"]) == (303, f"silences?done=made#s-{made.id}")
    assert made.matchers == parse_matchers('alertname="Q",queue=~"a.*"')
    assert (made.starts_at, made.ends_at, made.created_by, made.comment) == (NOW, NOW + 7200, "ann", "import")
    page = stage.browser.get("/silences", done="made")
    assert "The silence stands." in page
    assert "ends in 2 h" in page
    assert f'id="s-{made.id}"' in page


def test_a_start_is_in_utc(stage: Stage) -> None:
    stage.browser.post(**GOOD | {"start": "2027-02-01T08:00"})
    assert stage.only().starts_at == 1_801_468_800.0
    assert stage.only().ends_at - stage.only().starts_at == 7200


def test_a_silence_is_prolonged_and_ended(stage: Stage) -> None:
    made = stage.made()
    longer = stage.browser.post(f"/silences/{made.id}/prolong", by="1d", follow=True)
    assert longer.url == f"{stage.browser.url}/silences?done=prolonged#s-{made.id}"
    assert stage.only().ends_at == made.ends_at + 86_400
    assert (stage.only().id, stage.only().comment) == (made.id, "import")
    ended = stage.browser.post(f"/silences/{made.id}/end", follow=True)
    assert "The silence has ended." in ended.text
    assert stage.only().state(NOW) is SilenceState.EXPIRED


def test_an_ended_one_can_be_made_again_from_a_link(stage: Stage) -> None:
    stage.silences.expire(stage.made(comment="a & b", matchers=(Matcher("x", Operator.MATCHES, 'a"\\d&?#'),)).id)
    page = stage.browser.get()
    (link,) = re.findall(r'<a href="(silences\?[^"]*)"', page)
    filled = stage.browser.get("/" + unescape(link))
    assert ">x=~&#34;a\\&#34;\\\\d&amp;?#&#34;</textarea>" in filled
    assert ">a &amp; b</textarea>" in filled


def test_a_link_from_a_message_fills_the_form_in_and_shows_what_matches(stage: Stage) -> None:
    page = stage.browser.get(filter='{severity="warning",queue!="x"}', duration="4h", comment="known", author="bob")
    assert ">severity=&#34;warning&#34;\nqueue!=&#34;x&#34;</textarea>" in page
    for each in ('value="4h"', ">known</textarea>", 'value="bob"', "2 alerts firing now that match"):
        assert each in page
    assert page.index('id="new"') < page.index('id="living"'), "who comes by a link comes for the form"
    assert "<strong>Slow</strong>" in page
    assert "<strong>Down</strong>" not in page


def test_a_link_leads_from_another_site_to_a_form_that_can_be_sent(stage: Stage) -> None:
    stage.browser.session.headers["sec-fetch-site"] = "cross-site"
    token = stage.browser.token()
    stage.browser.session.headers["sec-fetch-site"] = "same-origin"
    assert stage.browser.post(**GOOD | {"token": token}).status_code == 303


def test_what_would_be_silenced_is_shown_and_nothing_is_changed(stage: Stage) -> None:
    answer = stage.browser.post(**GOOD | {"matchers": "alertname=Down", "preview": "1", "comment": "kept"})
    assert answer.status_code == 200
    assert "1 alert firing now that matches" in answer.text
    assert ">kept</textarea>" in answer.text
    assert stage.silences.all() == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"matchers": ""}, "at least one matcher required"),
        ({"matchers": "queue="}, "at least one matcher must not match the empty string"),
        ({"matchers": "nonsense"}, "is no matcher"),
        ({"matchers": "a=~("}, "is no RE2 regex"),
        ({"matchers": 'a=~"("'}, "is no RE2 regex"),
        ({"duration": "5"}, "is no duration"),
        ({"duration": "0s"}, "start time must be before end time"),
        ({"start": "tomorrow"}, "is no time"),
        ({"author": " "}, "The author is missing"),
        ({"comment": ""}, "The comment is missing"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(stage: Stage, wrong: dict[str, str], why: str) -> None:
    answer = stage.browser.post(**GOOD | {"comment": "typed"} | wrong)
    assert answer.status_code == 400
    assert why in unescape(answer.text)
    assert 'role="alert"' in answer.text
    assert "comment" in wrong or ">typed</textarea>" in answer.text
    assert stage.silences.all() == []


def test_what_is_wrong_with_a_change_is_said_on_a_page_whose_links_lead(stage: Stage) -> None:
    answer = stage.browser.post("/silences/nope/end")
    assert (answer.status_code, "there is no silence nope" in answer.text) == (400, True)
    assert 'href="../../assets/rabbitwatch.css"' in answer.text
    assert 'action="../../silences"' in answer.text
    made = stage.made()
    assert "is prolonged by one of 1h, 1d" in stage.browser.post(f"/silences/{made.id}/prolong", by="9y").text
    stage.silences.expire(made.id)
    assert "has ended already" in stage.browser.post(f"/silences/{made.id}/prolong", by="1h").text


@pytest.mark.parametrize("path", ["/silences", "/silences/{id}/end", "/silences/{id}/prolong"])
def test_a_form_that_no_page_of_the_agent_holds_changes_nothing(stage: Stage, path: str) -> None:
    made = stage.made()
    where = stage.browser.url + path.format(id=made.id)
    token = stage.browser.token()
    stranger = Browser(stage.browser.url)
    for session, form in (
        (stage.browser.session, GOOD | {"by": "1h"}),
        (stage.browser.session, GOOD | {"by": "1h", "token": "0" * 64}),
        (requests.Session(), GOOD | {"by": "1h", "token": token}),
        (stage.browser.session, GOOD | {"by": "1h", "token": stranger.token()}),
        (stage.browser.session, GOOD | {"by": "1h", "token": "é"}),
    ):
        answer = session.post(where, data=form, timeout=20, allow_redirects=False)
        assert answer.status_code == 403
        assert "Nothing was changed" in answer.text
    for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}, {"x-forwarded-for": "::1"}):
        form = GOOD | {"by": "1h", "token": token}
        answer = stage.browser.session.post(where, form, headers=headers, timeout=20, allow_redirects=False)
        assert answer.status_code == 403
    assert stage.silences.all() == [made]


def test_the_cookie_is_kept_from_scripts_and_other_sites(stage: Stage) -> None:
    cookie = requests.get(f"{stage.browser.url}/silences", timeout=20).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))


def test_whoever_may_not_sees_why_and_no_forms(stage: Stage) -> None:
    stage.made()
    page = Browser(stage.browser.url, **{"x-forwarded-for": "10.0.0.1"}).get()
    assert "need a password, and none is configured" in page
    assert "<form" not in page
    assert "import" in page


def test_nothing_that_is_shown_becomes_markup(stage: Stage) -> None:
    matchers = (Matcher("queue", Operator.EQUAL, HOSTILE),)
    stage.made(matchers=matchers, comment=HOSTILE, created_by=HOSTILE)
    stage.silences.expire(stage.made(matchers=matchers, comment=HOSTILE, created_by=HOSTILE).id)
    page = stage.browser.get(filter=f"a={HOSTILE}", comment=HOSTILE, author=HOSTILE, duration=HOSTILE, start=HOSTILE)
    assert "<script" not in page
    assert page.count("</textarea>") == 2
    assert "{{ 7 * 7 }}" in page
    assert " on" not in re.sub(r">[^<]*<", "><", page).replace(' on"', ""), "no attribute that is a script"
    assert "style=" not in page


def test_a_user_of_the_web_configuration_is_the_author(silences: Silences, tmp_path: Path) -> None:
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('word')}'}}")
    with serving(app(silences), web) as server:
        browser = Browser(f"http://127.0.0.1:{server.port}")
        browser.session.auth = ("ann", "word")
        assert 'name="author" required value="ann"' in browser.get()
        assert browser.post(**GOOD).status_code == 303


def test_the_stylesheet_is_served_and_pages_forbid_scripts_from_elsewhere(stage: Stage) -> None:
    css = requests.get(f"{stage.browser.url}/assets/rabbitwatch.css", timeout=20)
    assert (css.status_code, css.headers["content-type"]) == (200, "text/css; charset=utf-8")
    page = requests.get(f"{stage.browser.url}/silences", timeout=20)
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert 'href="assets/rabbitwatch.css"' in page.text


def test_many_are_counted_and_not_all_shown(stage: Stage) -> None:
    for number in range(503):
        stage.made(matchers=parse_matchers(f"queue=q{number}"))
    page = stage.browser.get()
    assert page.count('<article class="card active"') == 500
    assert "and 3 more" in page
