"""Plain messages by an incoming webhook, whose address is the secret."""

from __future__ import annotations

import logging

import pytest
from tests.support.slacknotices import NOW, a_notice, out_alert
from tests.support.slackserver import Fault, SlackServer

from rabbitwatch.errors import DeliveryError
from rabbitwatch.model.notice import Reason
from rabbitwatch.notify.receivers.slack.message import Style
from rabbitwatch.notify.receivers.slack.webhook import SlackWebhook
from rabbitwatch.notify.templating import Texts

STYLE = Style(texts=Texts.of())


def webhook(slack: SlackServer, timeout: float = 5.0) -> SlackWebhook:
    return SlackWebhook(slack.webhook_url, STYLE, timeout=timeout)


def test_each_notice_is_a_message(slack: SlackServer) -> None:
    channel, sender = slack.channel("alerts"), webhook(slack)
    assert sender.send(a_notice([out_alert()]), {}, "1") == {}
    assert sender.send(a_notice([out_alert(ends_at=NOW)], Reason.ALL_RESOLVED), {}, "2") == {}
    first, second = slack.messages(channel)
    assert "*WARNING*" in first.blocks[0]["text"]["text"]
    assert "*RESOLVED*" in second.blocks[0]["text"]["text"]
    assert slack.calls[0].arguments["unfurl_links"] is False


def test_a_form_that_slack_refuses_is_told_in_plain_text(slack: SlackServer) -> None:
    channel = slack.channel("alerts")
    slack.then("webhook", Fault(400, b"invalid_attachments"))
    webhook(slack).send(a_notice([out_alert()]), {}, "1")
    assert slack.messages(channel)[0].attachments == []


@pytest.mark.parametrize(
    ("fault", "permanent", "retry_after", "reason"),
    [
        (Fault(403, b"invalid_token"), True, None, "incoming webhook: invalid_token"),
        (Fault(404, b"no_service"), True, None, "no_service"),
        (Fault(404, b"channel_not_found"), True, None, "channel_not_found"),
        (Fault(410, b"channel_is_archived"), True, None, "channel_is_archived"),
        (Fault(403, b"<html>proxy</html>"), True, None, "HTTP 403"),
        (Fault(429, b"rate_limited", {"Retry-After": "7"}), False, 7.0, "rate limited"),
        (Fault(500, b"rollup_error"), False, None, "rollup_error"),
        (Fault(502, b"<html>"), False, None, "HTTP 502"),
        (Fault(200, b"<html>log in</html>"), False, None, "the answer cannot be read"),
        (Fault(200, b"\xff"), False, None, "the answer cannot be read"),
        (Fault(hang_up=True), False, None, "RemoteDisconnected"),
        (Fault(pause=2.0), False, None, "no answer in time"),
    ],
)
def test_failures(
    slack: SlackServer,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    permanent: bool,
    retry_after: float | None,
    reason: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.channel("alerts")
    slack.then("webhook", fault)
    with pytest.raises(DeliveryError) as caught:
        webhook(slack, timeout=1.0).send(a_notice([out_alert()]), {}, "1")
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, retry_after)
    assert reason in caught.value.reason
    assert "SECRET" not in caught.value.reason + caplog.text
