"""From the configuration to integrations: every kind, keys that last, faults with places, secrets that stay in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from rabbitwatch.config.receivers import (
    AppriseConfig,
    FileConfig,
    HttpAuth,
    PagerdutyConfig,
    ReceiverConfig,
    SlackConfig,
    WebhookConfig,
)
from rabbitwatch.errors import ConfigFileError, Place
from rabbitwatch.notify.receivers.table import KINDS, hidden, integrations
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.redaction import Redactor

HOOK = "https://user:pa55word@hooks.example.org/services/T0/B%2F0/s3cr3t?key=qu3ry-s3cr3t&x=1"


def test_every_kind_of_the_configuration_has_its_maker() -> None:
    kinds = {name.removesuffix("_configs") for name in ReceiverConfig.model_fields if name.endswith("_configs")}
    assert set(KINDS) == kinds


def test_integrations_by_receiver_with_keys_that_last() -> None:
    receivers = [
        ReceiverConfig(
            name="team",
            webhook_configs=(
                WebhookConfig(url=SecretStr(HOOK)),
                WebhookConfig(url=SecretStr(HOOK), send_resolved=False),
            ),
            pagerduty_configs=(PagerdutyConfig(routing_key=SecretStr("k" * 32)),),
            apprise_configs=(AppriseConfig(url=SecretStr("json://localhost")),),
            slack_configs=(SlackConfig(bot_token=SecretStr("xoxb-1"), channel="#c"),),
            file_configs=(FileConfig(path=Path("-")),),
        ),
        ReceiverConfig(name="nobody"),
    ]
    threads = set(threading.enumerate())
    made = integrations(receivers, Tools())
    assert [each.key for each in made["team"]] == [
        "team/slack[0]",
        "team/webhook[0]",
        "team/webhook[1]",
        "team/pagerduty[0]",
        "team/apprise[0]",
        "team/file[0]",
    ]
    assert made["nobody"] == []
    assert [each.send_resolved for each in made["team"][1:3]] == [True, False]
    assert set(threading.enumerate()) <= threads, "none is begun before the first notice"
    for integration in made["team"]:
        integration.close()


def test_all_that_cannot_be_made_is_named_with_its_place_and_without_secrets() -> None:
    bad = WebhookConfig.model_construct(
        url=SecretStr("s3cr3t"), url_file=None, max_alerts=0, http=HttpAuth(), timeout=1.0
    )
    receivers = [
        ReceiverConfig(name="good", file_configs=(FileConfig(),)),
        ReceiverConfig.model_construct(
            name="team",
            webhook_configs=(bad,),
            apprise_configs=(AppriseConfig(url=SecretStr("nosuch://s3cr3t")),),
            **{f"{kind}_configs": () for kind in KINDS if kind not in {"webhook", "apprise"}},
        ),
    ]
    places = {"receivers[1].webhook_configs[0]": Place("c.yml", 7, 9)}
    with pytest.raises(ConfigFileError) as caught:
        integrations(receivers, Tools(), places=places)
    assert str(caught.value).splitlines() == [
        "c.yml:7:9: receiver team/webhook[0]: url is no address; write it like https://example.org/path",
        (
            "receiver team/apprise[0]: url is none that apprise understands: "
            "see https://appriseit.com/services/ for its form"
        ),
    ]


@pytest.mark.parametrize(
    "text",
    [
        HOOK,
        "Max retries exceeded with url: /services/T0/B%2F0/s3cr3t?key=qu3ry-s3cr3t&x=1",
        "no route for /services/T0/B/0/s3cr3t",
        "unknown key qu3ry-s3cr3t",
        "login user:pa55word refused",
        "bad password pa55word",
        "header X-Api-Key: h3ader-s3cr3t",
        "token b3arer-s3cr3t",
    ],
)
def test_no_part_of_a_secret_address_or_header_gets_out(text: str) -> None:
    http = HttpAuth(headers={"X-Api-Key": "h3ader-s3cr3t"}, bearer_token=SecretStr("b3arer-s3cr3t"))
    redacted = Redactor(hidden(WebhookConfig(url=SecretStr(HOOK), http=http)))(text)
    assert "s3cr3t" not in redacted
    assert "pa55word" not in redacted


def test_what_is_no_secret_stays_readable() -> None:
    redact = Redactor(hidden(WebhookConfig(url=SecretStr(HOOK))))
    assert redact("https://hooks.example.org answered with status 500") == (
        "https://hooks.example.org answered with status 500"
    )
