"""The same requests to a real Alertmanager and to the agent's API: status, keys, order and the words of errors."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import requests
import yaml
from tests.support.alertmanager import ALERTMANAGER, alertmanager
from tests.unit.web.alertmanager.book import CONFIG, LABELS, TableBook
from tests.unit.web.serving import FakeView, serving

from rabbitwatch.config.models import Config
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.web.alertmanager import AlertmanagerApi
from rabbitwatch.web.app import application
from rabbitwatch.web.guard import Guard

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(ALERTMANAGER is None, reason="prometheus-alertmanager is not installed (Debian's package)"),
]

UNKNOWN = "11111111-1111-1111-1111-111111111111"
LATER_ADDED = {"mutedBy"}
"""What Alertmanager has had since 0.27, and the agent has."""


class Server:
    """One of the two."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any, str]:
        """Status, body (None: empty) and content type."""
        got = requests.request(method, f"{self.url}/api/v2{path}", timeout=30, **more)
        return got.status_code, got.json() if got.content else None, got.headers.get("content-type", "")

    def get(self, path: str, **params: Any) -> Any:
        """The body of a good answer."""
        status, body, _ = self.ask("GET", path, params=params)
        assert status == 200, body
        return body


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with alertmanager(tmp_path_factory.mktemp("alertmanager"), CONFIG) as running:
        server = Server(running.url)
        alerts = [{"labels": labels, "annotations": {"summary": "s"}} for labels in LABELS]
        assert server.ask("POST", "/alerts", json=alerts)[0] == 200
        end = time.monotonic() + 30
        while len(server.get("/alerts/groups")) < 4 or server.get("/alerts", unprocessed="false") == []:
            assert time.monotonic() < end
            time.sleep(0.2)
        yield server


@pytest.fixture(scope="module")
def agent() -> Iterator[Server]:
    silences = Silences(ForgetfulSilenceStore())
    config = Config.model_validate(CONFIG)
    api = AlertmanagerApi(TableBook(silences), silences, lambda: config, Guard())
    view = FakeView()
    with serving(application(view, view.reload, api.routes())) as server:
        yield Server(f"http://127.0.0.1:{server.port}")


def shape(value: Any) -> Any:
    """What has to be the same: keys and kinds; of texts whether they are times or ids."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items() if key not in LATER_ADDED}
    if isinstance(value, (list, tuple)):
        return [shape(each) for each in value]
    if isinstance(value, str):
        value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)", "TIME", value)
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", value)
    return value


def labels_of(alerts: Sequence[Any]) -> list[Any]:
    return [(each["labels"], each["status"]["state"], each["receivers"]) for each in alerts]


FILTERS = [
    "alertname=Slow", 'queue=""', 'queue!=""', 'queue=~".*"', 'queue=~".+"', 'queue!~".+"', 'queue!="x"',
    'queue!~"a.*"', "queue=a b", 'queue="a b"', "queue=~a.{2}", "nothing=~.*", 'alertname=~"Down|Q"',
]  # fmt: skip
FLAGS = [
    {"active": "false"}, {"active": "x"}, {"inhibited": "0"}, {"inhibited": "false", "active": "false"},
    {"unprocessed": "no"}, {"receiver": "pag.*"}, {"receiver": "pag"}, {"receiver": "nobody"}, {"silenced": "false"},
]  # fmt: skip


@pytest.mark.parametrize("query", [*({"filter": each} for each in FILTERS), *FLAGS, {}], ids=str)
@pytest.mark.parametrize("path", ["/alerts", "/alerts/groups"])
def test_the_same_alerts(original: Server, agent: Server, path: str, query: dict[str, str]) -> None:
    theirs, ours = original.get(path, **query), agent.get(path, **query)
    if path == "/alerts":
        assert labels_of(ours) == labels_of(theirs)
    else:
        groups = [
            [(each["labels"], each["receiver"], labels_of(each["alerts"])) for each in one] for one in (ours, theirs)
        ]
        assert groups[0] == groups[1]


def test_alerts_have_the_same_form(original: Server, agent: Server) -> None:
    assert shape(agent.get("/alerts")) == shape(original.get("/alerts"))
    assert shape(agent.get("/alerts/groups")) == shape(original.get("/alerts/groups"))


def test_receivers(original: Server, agent: Server) -> None:
    assert agent.get("/receivers") == original.get("/receivers")


def test_status_has_the_same_keys(original: Server, agent: Server) -> None:
    theirs, ours = original.get("/status"), agent.get("/status")
    assert ours["cluster"] == theirs["cluster"]
    assert (set(ours), set(ours["config"])) == (set(theirs), set(theirs["config"]))
    assert set(ours["versionInfo"]) == set(theirs["versionInfo"])
    assert ours["versionInfo"]["version"] == theirs["versionInfo"]["version"]


def test_an_alertmanager_reads_the_configuration_that_is_shown(
    agent: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shown = agent.get("/status")["config"]["original"]
    with alertmanager(tmp_path_factory.mktemp("shown"), yaml.safe_load(shown)) as running:
        assert Server(running.url).get("/receivers") == agent.get("/receivers")


def body(**changes: Any) -> dict[str, Any]:
    made = {
        "matchers": [{"name": "alertname", "value": "Slow", "isRegex": False}],
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00.123456789+01:00",
        "createdBy": "ann",
        "comment": "import",
    }
    return {name: value for name, value in (made | changes).items() if value is not None}


def matcher(**changes: Any) -> list[dict[str, Any]]:
    made = {"name": "a", "value": "b", "isRegex": False} | changes
    return [{name: value for name, value in made.items() if value is not None}]


REFUSED = {
    "nothing": {},
    "no comment": body(comment=None),
    "no author": body(createdBy=None),
    "no end": body(endsAt=None),
    "no start": body(startsAt=None),
    "no matchers": body(matchers=None),
    "no matcher": body(matchers=[]),
    "no name": body(matchers=matcher(name=None)),
    "no value": body(matchers=matcher(value=None)),
    "no isRegex": body(matchers=matcher(isRegex=None)),
    "matches nothing": body(matchers=matcher(value="")),
    "matches all": body(matchers=matcher(value=".*", isRegex=True)),
    "ends before": body(endsAt="2019-01-01T00:00:00Z"),
    "ends in the past": body(endsAt="2021-01-01T00:00:00Z"),
    "ends at once": body(startsAt="2099-01-01T00:00:00Z", endsAt="2099-01-01T00:00:00Z"),
    "unknown id": body(id=UNKNOWN),
    "id is none": body(id="nope"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_same_refusals(original: Server, agent: Server, name: str) -> None:
    assert agent.ask("POST", "/silences", json=REFUSED[name]) == original.ask("POST", "/silences", json=REFUSED[name])


DIFFERENT_WORDS = {
    "a regex that is none": ("POST", "/silences", {"json": body(matchers=matcher(value="(", isRegex=True))}),
    "a time that is none": ("POST", "/silences", {"json": body(startsAt="yesterday")}),
    "no JSON": ("POST", "/silences", {"data": "x", "headers": {"content-type": "application/json"}}),
    "a number for a text": ("POST", "/silences", {"json": body(comment=5)}),
    "a list": ("POST", "/silences", {"json": [1]}),
    "a filter that is none": ("GET", "/alerts", {"params": {"filter": "bad"}}),
    "a filter's regex": ("GET", "/silences", {"params": {"filter": 'a=~"("'}}),
    "a receiver's regex": ("GET", "/alerts/groups", {"params": {"receiver": "("}}),
    "an empty filter": ("GET", "/alerts", {"params": {"filter": ""}}),
}


@pytest.mark.parametrize("name", DIFFERENT_WORDS)
def test_the_same_kind_of_refusal(original: Server, agent: Server, name: str) -> None:
    method, path, more = DIFFERENT_WORDS[name]
    theirs, ours = original.ask(method, path, **more), agent.ask(method, path, **more)
    assert (ours[0], ours[2], type(ours[1])) == (theirs[0], theirs[2], type(theirs[1]))
    if isinstance(theirs[1], dict):
        assert ours[1]["code"] == theirs[1]["code"]


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", "/nowhere", {}),
        ("GET", "/silence/nope", {}),
        ("GET", f"/silence/{UNKNOWN}", {}),
        ("DELETE", f"/silence/{UNKNOWN}", {}),
        ("DELETE", "/silence/nope", {}),
        ("POST", "/silences", {"data": {"a": "b"}}),
        ("POST", "/silences", {"data": b"", "headers": {"content-type": "application/json"}}),
        ("POST", "/silences", {"data": "{}", "headers": {"content-type": "text/plain;charset=utf-8"}}),
    ],
)
def test_the_same_answer_to_what_is_not_there(
    original: Server, agent: Server, method: str, path: str, more: dict[str, Any]
) -> None:
    assert agent.ask(method, path, **more) == original.ask(method, path, **more)


def test_a_method_that_a_path_does_not_have(original: Server, agent: Server) -> None:
    for method, path in [
        ("PUT", "/silences"),
        ("DELETE", "/alerts"),
        ("POST", "/status"),
        ("PATCH", f"/silence/{UNKNOWN}"),
    ]:
        theirs, ours = original.ask(method, path), agent.ask(method, path)
        assert (ours[0], ours[1]["code"]) == (theirs[0], theirs[1]["code"]) == (405, 405)


def test_the_life_of_a_silence(original: Server, agent: Server) -> None:
    """Step by step the same answers: made, read, changed, replaced, found by matchers, ended, ended again."""
    told: list[list[Any]] = []
    for server in (original, agent):
        said: list[Any] = []

        def note(answer: tuple[int, Any, str], said: list[Any] = said) -> Any:
            said.append(shape(answer))
            return answer[1]

        wide = [*matcher(), *matcher(name="c", value="d.*", isRegex=True, isEqual=False)]
        first = note(server.ask("POST", "/silences", json=body(matchers=wide)))["silenceID"]
        made = note(server.ask("GET", f"/silence/{first}"))
        same = note(server.ask("POST", "/silences", json=made | {"comment": "longer"}))["silenceID"]
        said.append(same == first)
        other = note(server.ask("POST", "/silences", json=made | {"matchers": matcher(name="e")}))["silenceID"]
        said.append(other == first)
        note(server.ask("GET", f"/silence/{first}"))
        note(server.ask("POST", "/silences", json=body(startsAt="2098-01-01T00:00:00Z")))
        for text in ("a=b", "c!~d.*", 'c!~"d.*"', "c=~d.*", "e=b", 'a=~"b"', 'nothing=""', "alertname=Slow"):
            note(server.ask("GET", "/silences", params={"filter": text}))
        note(server.ask("GET", "/silences", params=[("filter", "a=b"), ("filter", "c!~d.*")]))
        note(server.ask("DELETE", f"/silence/{other}"))
        note(server.ask("DELETE", f"/silence/{other}"))
        note(server.ask("GET", "/silences"))
        again = note(server.ask("POST", "/silences", json=made))["silenceID"]
        note(server.ask("DELETE", f"/silence/{again}"))
        told.append(said)
    for theirs, ours in itertools.zip_longest(*told):
        assert ours == theirs


def test_what_is_silenced_says_so(original: Server, agent: Server) -> None:
    for server in (original, agent):
        made = body(matchers=matcher(name="alertname", value="Q"))
        silence = server.ask("POST", "/silences", json=made)[1]["silenceID"]
        (found,) = server.get("/alerts", filter="alertname=Q")
        assert found["status"]["state"] == "suppressed"
        assert found["status"]["silencedBy"] == [silence]
        assert server.get("/alerts", filter="alertname=Q", silenced="false") == []
        server.ask("DELETE", f"/silence/{silence}")
        assert server.get("/alerts", filter="alertname=Q")[0]["status"]["state"] == "active"
