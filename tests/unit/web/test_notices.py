"""The delivery log over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
import pytest
from starlette.applications import Starlette
from tests.unit.web.serving import ask, serving

from rabbitwatch.model.notice import Reason
from rabbitwatch.notify.exchange import Exchange
from rabbitwatch.notify.ports import Attempt, DeliveryLog, Entry
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.notify.wire import read
from rabbitwatch.web.notices import NoticesApi
from rabbitwatch.web.server import HttpServer

ENTRY = Entry(
    integration="team/webhook[0]",
    group_key="{}:{}",
    firing=frozenset({"b", "a"}),
    resolved=frozenset(),
    sent_at=1000.0,
    reason=Reason.FIRST,
)
ATTEMPT = Attempt(
    id="7", integration="team/webhook[0]", group_key="{}:{}", reason=Reason.FIRST, firing=frozenset({"b", "a"}),
    resolved=frozenset(), began_at=999.0, ended_at=None, tries=2, result="sending", why="it hangs",
)  # fmt: skip


class Log:
    asked: int

    def entries(self) -> Sequence[Entry]:
        return [ENTRY]

    def unfinished(self) -> Sequence[Attempt]:
        return []

    def recent(self, limit: int) -> Sequence[Attempt]:
        self.asked = limit
        return [ATTEMPT][:limit]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def server(log: Log) -> Iterator[HttpServer]:
    deliveries = cast("DeliveryLog", log)
    exchange = Exchange("me", 1, deliveries, Silences(ForgetfulSilenceStore()), lambda: 2000.0)
    with serving(Starlette(routes=NoticesApi(exchange, deliveries).routes())) as running:
        yield running


def data(server: HttpServer, query: str = "") -> Any:
    got = ask(server, f"/api/v1/notices{query}")
    assert got.status == 200
    return msgspec.json.decode(got.body)["data"]


def test_people_read_attempts_and_the_peer_reads_entries(server: HttpServer) -> None:
    assert data(server)["attempts"] == [
        {
            "id": "7", "integration": "team/webhook[0]", "groupKey": "{}:{}", "reason": "first notification",
            "firing": ["a", "b"], "resolved": [], "beganAt": 999.0, "endedAt": None, "tries": 2, "result": "sending",
            "why": "it hangs",
        }
    ]  # fmt: skip
    told = read(ask(server, "/api/v1/notices").body)
    assert (told.agent, told.position) == ("me", 1)
    assert told.entries[0].entry("") == ENTRY


def test_since_and_limit(server: HttpServer, log: Log) -> None:
    found = data(server, "?since=1900&limit=0")
    assert (found["entries"], found["attempts"]) == ([], [])
    data(server, "?limit=1000000000")
    assert log.asked == 1000


@pytest.mark.parametrize("query", ["since=x", "limit=nan", "since=-1", "limit=inf"])
def test_what_is_no_number_is_refused(server: HttpServer, query: str) -> None:
    got = ask(server, f"/api/v1/notices?{query}")
    assert got.status == 400
    assert msgspec.json.decode(got.body)["errorType"] == "bad_data"
