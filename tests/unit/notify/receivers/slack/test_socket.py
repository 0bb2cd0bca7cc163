"""Socket Mode with slack-sdk's own client: a click silences once, whatever else arrives, and the connection holds."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from tests.support.slackdesk import Desk
from tests.support.slacknotices import NOW, a_notice, out_alert
from tests.support.slackserver import Fault, SlackServer, error, limited
from tests.support.waiting import until
from websockets.exceptions import ConnectionClosed

from rabbitwatch.config.matchers import Matcher, Operator
from rabbitwatch.config.receivers import SlackConfig
from rabbitwatch.errors import StorageError
from rabbitwatch.model.notice import Reason
from rabbitwatch.notify.receivers.slack.buttons import END_SILENCE, SHOW, SILENCE
from rabbitwatch.notify.receivers.slack.clicks import Click, clicks
from rabbitwatch.notify.receivers.slack.make import make
from rabbitwatch.notify.receivers.slack.socket import SocketMode
from rabbitwatch.notify.receivers.tools import Tools


@pytest.fixture
def desk(slack: SlackServer) -> Iterator[Desk]:
    desk = Desk(slack)
    desk.sockets.begin()
    assert slack.connected(1)
    yield desk
    desk.sockets.close()


def test_a_click_silences_and_is_answered_in_the_thread(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    clicked = slack.click(desk.channel, memory["ts"], SILENCE)
    assert slack.was_acknowledged(clicked)
    until(lambda: slack.called("chat.update"))
    [(matchers, author, comment, seconds)] = desk.silences.made
    assert matchers == (Matcher("cluster", Operator.EQUAL, "orders"),)
    assert author == "alice (U0ALICE00)"
    assert "alice" in comment
    assert seconds == 3600
    [answer] = desk.thread(memory)
    assert answer.startswith('🔕 alice (U0ALICE00) silenced `cluster="orders"` for 1 h, until <!date^')
    assert "`silence-1`" in answer
    [message] = slack.messages(desk.channel)
    assert message.button(SILENCE) is None
    assert message.button(SHOW) is not None
    assert "Silenced until <!date^" in json.dumps(message.attachments)
    assert "invoices" in json.dumps(message.attachments)
    assert message.metadata is not None


def test_two_clicks_silence_once(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    carried = slack.messages(desk.channel)[0].button(SILENCE)
    assert carried is not None
    for _ in range(3):
        slack.click(desk.channel, memory["ts"], SILENCE, value=carried["value"])
    last = slack.click(desk.channel, memory["ts"], "nobody's")
    assert slack.was_acknowledged(last)
    until(lambda: slack.called("chat.update"))
    time.sleep(0.2)
    assert len(desk.silences.made) == 1
    assert len(desk.thread(memory)) == 1


def test_a_silence_that_is_refused_is_told_and_may_be_tried_again(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    desk.silences.refusal = StorageError("the database is full of <b>")
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: desk.thread(memory))
    assert desk.thread(memory) == ["⚠️ Not silenced: the database is full of &lt;b&gt;"]
    desk.silences.refusal = None
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: desk.silences.made)


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"cluster": ""}', '{"": "x"}', '{"a": 1}', "not JSON"])
def test_what_no_button_of_ours_carries_silences_nothing(desk: Desk, slack: SlackServer, value: str) -> None:
    memory = desk.sender.send(a_notice([out_alert(ends_at=NOW)], Reason.NEW), {}, "1")
    [message] = slack.messages(desk.channel)
    assert message.button(SILENCE) is None
    slack.click(desk.channel, memory["ts"], SILENCE, value=value)
    until(lambda: desk.thread(memory))
    assert desk.silences.made == []
    assert "Not silenced: the button carries" in desk.thread(memory)[0]


def test_the_silence_stands_when_slack_does_not_take_the_answer(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    slack.then("chat.postMessage", error("is_archived"))
    slack.then("chat.update", Fault(500))
    with capture_logs() as logs:
        slack.click(desk.channel, memory["ts"], SILENCE)
        until(lambda: sum("could not be answered" in line["event"] for line in logs) == 2)
    assert len(desk.silences.made) == 1


def test_other_buttons_have_handlers_of_their_own(slack: SlackServer) -> None:
    seen: list[Click] = []

    def approve(click: Click) -> None:
        seen.append(click)
        raise RuntimeError("a bug")

    desk = Desk(slack, lambda _: {"approve": approve})
    desk.sockets.begin()
    assert slack.connected(1)
    memory = desk.tell()
    with capture_logs() as logs:
        slack.click(desk.channel, memory["ts"], "approve", value="plan-7")
        slack.click(desk.channel, memory["ts"], "unheard-of")
        slack.click(desk.channel, memory["ts"], SHOW)
        slack.click(desk.channel, memory["ts"], SILENCE)
        until(lambda: desk.silences.made)
    assert [(click.value, click.user_id, click.message_ts) for click in seen] == [("plan-7", "U0ALICE00", memory["ts"])]
    assert [line["action"] for line in logs if "nobody handles" in line["event"]] == ["unheard-of"]
    assert [line["action"] for line in logs if "could not be handled" in line["event"]] == ["approve"]
    desk.sockets.close()


def test_rubbish_on_the_connection_does_no_harm(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    for text in ("{", "[]", "null", "{}", '{"type": "interactive"}', '{"envelope_id": "x", "type": 5}', "x" * 5000):
        slack.frame(text)
    for payload in (
        {},
        {"type": "block_actions"},
        {"type": "view_submission"},
        {"type": "block_actions", "actions": [5]},
    ):
        assert slack.was_acknowledged(slack.push({"type": "interactive", "payload": payload}))
    assert slack.was_acknowledged(slack.push({"type": "events_api", "payload": {"event": {"type": "message"}}}))
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: desk.silences.made)


def test_a_broken_connection_is_made_again(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    slack.drop()
    until(lambda: desk.states == [(slack.api, True), (slack.api, False), (slack.api, True)])
    assert desk.sockets.connected == [True]
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: desk.silences.made)


def test_slack_moves_us_to_another_server(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    slack.frame(json.dumps({"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "x"}}))
    until(lambda: slack.sockets_opened == 2 and slack.connected(1))
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: desk.silences.made)
    assert desk.states == [(slack.api, True)]


def test_it_keeps_trying_and_complains_once(slack: SlackServer) -> None:
    slack.then(
        "apps.connections.open", Fault(500), Fault(hang_up=True), error("internal_error"), Fault(200, b"rubbish")
    )
    slack.then("apps.connections.open", Fault(200, b'{"ok": true, "url": "http://[x"}'), Fault(200, b'{"ok": true}'))
    with capture_logs() as logs:
        desk = Desk(slack)
        desk.sockets.begin()
        assert slack.connected(1)
        desk.sockets.close()
    assert len(slack.called("apps.connections.open")) == 7
    assert len([line for line in logs if line["log_level"] == "warning"]) == 1


@pytest.mark.parametrize(("fault", "seconds"), [(limited(120), 120.0), (error("invalid_auth"), 300.0)])
def test_it_waits_as_long_as_slack_says(slack: SlackServer, fault: Fault, seconds: float) -> None:
    slack.then("apps.connections.open", fault)
    desk = Desk(slack)
    with capture_logs() as logs:
        desk.sockets.begin()
        until(lambda: slack.called("apps.connections.open"))
        time.sleep(0.4)
        desk.sockets.close()
    assert len(slack.called("apps.connections.open")) == 1
    assert [line["again_in_s"] for line in logs if "Socket Mode" in line["event"]] == [seconds]
    assert "SECRET" not in repr(logs)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:1/", "wss://wss.example:8443/", "http://127.0.0.1/", ""])
def test_behind_https_only_an_encrypted_connection_will_do(url: str) -> None:
    """slack-sdk speaks in the clear to every port but 443."""
    socket = SocketMode("xapp-secret", "https://slack.example/api/", {})
    with pytest.raises(Exception, match="no address of an encrypted connection"):
        socket._checked(url)
    assert socket._checked("wss://wss-primary.slack.com/link/?ticket=1")


def test_closing_is_quick_and_leaves_no_connection(slack: SlackServer) -> None:
    desk = Desk(slack)
    desk.sockets.begin()
    assert slack.connected(1)
    began = time.monotonic()
    desk.sockets.close()
    assert time.monotonic() - began < 2
    assert slack.connected(0)
    names = {"slack socket", "slack clicks"}
    until(lambda: not names & {thread.name for thread in threading.enumerate()})


def test_what_is_clicked_after_the_end_is_left_to_the_next(slack: SlackServer) -> None:
    """slack-sdk's connection outlives the end by seconds; an acknowledged click would be lost."""
    desk = Desk(slack)
    desk.sockets.begin()
    assert slack.connected(1)
    memory = desk.tell()
    desk.sockets.close()
    with contextlib.suppress(IndexError, ConnectionClosed):
        assert not slack.was_acknowledged(slack.click(desk.channel, memory["ts"], SILENCE), timeout=0.5)
    assert desk.silences.made == []


def test_one_connection_for_all_receivers_of_an_app(slack: SlackServer) -> None:
    desk = Desk(slack)
    other = {"bot_token": slack.bot_token, "app_token": slack.app_token, "api": slack.api, "channel": "#other"}
    make(SlackConfig.model_validate(other), Tools(slack_buttons=desk.sockets))
    desk.sockets.begin()
    assert slack.connected(1)
    assert len(desk.sockets.connected) == 1
    desk.sockets.close()


def test_clicks_of_a_message_in_a_thread() -> None:
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "name": "bob"},
        "channel": {"id": "C1"},
        "message": {"ts": "2.0", "thread_ts": "1.0"},
        "actions": [{"action_id": "a", "value": "v"}, "rubbish"],
    }
    [click] = clicks(payload)
    assert (click.user, click.thread_ts, click.value) == ("bob (U1)", "1.0", "v")


def test_a_silence_can_be_ended_where_it_began(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    [before] = slack.messages(desk.channel)
    silence, colour = before.button(SILENCE), before.attachments[0]["color"]
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: slack.messages(desk.channel)[0].button(END_SILENCE))
    [message] = slack.messages(desk.channel)
    assert message.attachments[0]["color"] != colour
    slack.click(desk.channel, memory["ts"], END_SILENCE)
    until(lambda: slack.messages(desk.channel)[0].button(SILENCE))
    assert desk.silences.ended == ["silence-1"]
    [message] = slack.messages(desk.channel)
    assert message.button(END_SILENCE) is None
    assert message.button(SILENCE) == silence
    assert message.button(SHOW) is not None
    assert message.attachments[0]["color"] == colour
    assert "Silenced until" not in json.dumps(message.attachments)
    assert not message.text.startswith("🔕")
    assert desk.thread(memory)[1:] == ["🔔 alice (U0ALICE00) ended the silence `silence-1`: what fires is told again"]
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: len(desk.silences.made) == 2)


def test_it_ends_once_and_says_when_it_was_over_already(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: slack.messages(desk.channel)[0].button(END_SILENCE))
    button = slack.messages(desk.channel)[0].button(END_SILENCE)
    assert button is not None
    desk.silences.over = True
    for _ in range(3):
        slack.click(desk.channel, memory["ts"], END_SILENCE, value=button["value"])
    until(lambda: slack.messages(desk.channel)[0].button(SILENCE))
    time.sleep(0.2)
    assert desk.silences.ended == ["silence-1"]
    assert desk.thread(memory)[1:] == ["🔔 The silence `silence-1` was over already"]


@pytest.mark.parametrize("value", ["", "[]", "{}", "null", '{"id": 1}', "not JSON"])
def test_what_carries_no_silence_ends_nothing(desk: Desk, slack: SlackServer, value: str) -> None:
    memory = desk.tell()
    slack.click(desk.channel, memory["ts"], END_SILENCE, value=value)
    until(lambda: desk.thread(memory))
    assert desk.silences.ended == []
    assert desk.thread(memory) == ["⚠️ Not ended: the button carries no silence"]


def test_an_end_that_is_refused_may_be_tried_again(desk: Desk, slack: SlackServer) -> None:
    memory = desk.tell()
    slack.click(desk.channel, memory["ts"], SILENCE)
    until(lambda: slack.messages(desk.channel)[0].button(END_SILENCE))
    desk.silences.refusal = StorageError("the disk is full")
    slack.click(desk.channel, memory["ts"], END_SILENCE)
    until(lambda: len(desk.thread(memory)) == 2)
    desk.silences.refusal = None
    slack.click(desk.channel, memory["ts"], END_SILENCE)
    until(lambda: desk.silences.ended)
