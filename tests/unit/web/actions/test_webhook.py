"""The webhook of Alertmanager: who may send, what is read, and what a stranger can cause."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.notices import alert
from tests.unit.web.actions.repairs import BROKEN, FakeRepairs
from tests.unit.web.serving import Answer, ask, hashed, serving, web_file

from rabbitwatch.config.actions import ActionsWebhookConfig
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.model.notice import Notice, Reason
from rabbitwatch.notify.receivers.payload import payload
from rabbitwatch.web.actions.payload import PayloadError, read
from rabbitwatch.web.actions.sender import MOST_REMEMBERED, Sender
from rabbitwatch.web.actions.webhook import RECORD_SECONDS, AlertmanagerWebhook
from rabbitwatch.web.middleware import MAX_BODY, WEBHOOK
from rabbitwatch.web.server import HttpServer

NOW = 1_800_000_000.0
TOKEN, SECRET = "the-token-of-actions", "the-secret-of-actions"


def notice(**changes: Any) -> dict[str, Any]:
    """As an Alertmanager 0.25 posts it; tests/alertmanager compares the form with a real one."""
    fires, ended = alert(at=NOW, queue="a"), alert(at=NOW, queue="b", ended=True)
    made = Notice(
        receiver="rabbitwatch",
        group_key="{}:{}",
        group_labels={},
        alerts=[fires, ended],
        reason=Reason.FIRST,
        at=NOW,
        external_url="http://alertmanager.example",
    )
    return payload(made) | changes


BODY = json.dumps(notice()).encode()


class World:
    """A webhook of its own for each test, behind a server that they share."""

    def __init__(self, server: HttpServer, apps: list[ASGIApp]) -> None:
        self.repairs = FakeRepairs()
        self.config = ActionsWebhookConfig.model_validate({"token": TOKEN, "signing_secret": SECRET})
        self.now, self.clock = NOW, 0.0
        hook = AlertmanagerWebhook(self.repairs, lambda: self.config, now=lambda: self.now, clock=lambda: self.clock)
        self.now += 10  # some time after the start
        self.app = Starlette(routes=hook.routes())
        apps[:] = [self.app]
        self.server = server

    def post(self, body: bytes = BODY, **headers: str) -> Answer:
        return ask(self.server, WEBHOOK, "POST", body=body, **headers)

    def signed(self, body: bytes = BODY, at: float | None = None, secret: str = SECRET) -> Answer:
        return self.post(body, **signed(body, self.now if at is None else at, secret))

    @property
    def taken(self) -> int:
        return sum(1 for each in self.repairs.done if each[0] == "take")

    @property
    def recorded(self) -> list[str]:
        return [each[2] for each in self.repairs.done if each[0] == "refused"]


def signed(body: bytes, at: float, secret: str = SECRET) -> dict[str, str]:
    stamp = f"{at:.0f}"
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x_rabbitwatch_timestamp": stamp, "x_rabbitwatch_signature": f"sha256={digest}"}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[HttpServer, list[ASGIApp]]]:
    apps: list[ASGIApp] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await apps[0](scope, receive, send)

    with serving(app) as server:
        yield server, apps


@pytest.fixture
def world(shared: tuple[HttpServer, list[ASGIApp]]) -> World:
    return World(*shared)


def test_alerts_are_handed_over(world: World) -> None:
    got = world.post(authorization=f"Bearer {TOKEN}")
    assert (got.status, got.body) == (200, b"taken: 2\n")
    [(_, (fires, ended))] = world.repairs.done
    assert (fires.labels["queue"], fires.ends_at, fires.starts_at) == ("a", None, NOW - 240)
    assert (ended.labels["queue"], ended.ends_at) == ("b", NOW - 60)
    assert fires.fingerprint == alert(at=NOW, queue="a").fingerprint
    assert fires.annotations == notice()["alerts"][0]["annotations"]


def test_a_signature_is_as_good_as_a_token(world: World) -> None:
    assert world.signed().status == 200
    assert world.signed(at=world.now - 1).status == 200
    assert world.taken == 2


@pytest.mark.parametrize(
    ("headers", "status", "why"),
    [
        ({}, 401, "send the token"),
        ({"authorization": "Bearer wrong"}, 401, "is not that of actions.webhook.token"),
        ({"authorization": "Bearer "}, 401, "is not that of"),
        ({"authorization": "Bearer gr\u00fcn"}, 401, "is not that of"),
        ({"authorization": f"Basic {TOKEN}"}, 401, "send the token"),
        ({"x_rabbitwatch_signature": "sha256=00"}, 403, "must hold unix seconds"),
        ({"x_rabbitwatch_signature": "sha256=00", "x_rabbitwatch_timestamp": "1e9"}, 403, "must hold unix seconds"),
        ({"x_rabbitwatch_signature": "sha256=00", "x_rabbitwatch_timestamp": "9" * 13}, 403, "must hold unix seconds"),
        ({**signed(BODY, NOW + 10), "x_rabbitwatch_signature": "sha256=00"}, 403, "is not sha256=HMAC"),
        ({**signed(BODY, NOW + 10), "x_rabbitwatch_signature": "sha256=\u00fc"}, 403, "is not sha256=HMAC"),
        ({**signed(BODY, NOW + 10), "x_rabbitwatch_timestamp": f"{NOW + 11:.0f}"}, 403, "is not sha256=HMAC"),
        (signed(BODY, NOW + 10, "another secret"), 403, "is not sha256=HMAC"),
        (signed(BODY + b" ", NOW + 10), 403, "is not sha256=HMAC"),
        (signed(BODY, NOW - 291), 403, "was signed 301 s ago, and 300 s are allowed"),
        (signed(BODY, NOW + 311), 403, "301 s ahead of this machine's clock"),
    ],
)
def test_whoever_may_not_is_refused_and_recorded(world: World, headers: dict[str, str], status: int, why: str) -> None:
    got = world.post(**{name: value.encode("latin-1").decode("latin-1") for name, value in headers.items()})
    assert got.status == status
    assert why in got.body.decode()
    assert got.body.count(b"\n") == 1
    assert ("www-authenticate" in got.headers) == (status == 401)
    assert world.taken == 0
    assert world.recorded == [got.body.decode().strip()]
    assert TOKEN not in world.recorded[0]
    assert SECRET not in world.recorded[0]


def test_a_signature_is_for_one_use(world: World) -> None:
    at = world.now
    assert world.signed(at=at).status == 200
    replayed = world.signed(at=at)
    assert (replayed.status, b"was used before" in replayed.body) == (403, True)
    world.now += 299
    assert world.signed(at=at).status == 403
    world.now += 2
    assert b"was signed 301 s ago" in world.signed(at=at).body
    assert world.taken == 1


def test_what_was_signed_before_the_start_may_have_been_used(world: World) -> None:
    got = world.signed(at=NOW - 1)
    assert (got.status, b"before this agent started" in got.body) == (403, True)
    assert world.signed(at=NOW + 1).status == 200


def test_a_longer_tolerance_brings_no_used_signature_back() -> None:
    tolerance, now = 10.0, NOW + 100

    def config() -> ActionsWebhookConfig:
        return ActionsWebhookConfig.model_validate({"signing_secret": SECRET, "tolerance": f"{tolerance:.0f}s"})

    sender = Sender(config, lambda: now)

    def said(body: bytes, at: float) -> str:
        refusal = sender.refusal({name.replace("_", "-"): each for name, each in signed(body, at).items()}, body)
        return refusal.kind if refusal else ""

    now = NOW + 200
    assert said(b"1", NOW + 200) == ""
    now = NOW + 220
    assert said(b"2", NOW + 220) == ""  # forgets the first
    tolerance = 300.0
    assert said(b"1", NOW + 200) == "replayed"
    assert said(b"2", NOW + 220) == "replayed"
    assert said(b"3", NOW + 220) == ""


def test_what_is_remembered_has_an_end() -> None:
    now = NOW
    sender = Sender(lambda: ActionsWebhookConfig.model_validate({"signing_secret": SECRET}), lambda: now)
    now = NOW + 5

    def said(number: int) -> str:
        body = str(number).encode()
        refusal = sender.refusal({name.replace("_", "-"): each for name, each in signed(body, now).items()}, body)
        return refusal.kind if refusal else ""

    assert {said(number) for number in range(MOST_REMEMBERED)} == {""}
    assert said(-1) == "flooded"
    now += 301
    assert said(-2) == ""


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, signed(BODY, NOW + 10, "")])
def test_without_token_and_secret_the_address_is_closed(world: World, headers: dict[str, str]) -> None:
    world.config = ActionsWebhookConfig()
    got = world.post(**headers)
    assert (got.status, b"set actions.webhook.token or actions.webhook.signing_secret" in got.body) == (403, True)
    assert (world.taken, len(world.recorded)) == (0, 1)


def test_only_what_is_configured_is_taken(world: World) -> None:
    world.config = ActionsWebhookConfig.model_validate({"token": TOKEN})
    assert world.signed().status == 401
    assert world.post(authorization=f"bearer {TOKEN}").status == 200
    world.config = ActionsWebhookConfig.model_validate({"signing_secret": SECRET})
    assert world.post(authorization=f"Bearer {TOKEN}").status == 401
    assert world.signed().status == 200


def test_a_flood_of_refusals_is_one_line_a_minute_and_kind(world: World) -> None:
    for _ in range(20):
        assert world.post(authorization="Bearer wrong").status == 401
    assert len(world.recorded) == 1
    world.post()
    assert len(world.recorded) == 2
    world.clock += RECORD_SECONDS
    world.post(authorization="Bearer wrong")
    assert world.recorded[-1].endswith("; 19 like it since the last record")


def test_who_was_refused_is_recorded(world: World) -> None:
    world.post()
    assert world.repairs.done[0][1] == "127.0.0.1"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"\xff", "malformed"),
        (json.dumps(notice(version="5")).encode(), "version '5' of Alertmanager's webhook is not known"),
        (json.dumps(notice(alerts=None)).encode(), "$.alerts"),
        (json.dumps(notice(alerts=[{"status": "firing"}])).encode(), "$.alerts[0]"),
        (json.dumps(notice(alerts=[{"status": "odd", "labels": {}, "startsAt": ""}])).encode(), "$.alerts[0]"),
        (json.dumps(notice(alerts=[{"status": "firing", "labels": {"a": 1}}])).encode(), "$.alerts[0].labels"),
        (json.dumps(notice() | {"version": "\ud800"}).encode(), "no notice of Alertmanager's webhook"),
    ],
)
def test_a_broken_body_is_one_line(world: World, body: bytes, why: str) -> None:
    got = world.post(body, authorization=f"Bearer {TOKEN}")
    assert got.status == 400
    assert why in got.body.decode()
    assert got.body.count(b"\n") == 1
    assert world.taken == 0


def test_more_keys_and_no_ends_do_no_harm() -> None:
    more = notice(version="4", notificationReason="new")
    for each in more["alerts"]:
        each |= {"more": [1]}
        del each["endsAt"], each["fingerprint"], each["generatorURL"], each["annotations"]
    alerts, left_out = read(json.dumps(more).encode(), lambda: NOW)
    assert [each.ends_at for each in alerts] == [None, NOW]
    assert left_out == 0
    assert read(json.dumps(notice(truncatedAlerts=3)).encode())[1] == 3


def test_times_with_nanoseconds_are_read() -> None:
    one = {"status": "firing", "labels": {"a": "b"}, "startsAt": "2027-01-15T08:00:00.123456789+01:00"}
    ((found,), _) = read(json.dumps({"version": "4", "alerts": [one]}).encode())
    assert found.starts_at == pytest.approx(1_799_996_400.123457, abs=1e-5)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "10000-01-01T00:00:00Z", "2027-01-15T08:00:00"])
def test_times_that_are_none_are_refused_or_read(at: str) -> None:
    one = {"status": "firing", "labels": {"a": "b"}, "startsAt": at}
    body = json.dumps({"version": "4", "alerts": [one]}).encode()
    try:
        read(body)
    except PayloadError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - either is right, a traceback is not


def test_a_body_that_is_too_large_is_not_taken(world: World) -> None:
    stranger = world.post(content_length=str(MAX_BODY + 1))
    assert stranger.status == 401
    got = world.post(content_length=str(MAX_BODY + 1), authorization=f"Bearer {TOKEN}")
    assert (got.status, got.headers["connection"]) == (413, "close")
    assert b"set max_alerts" in got.body
    assert world.taken == 0
    assert [why for why in world.recorded if "set max_alerts" in why], "it is on record, for its alerts come to nothing"


@pytest.mark.parametrize("error", [BROKEN, RabbitwatchError("no")])
def test_an_agent_that_cannot_take_says_so_and_is_asked_again(world: World, error: RabbitwatchError) -> None:
    world.repairs.fails = error
    assert world.post(authorization=f"Bearer {TOKEN}").status == 503
    assert world.post().status == 401  # though it could not be recorded


def test_users_of_the_web_configuration_are_not_asked_for(tmp_path: Path, world: World) -> None:
    web = web_file(tmp_path, f"basic_auth_users: {{ann: '{hashed('x')}'}}\n")
    with serving(world.app, web) as world.server:
        assert world.post(authorization=f"Bearer {TOKEN}").status == 200
        assert world.signed().status == 200
        assert world.post().status == 401
        for path in (f"{WEBHOOK}/", WEBHOOK.upper(), f"/{WEBHOOK}", f"{WEBHOOK}/../alertmanager", "/metrics"):
            other = ask(world.server, path, "POST", body=BODY, authorization=f"Bearer {TOKEN}")
            assert (other.status, other.body) == (401, b"Unauthorized\n")


def test_other_methods_are_none(world: World) -> None:
    assert ask(world.server, WEBHOOK, authorization=f"Bearer {TOKEN}").status == 405
