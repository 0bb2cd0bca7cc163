"""One message a group, edited as it changes; what Slack refuses, and what nobody knows whether it arrived."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time

import pytest
from tests.support.slacknotices import GROUP_KEY, NOW, a_notice, out_alert
from tests.support.slackserver import Fault, Message, SlackServer, error, limited

from rabbitwatch.config.receivers import ReceiverConfig
from rabbitwatch.errors import DeliveryError
from rabbitwatch.model.notice import Notice, OutAlert, Reason
from rabbitwatch.notify.ports import Doubting, Memory
from rabbitwatch.notify.receivers.base import Ending, Outcome
from rabbitwatch.notify.receivers.slack.api import SlackApi
from rabbitwatch.notify.receivers.slack.bot import SlackBot
from rabbitwatch.notify.receivers.slack.message import Style
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.templating import Texts

A, B, C = out_alert("a"), out_alert("b"), out_alert("c")
OVER = out_alert("b", ends_at=NOW)
POST = "chat.postMessage"


def bot(slack: SlackServer, channel: str = "#alerts", *, token: str | None = None, timeout: float = 5.0) -> SlackBot:
    style = Style(texts=Texts.of(), mention="<!here>")
    return SlackBot(SlackApi(token or slack.bot_token, slack.api), channel, style, timeout=timeout)


def title(message: Message) -> str:
    return str(message.blocks[0]["text"]["text"])


def test_a_group_is_one_message_edited_as_it_changes(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    memory = sender.send(a_notice([A]), {}, "1")
    memory = sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    memory = sender.send(a_notice([A, OVER], Reason.SOME_RESOLVED), memory, "3")
    [message] = slack.messages(channel)
    assert message.edits == 2
    assert "1 firing, 1 resolved" in title(message)
    replies = [title(each) for each in slack.thread(channel, message.ts)]
    assert replies[0].startswith("⚠️ 1 new: now 2 firing\n")
    assert "queue `b`" in replies[0]
    assert "queue `a`" not in replies[0]
    assert replies[1].startswith("✅ 1 resolved, 1 still firing\n")

    over = [out_alert("a", ends_at=NOW), OVER]
    assert sender.send(a_notice(over, Reason.ALL_RESOLVED), memory, "4") == {}
    [message] = slack.messages(channel)
    assert "*RESOLVED*" in title(message)
    assert title(slack.thread(channel, message.ts)[-1]).startswith("✅ Resolved: all 2 alerts, after 10 min")

    sender.send(a_notice([A]), {}, "5")
    assert len(slack.messages(channel)) == 2


def test_a_repetition_is_seen_in_the_channel_and_calls(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    memory = sender.send(a_notice([A]), {}, "1")
    sender.send(a_notice([A], Reason.REPEAT), memory, "2")
    message, reply = slack.messages(channel)
    assert reply.thread_ts == message.ts
    assert reply.broadcast
    assert title(reply).startswith("<!here> ⚠️ Still 1 firing, since <!date^")


def test_what_gets_worse_is_seen_in_the_channel(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    memory = sender.send(a_notice([A]), {}, "1")
    memory = sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    assert len(slack.messages(channel)) == 1
    sender.send(a_notice([A, B, out_alert("c", severity="critical")], Reason.NEW), memory, "3")
    assert title(slack.messages(channel)[1]).startswith("<!here> 🚨 1 new")


def test_of_very_many_only_the_numbers_are_told(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    alerts = [out_alert(f"q{n}") for n in range(150)]
    memory = sender.send(a_notice(alerts), {}, "1")
    assert len(json.dumps(dict(memory))) < 1500
    memory = sender.send(a_notice([*alerts, A], Reason.NEW), memory, "2")
    [reply] = slack.thread(channel, memory["ts"])
    assert title(reply) == "⚠️ Now 151 firing (before: 150)"


def test_every_call_forbids_previews_links_and_mentions_of_its_own(slack: SlackServer) -> None:
    slack.channel("alerts")
    sender = bot(slack)
    memory = sender.send(a_notice([A]), {}, "1")
    sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    assert [call.method for call in slack.calls] == [POST, "chat.update", POST]
    for call in slack.calls:
        assert call.arguments["parse"] == "none"
        assert call.arguments["link_names"] is False
    for call in slack.called(POST):
        assert call.arguments["unfurl_links"] is False
        assert call.arguments["unfurl_media"] is False


@pytest.mark.parametrize("reason", [Reason.NEW, Reason.REPEAT])
def test_a_message_that_is_gone_is_posted_anew(slack: SlackServer, reason: Reason) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    memory = sender.send(a_notice([A]), {}, "1")
    slack.delete(channel, memory["ts"])
    again = sender.send(a_notice([A, B], reason), memory, "2")
    [message] = slack.messages(channel)
    assert again["ts"] == message.ts != memory["ts"]
    assert "2 firing" in title(message)


@pytest.mark.parametrize("code", ["cant_update_message", "edit_window_closed"])
def test_a_message_that_cannot_be_edited_is_posted_anew(slack: SlackServer, code: str) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    memory = sender.send(a_notice([A]), {}, "1")
    slack.then("chat.update", error(code))
    assert sender.send(a_notice([A, B], Reason.NEW), memory, "2")["ts"] != memory["ts"]
    assert len(slack.messages(channel)) == 2


def test_another_channel_in_the_configuration_gets_a_message_of_its_own(slack: SlackServer) -> None:
    slack.channel("alerts")
    other = slack.channel("other")
    memory = bot(slack).send(a_notice([A]), {}, "1")
    bot(slack, other).send(a_notice([A, B], Reason.NEW), memory, "2")
    assert len(slack.messages(other)) == 1


def test_the_end_of_a_group_nobody_remembers_is_told_all_the_same(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    assert bot(slack).send(a_notice([OVER], Reason.ALL_RESOLVED), {}, "1") == {}
    assert "*RESOLVED*" in title(slack.messages(channel)[0])


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_attachments", "msg_blocks_too_long"])
def test_what_slack_refuses_for_its_form_is_told_in_plain_text(slack: SlackServer, code: str) -> None:
    channel = slack.channel("alerts")
    slack.then(POST, error(code))
    assert bot(slack).send(a_notice([A]), {}, "1")["ts"]
    [message] = slack.messages(channel)
    assert message.text == "⚠️ [WARNING 1 firing] RabbitMQMirrorsMissing orders - A mirror is missing."
    assert message.blocks == []
    assert message.metadata is not None


def test_refused_metadata_is_left_out(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    slack.then(POST, error("invalid_metadata_format"))
    bot(slack).send(a_notice([A]), {}, "1")
    assert slack.messages(channel)[0].metadata is None


FINAL, AGAIN = True, False


@pytest.mark.parametrize(
    ("fault", "permanent", "reason"),
    [
        (error("invalid_auth"), FINAL, "chat.postMessage: invalid_auth (the token is wrong"),
        (error("token_revoked"), FINAL, "token_revoked (renew the token)"),
        (error("channel_not_found"), FINAL, "channel_not_found (no such channel"),
        (error("not_in_channel"), FINAL, "not_in_channel (invite the app to the channel)"),
        (error("is_archived"), FINAL, "is_archived (the channel is archived"),
        (error("missing_scope", needed="chat:write"), FINAL, "grant the app the scope chat:write"),
        (error("missing_scope", needed="<evil>\n"), FINAL, "missing_scope (grant the app this scope"),
        (error("restricted_action"), FINAL, "restricted_action"),
        (error("internal_error"), AGAIN, "internal_error"),
        (error("fatal_error"), AGAIN, "fatal_error"),
        (error("service_unavailable"), AGAIN, "service_unavailable"),
        (error("request_timeout"), AGAIN, "request_timeout"),
        (error("a_word_of_next_year"), AGAIN, "a_word_of_next_year"),
        (error("not\na word <x>"), AGAIN, "the answer cannot be read"),
        (Fault(500, b"oops"), AGAIN, "HTTP 500"),
        (Fault(503, b"{}"), AGAIN, "HTTP 503"),
        (Fault(404, b"<html>no Slack here</html>"), FINAL, "HTTP 404"),
        (Fault(200, b"<html>log in</html>"), AGAIN, "the answer cannot be read"),
        (Fault(200, b"[1, 2]"), AGAIN, "the answer cannot be read"),
        (Fault(200, b"\xff\xfe"), AGAIN, "the answer cannot be read"),
        (Fault(200, b'{"ok": true}'), AGAIN, "does not say where the message is"),
        (Fault(200, b"", {"Content-Length": "50"}, hang_up=False), AGAIN, ""),
        (Fault(hang_up=True), AGAIN, "RemoteDisconnected"),
    ],
)
def test_failures(slack: SlackServer, fault: Fault, permanent: bool, reason: str) -> None:
    slack.channel("alerts")
    slack.then(POST, fault)
    if fault.headers:
        slack.then(POST, *[fault] * 3)
    with pytest.raises(DeliveryError) as caught:
        bot(slack, timeout=1.0).send(a_notice([A]), {}, "1")
    assert caught.value.permanent is permanent
    assert caught.value.retry_after is None
    assert reason in caught.value.reason
    assert "\n" not in caught.value.reason
    assert slack.bot_token not in caught.value.reason


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (limited(17), 17.0),
        (error("ratelimited"), 30.0),
        (Fault(429, b"<html>"), 30.0),
        (Fault(429, b"{}", {"Retry-After": "soon"}), 30.0),
    ],
)
def test_how_long_to_wait_is_as_slack_says(slack: SlackServer, fault: Fault, seconds: float) -> None:
    slack.channel("alerts")
    slack.then(POST, fault)
    with pytest.raises(DeliveryError) as caught:
        bot(slack).send(a_notice([A]), {}, "1")
    assert not caught.value.permanent
    assert caught.value.retry_after == seconds
    assert len(slack.called(POST)) == 1


def test_nobody_at_the_address() -> None:
    style = Style(texts=Texts.of())
    sender = SlackBot(SlackApi("xoxb-secret", "http://127.0.0.1:1/api/"), "#alerts", style, timeout=2.0)
    with pytest.raises(DeliveryError, match="cannot connect: Connection refused") as caught:
        sender.send(a_notice([A]), {}, "1")
    assert not caught.value.permanent


def test_one_attempt_takes_no_longer_than_its_time(slack: SlackServer) -> None:
    slack.channel("alerts")
    sender = bot(slack, timeout=1.0)
    memory = sender.send(a_notice([A]), {}, "1")
    slack.then("chat.update", Fault(pause=0.7, done=True))
    slack.then(POST, Fault(pause=3.0, done=True))
    began = time.monotonic()
    with pytest.raises(DeliveryError, match="no answer in time"):
        sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    assert time.monotonic() - began < 2.5


def test_a_token_of_an_app_that_is_gone_shows_nowhere(slack: SlackServer, caplog: pytest.LogCaptureFixture) -> None:
    slack.channel("alerts")
    caplog.set_level(logging.DEBUG)
    sender = bot(slack, token="xoxb-999-another-SECRET")
    with pytest.raises(DeliveryError) as caught:
        sender.send(a_notice([A]), {}, "1")
    slack.then(POST, Fault(hang_up=True))
    with pytest.raises(DeliveryError):
        sender.send(a_notice([A]), {}, "2")
    assert "SECRET" not in caplog.text + str(caught.value) + repr(caught.value)
    assert [record.name for record in caplog.records if not record.name.startswith("websockets")] == []


LATE = Fault(pause=1.5, done=True)
"""Slack does it, and its answer comes too late."""


def test_a_message_that_arrived_without_an_answer_is_not_sent_twice(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack, timeout=1.0)
    slack.then(POST, LATE)
    with pytest.raises(DeliveryError):
        sender.send(a_notice([A]), {}, "1")
    memory = sender.send(a_notice([A]), {}, "1")
    [message] = slack.messages(channel)
    assert (memory["channel"], memory["ts"]) == (channel, message.ts)
    sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    assert message.ts == slack.messages(channel)[0].ts


def test_a_reply_that_arrived_without_an_answer_is_not_sent_twice(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack, timeout=1.0)
    memory = sender.send(a_notice([A]), {}, "1")
    slack.then(POST, LATE)
    with pytest.raises(DeliveryError):
        sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    after = sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    assert after["ts"] == memory["ts"]
    assert after["count"] == "2"
    assert len(slack.thread(channel, memory["ts"])) == 1


def test_one_that_did_not_arrive_is_sent(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    slack.then(POST, Fault(hang_up=True))
    with pytest.raises(DeliveryError):
        sender.send(a_notice([A]), {}, "1")
    sender.send(a_notice([A]), {}, "1")
    assert len(slack.messages(channel)) == 1
    assert len(slack.called("conversations.history")) == 1


def test_what_failed_for_certain_is_sent_without_a_look(slack: SlackServer) -> None:
    slack.channel("alerts")
    sender = bot(slack)
    for fault in (limited(1), error("not_in_channel")):
        slack.then(POST, fault)
        with pytest.raises(DeliveryError):
            sender.send(a_notice([A]), {}, "1")
    sender.send(a_notice([A]), {}, "1")
    assert not slack.called("conversations.history")


def test_a_try_that_was_given_up_and_arrives_later_is_found(slack: SlackServer) -> None:
    """The lane gives up a try that takes too long, and begins another while Slack still works on the first."""
    channel, sender = slack.channel("alerts"), bot(slack)
    slack.then(POST, Fault(pause=0.6, done=True))
    given_up = threading.Thread(target=sender.send, args=(a_notice([A]), {}, "1"), daemon=True)
    given_up.start()
    time.sleep(0.3)
    sender.send(a_notice([A]), {}, "1")
    given_up.join()
    assert len(slack.messages(channel)) == 1


def killed(slack: SlackServer, notice: Notice, memory: Memory, attempt: str) -> SlackBot:
    """The process was killed when Slack had taken this; the sender of the next process, which was told so."""
    bot(slack).send(notice, memory, attempt)
    sender = bot(slack)
    assert isinstance(sender, Doubting)
    sender.doubt(GROUP_KEY, attempt, time.time() - 1)
    return sender


def test_what_slack_took_before_a_kill_is_not_sent_again(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    sender = killed(slack, a_notice([A]), {}, "1")
    memory = sender.send(a_notice([A]), {}, "1")
    [message] = slack.messages(channel)
    assert memory["ts"] == message.ts
    assert message.edits == 0


def test_a_group_that_changed_meanwhile_goes_on_with_the_message_found(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    sender = killed(slack, a_notice([A]), {}, "1")
    sender.send(a_notice([A, B]), {}, "2")
    message, reply = slack.messages(channel)
    assert "2 firing" in title(message)
    assert reply.thread_ts == message.ts


def test_a_group_that_ended_meanwhile_ends_the_message_found(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    sender = killed(slack, a_notice([A]), {}, "1")
    assert sender.send(a_notice([OVER], Reason.ALL_RESOLVED), {}, "2") == {}
    message, reply = slack.messages(channel)
    assert "*RESOLVED*" in title(message)
    assert reply.thread_ts == message.ts


def test_a_reply_that_slack_took_before_a_kill_is_not_sent_again(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    memory = bot(slack).send(a_notice([A]), {}, "1")
    sender = killed(slack, a_notice([A, B], Reason.NEW), memory, "2")
    sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    assert len(slack.thread(channel, memory["ts"])) == 1


def test_a_message_posted_anew_before_a_kill_is_found_too(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    memory = bot(slack).send(a_notice([A]), {}, "1")
    slack.delete(channel, memory["ts"])
    sender = killed(slack, a_notice([A, B], Reason.NEW), memory, "2")
    after = sender.send(a_notice([A, B], Reason.NEW), memory, "2")
    [message] = slack.messages(channel)
    assert after["ts"] == message.ts


def test_it_is_found_among_many(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    sender = killed(slack, a_notice([A]), {}, "1")
    for n in range(450):
        bot(slack).send(a_notice([A], group_key=f"other {n}"), {}, f"other {n}")
    sender.send(a_notice([A]), {}, "1")
    assert len(slack.messages(channel)) == 451
    assert len(slack.called("conversations.history")) == 3


def test_the_same_attempt_of_another_group_is_no_evidence(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    bot(slack).send(a_notice([A], group_key="other"), {}, "1")
    sender = bot(slack)
    sender.doubt(GROUP_KEY, "1", time.time() - 1)
    sender.send(a_notice([A]), {}, "1")
    assert len(slack.messages(channel)) == 2


@pytest.mark.parametrize("scope", ["channels:history", "channels:read"])
def test_where_slack_does_not_let_us_look_it_is_sent(slack: SlackServer, scope: str) -> None:
    channel = slack.channel("alerts")
    sender = killed(slack, a_notice([A]), {}, "1")
    slack.scopes.remove(scope)
    sender.send(a_notice([A]), {}, "1")
    assert len(slack.messages(channel)) == 2


def test_where_slack_cannot_be_asked_now_it_waits(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    sender = killed(slack, a_notice([A]), {}, "1")
    slack.then("conversations.history", limited(9))
    with pytest.raises(DeliveryError) as caught:
        sender.send(a_notice([A]), {}, "1")
    assert caught.value.retry_after == 9
    sender.send(a_notice([A]), {}, "1")
    assert len(slack.messages(channel)) == 1


def test_a_channel_given_by_its_id_needs_no_list(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    sender = bot(slack, channel)
    sender.doubt(GROUP_KEY, "1", time.time())
    sender.send(a_notice([A]), {}, "1")
    assert not slack.called("conversations.list")
    assert len(slack.called("conversations.history")) == 1


def test_hostile_names_reach_slack_harmless(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    hostile: list[OutAlert] = [
        out_alert(f"<!channel> <https://e.example|x> *b* `c` {n}", annotations={"summary": "<!here> *all well* @here"})
        for n in range(3)
    ]
    memory = sender.send(a_notice(hostile[:1], group_labels={"queue": "<!everyone>"}), {}, "1")
    sender.send(a_notice(hostile, Reason.NEW, group_labels={"queue": "<!everyone>"}), memory, "2")
    for message in [*slack.messages(channel), *slack.thread(channel, memory["ts"])]:
        said = json.dumps([message.text, message.blocks, message.attachments], ensure_ascii=False)
        for own in ("<!here> ⚠️", "<!date^", "<https://rabbitwatch.example.org/"):
            said = said.replace(own, "")
        assert "<!" not in said
        assert "<http" not in said
        assert "@here" not in said


@pytest.mark.parametrize(
    ("seconds", "said"), [(20, "less than a minute"), (600, "10 min"), (7500, "2 h 5 min"), (180_000, "2 d 2 h")]
)
def test_how_long_it_lasted(slack: SlackServer, seconds: float, said: str) -> None:
    channel, sender = slack.channel("alerts"), bot(slack)
    memory = sender.send(a_notice([A]), {}, "1")
    over = [out_alert("a", starts_at=NOW - seconds, ends_at=NOW)]
    sender.send(a_notice(over, Reason.ALL_RESOLVED), memory, "2")
    assert title(slack.thread(channel, memory["ts"])[0]).startswith(f"✅ Resolved: the alert, after {said}\n")


def test_through_its_lane_it_is_sent_when_slack_says_and_remembered(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    slack.then(POST, limited(1), Fault(500))
    keys = {"bot_token": slack.bot_token, "api": slack.api, "channel": channel}
    receiver = ReceiverConfig.model_validate({"name": "team", "slack_configs": [keys]})
    [lane] = integrations([receiver], Tools())["team"]
    ended: queue.Queue[Outcome] = queue.Queue()
    began = time.monotonic()
    lane.submit(a_notice([A]), memory={}, attempt="1", done=ended.put)
    outcome = ended.get(timeout=30)
    assert time.monotonic() - began > 1
    assert (outcome.ending, outcome.tries) == (Ending.SENT, 3)
    lane.submit(a_notice([A, B], Reason.NEW), memory=outcome.memory, attempt="2", done=ended.put)
    assert ended.get(timeout=30).ending is Ending.SENT
    assert len(slack.messages(channel)) == 1
    lane.close()
