"""What tests/alertmanager cannot compare with a real Alertmanager: states of alerts, the guard, failures."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import requests
from tests.unit.web.alertmanager.book import CONFIG, TableBook
from tests.unit.web.serving import FakeView, serving

from rabbitwatch.config.matchers import Matcher, Operator
from rabbitwatch.config.models import Config
from rabbitwatch.errors import StorageError
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.silence import Silence
from rabbitwatch.notify.ports import AlertGroup, AlertStatus
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.web.alertmanager import AlertmanagerApi
from rabbitwatch.web.alertmanager.asking import parsed
from rabbitwatch.web.app import application
from rabbitwatch.web.guard import Guard

NOW = 1_800_000_000.0
JSON = {"content-type": "application/json"}
SILENCE = {
    "matchers": [{"name": "alertname", "value": "Q", "isRegex": False}],
    "startsAt": "2020-01-01T00:00:00Z",
    "endsAt": "2099-01-01T00:00:00Z",
    "createdBy": "ann",
    "comment": "import",
    "annotations": {"ticket": "7"},
}


class FullStore(ForgetfulSilenceStore):
    def save(self, silences: Sequence[Silence]) -> None:
        raise StorageError("rabbitwatch.db: the disk is full")


class StateBook(TableBook):
    """One alert in each state."""

    def alerts(self) -> Sequence[AlertStatus]:
        def status(name: str, state: str, ends_at: float | None = None, **more: Sequence[str]) -> AlertStatus:
            fields: dict[str, Sequence[str]] = {"silenced_by": [], "inhibited_by": [], "muted_by": []} | more
            alert = OutAlert(
                labels={"alertname": name}, annotations={}, starts_at=NOW - 60, ends_at=ends_at, updated_at=NOW - 15
            )
            return AlertStatus(alert=alert, receivers=["team"], state=state, **fields)

        return [
            status("Active", "active"),
            status("Unprocessed", "unprocessed"),
            status("Silenced", "suppressed", silenced_by=["id"]),
            status("Inhibited", "suppressed", inhibited_by=["0" * 16]),
            status("Muted", "suppressed", muted_by=["night"]),
            status("Ended", "active", ends_at=NOW - 1),
        ]

    def groups(self) -> Sequence[AlertGroup]:
        group = AlertGroup(
            receiver="team", route="route", group_key="k", labels={}, alerts=self.alerts(), flushed_at=None, next_at=NOW
        )
        return [group, dataclasses.replace(group, alerts=[])]


class Api:
    def __init__(self, silences: Silences) -> None:
        self.silences = silences
        config, view = Config.model_validate(CONFIG), FakeView()
        book = StateBook(silences, lambda: NOW)
        api = AlertmanagerApi(book, silences, lambda: config, Guard(), now=lambda: NOW)
        self.serving = serving(application(view, view.reload, api.routes()))
        self.url = ""

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/api/v2{path}", timeout=20, **more)

    def names(self, **params: str) -> list[str]:
        alerts = self.ask("GET", "/alerts", params=params).json()
        (group,) = self.ask("GET", "/alerts/groups", params=params).json() or [{"alerts": []}]
        found = sorted(each["labels"]["alertname"] for each in alerts)
        assert found == sorted(each["labels"]["alertname"] for each in group["alerts"])
        return found


@pytest.fixture(params=[ForgetfulSilenceStore])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    made = Api(Silences(request.param(), now=lambda: NOW))
    with made.serving as server:
        made.url = f"http://127.0.0.1:{server.port}"
        yield made


@pytest.mark.parametrize(
    ("flag", "missing"),
    [
        ("active", {"Active"}),
        ("unprocessed", {"Unprocessed"}),
        ("silenced", {"Silenced"}),
        ("inhibited", {"Inhibited"}),
        ("muted", {"Muted"}),
        ("other", set()),
    ],
)
def test_states_can_be_left_out(api: Api, flag: str, missing: set[str]) -> None:
    every = {"Active", "Unprocessed", "Silenced", "Inhibited", "Muted"}
    assert set(api.names(**{flag: "false"})) == every - missing


def test_what_keeps_an_alert_quiet_is_named(api: Api) -> None:
    found = {each["labels"]["alertname"]: each for each in api.ask("GET", "/alerts").json()}
    assert found["Muted"]["status"] == {
        "inhibitedBy": [], "mutedBy": ["night"], "silencedBy": [], "state": "suppressed",
    }  # fmt: skip
    assert found["Active"]["startsAt"] == "2027-01-15T07:59:00.000Z"
    assert found["Active"]["updatedAt"] == "2027-01-15T07:59:45.000Z"
    assert found["Active"]["endsAt"] == "2027-01-15T08:05:00.000Z", "clients hide what has no end to come"


@pytest.mark.parametrize("path", ["/silences", "/alerts", "/alerts/groups"])
def test_filters_that_are_too_long_in_all_are_refused(api: Api, path: str) -> None:
    assert api.ask("GET", path, params={"filter": ["a=" + "b" * 4000, "c=" + "d" * 4000]}).ok
    refused = api.ask("GET", path, params={"filter": ["a=" + "b" * 4000, "c=" + "d" * 5000]})
    assert (refused.status_code, refused.json()) == (
        400, "bad matcher format: the filters are longer than 8192 characters in all",
    )  # fmt: skip


def test_a_filter_with_many_blanks_is_read_at_once() -> None:
    value = "b" + " " * 30_000 + '"c'
    began = time.process_time()
    assert parsed(f" a = {value} ") == (Matcher("a", Operator.EQUAL, value),)
    assert time.process_time() - began < 2


def test_groups_without_alerts_are_left_out(api: Api) -> None:
    assert len(api.ask("GET", "/alerts/groups").json()) == 1
    assert api.ask("GET", "/alerts/groups", params={"filter": "alertname=None"}).json() == []


def test_annotations_of_a_silence_are_kept(api: Api) -> None:
    made = api.ask("POST", "/silences", json=SILENCE).json()["silenceID"]
    assert api.ask("GET", f"/silence/{made}").json()["annotations"] == {"ticket": "7"}
    assert api.ask("GET", f"/silence/{made.upper()}").json()["id"] == made


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "multipart/form-data"}, 415),
        ({"content-type": ""}, 415),
        ({"origin": "http://evil.example"}, 403),
        ({"host": "evil.example"}, 403),
        ({"x-forwarded-for": "127.0.0.1"}, 403),
    ],
)
def test_only_who_may_makes_silences(api: Api, headers: dict[str, str], status: int) -> None:
    answer = api.ask("POST", "/silences", json=SILENCE, headers=JSON | headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert len(api.silences.all()) == (status == 200)
    if status == 403:
        assert isinstance(answer.json(), str)
        assert "access-control-allow-origin" not in answer.headers


def test_only_who_may_ends_silences_and_anybody_reads_them(api: Api) -> None:
    made = api.ask("POST", "/silences", json=SILENCE).json()["silenceID"]
    forwarded = {"x-forwarded-for": "10.0.0.1"}
    assert api.ask("DELETE", f"/silence/{made}", headers=forwarded).status_code == 403
    assert api.ask("GET", f"/silence/{made}", headers=forwarded).json()["status"] == {"state": "active"}
    assert api.ask("OPTIONS", f"/silence/{made}", headers={"origin": "http://evil.example"}).status_code == 405


def test_alerts_are_not_taken_and_it_says_where_they_come_from(api: Api) -> None:
    answer = api.ask("POST", "/alerts", json=[{"labels": {"alertname": "X"}}])
    assert answer.status_code == 400
    assert "rules.files" in answer.json()


@pytest.mark.parametrize("api", [FullStore], indirect=True)
def test_a_database_that_fails_is_said(api: Api) -> None:
    answer = api.ask("POST", "/silences", json=SILENCE)
    assert (answer.status_code, answer.json()) == (500, "nothing was changed: rabbitwatch.db: the disk is full")
    assert api.ask("GET", "/silences").json() == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"[" * 100_000,
        b'{"x": ' + b"[" * 100_000,
        b'{"comment": "\\ud800"}',
        b"null",
        b'{"matchers": [[]]}',
        b'{"startsAt": 1e999}',
    ],
    ids=lambda body: body[:20],
)
def test_hostile_bodies_are_refused(api: Api, body: bytes) -> None:
    answer = api.ask("POST", "/silences", data=body, headers=JSON)
    assert answer.status_code in {400, 422}
    assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize(
    "changes",
    [
        {"endsAt": "9999-12-31T23:59:59-23:59"},
        {"endsAt": "9999-12-31T23:59:59Z"},
        {"startsAt": "9999-12-31T23:59:59Z", "endsAt": "9999-12-31T23:59:59-23:59"},
        {"startsAt": "0001-01-01T00:00:00+23:59"},
        {"startsAt": "0001-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:01Z"},
        {"comment": "\x00\u2028\ud83d\ude00"},
    ],
    ids=str,
)
def test_odd_values_leave_the_list_readable(api: Api, changes: dict[str, str]) -> None:
    answer = api.ask("POST", "/silences", json=SILENCE | changes)
    assert answer.status_code in {200, 400}
    assert len(api.ask("GET", "/silences").json()) == (answer.status_code == 200)


def test_head_is_get_without_the_body(api: Api) -> None:
    head = api.ask("HEAD", "/silences")
    assert (head.status_code, head.content) == (200, b"")


def test_long_answers_are_compressed(api: Api) -> None:
    for _ in range(20):
        api.ask("POST", "/silences", json=SILENCE)
    answer = api.ask("GET", "/silences")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()) == 20
