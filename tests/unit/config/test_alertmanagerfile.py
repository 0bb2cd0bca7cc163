"""An existing alertmanager.yml is taken over, and what cannot be is told with its place."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rabbitwatch.config.inhibitions import shipped_inhibit_rules
from rabbitwatch.config.loading import Loaded, load
from rabbitwatch.errors import ConfigFileError
from rabbitwatch.notify.routing import Routing

SITE = """
global:
  resolve_timeout: 5m
  smtp_smarthost: smtp.example.org:587
  smtp_from: alertmanager@example.org
  smtp_auth_username: alertmanager
  smtp_auth_password_file: smtp-password
  smtp_hello: host.example.org
  slack_api_url_file: slack-url
  opsgenie_api_key: unused-here
  http_config:
    proxy_url: http://proxy:3128
    tls_config: {ca_file: ca.pem}
templates: ['/etc/alertmanager/templates/*.tmpl']
route:
  group_by: [alertname, cluster]
  group_wait: 10s
  receiver: mails
  routes:
    - match_re: {service: ^(foo1|foo2|baz)$}
      receiver: pager
      routes:
        - match: {severity: critical}
          mute_time_intervals: [offhours, holidays]
    - matchers: [code = 500, 'team!=""']
      receiver: chat
      continue: true
    - match: {}
      matchers:
      receiver: others
inhibit_rules:
  - source_match: {severity: critical}
    target_match: {severity: warning}
    equal: [alertname, cluster]
time_intervals:
  - name: offhours
    time_intervals: [{times: [{start_time: '17:00', end_time: '24:00'}], location: Australia/Sydney}]
mute_time_intervals:
  - name: holidays
    time_intervals: [{months: [december], days_of_month: ['25:26']}]
receivers:
  - name: mails
    email_configs:
      - to: team@example.org
        send_resolved: true
        headers: {Subject: 'RabbitMQ', X-Priority: '1', X-Name: '{{ .CommonLabels.alertname }}'}
        html: '{{ template "mail" . }}'
      - to: second@example.org
        smarthost: other.example.org:465
        require_tls: false
        auth_username: me
        auth_password: s3cret-mail
  - name: pager
    pagerduty_configs:
      - routing_key: s3cret-pager
        severity: critical
        class: rabbitmq
  - name: chat
    slack_configs:
      - channel: '#alerts'
        title: A title
        text: '{{ range .Alerts }}x{{ end }}'
        color: danger
      - channel: '#bot'
        api_url: https://slack.com/api/chat.postMessage
        http_config: {authorization: {credentials: xoxb-s3cret}}
  - name: others
    webhook_configs:
      - url: http://user:s3cret-hook@hook/
        max_alerts: 7
        send_resolved: false
        http_config: {basic_auth: {username: me, password: s3cret-basic}, follow_redirects: false}
    telegram_configs:
      - bot_token_file: telegram-token
        chat_id: -100123
        message_thread_id: 7
    discord_configs:
      - webhook_url: https://discord.com/api/webhooks/1/s3cret
    msteams_configs:
      - webhook_url: https://example.webhook.office.com/webhookb2/s3cret
  - name: 'null'
"""


def loaded(folder: Path, text: str, own: str = "") -> Loaded:
    for name, secret in {
        "smtp-password": "s3cret-smtp\n",
        "slack-url": "https://hooks.slack.com/services/T000/B000/s3cret",
        "telegram-token": "123456:s3cret-telegram",
    }.items():
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    (folder / "alertmanager.yml").write_text(text)
    (folder / "alertmanager.yml").chmod(0o600)
    (folder / "agent.yml").write_text(f"notify: {{alertmanager_file: alertmanager.yml}}\n{own}")
    return load(folder / "agent.yml", environment={})


def complaints(folder: Path, text: str, own: str = "") -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        loaded(folder, text, own)
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_routes_and_intervals_are_taken_over(tmp_path: Path) -> None:
    config = loaded(tmp_path, SITE).config
    routes = list(Routing.of(config).all())
    assert [route.receiver for route in routes] == ["mails", "pager", "pager", "chat", "others"]
    assert {route.group_wait for route in routes} == {10.0}
    assert routes[2].mute_time_intervals == ("offhours", "holidays")
    assert [interval.name for interval in config.time_intervals] == ["offhours", "holidays"]
    assert config.inhibit_rules is not None
    assert [rule.equal for rule in config.inhibit_rules] == [("alertname", "cluster")]
    assert [receiver.name for receiver in config.receivers] == ["mails", "pager", "chat", "others", "null"]
    assert not config.receivers[-1].tells


def test_mail_takes_what_it_does_not_say_from_the_global_settings(tmp_path: Path) -> None:
    first, second = loaded(tmp_path, SITE).config.receivers[0].email_configs
    assert (first.smarthost, first.from_, first.hello) == (
        "smtp.example.org:587",
        "alertmanager@example.org",
        "host.example.org",
    )
    assert (first.auth_username, first.encryption, first.send_resolved) == ("alertmanager", "starttls", True)
    assert first.auth_password is not None
    assert first.auth_password.get_secret_value() == "s3cret-smtp"
    assert (first.subject, first.html, first.headers) == ("RabbitMQ", None, {"X-Priority": "1"})
    assert (second.auth_username, second.encryption, second.send_resolved) == ("me", "tls", False)


def test_slack_by_webhook_and_by_bot(tmp_path: Path) -> None:
    hook, bot = loaded(tmp_path, SITE).config.receivers[2].slack_configs
    assert hook.api_url is not None
    assert hook.api_url.get_secret_value().endswith("/s3cret")
    assert (hook.title, hook.text, hook.send_resolved) == ("A title", None, False)
    assert bot.bot_token is not None
    assert (bot.bot_token.get_secret_value(), bot.api_url, bot.channel) == ("xoxb-s3cret", None, "#bot")


def test_the_others(tmp_path: Path) -> None:
    config = loaded(tmp_path, SITE).config
    (pager,) = config.receivers[1].pagerduty_configs
    assert (pager.severity, pager.send_resolved, pager.http.proxy_url) == ("critical", True, "http://proxy:3128")
    assert pager.http.tls.ca_file == tmp_path / "ca.pem"
    others = config.receivers[3]
    (hook,) = others.webhook_configs
    assert (hook.max_alerts, hook.send_resolved, hook.http.username, hook.http.proxy_url) == (7, False, "me", None)
    addresses = [each.url.get_secret_value() for each in others.apprise_configs if each.url]
    assert addresses == [
        "tgram://123456:s3cret-telegram/-100123:7/",
        "https://discord.com/api/webhooks/1/s3cret",
        "https://example.webhook.office.com/webhookb2/s3cret",
    ]


def test_what_has_no_counterpart_is_a_warning_with_its_place(tmp_path: Path) -> None:
    found = loaded(tmp_path, SITE).warnings
    told = [line.removeprefix(f"{tmp_path}/alertmanager.yml:") for line in found if "alertmanager.yml:" in line]
    assert [line.partition(": ")[2] for line in told] == [
        "receivers[0].email_configs[0].headers.X-Name: a Go template cannot be used here: the header is left out",
        "receivers[0].email_configs[0].html: a Go template cannot be used here: the shipped text is used instead",
        "receivers[1].pagerduty_configs[0]: class has no counterpart here and is not used",
        "receivers[2].slack_configs[0]: color has no counterpart here and is not used",
        "receivers[2].slack_configs[0]: http_config is not used for this kind of receiver",
        "receivers[2].slack_configs[0].text: a Go template cannot be used here: the shipped text is used instead",
        "receivers[3].webhook_configs[0].http_config: follow_redirects has no counterpart here and is not used",
        "receivers[3].telegram_configs[0]: http_config is not used for this kind of receiver",
        "receivers[3].discord_configs[0]: http_config is not used for this kind of receiver",
        "receivers[3].msteams_configs[0]: http_config is not used for this kind of receiver",
        "templates: Go templates cannot be used here: the shipped texts are used, or those of notify.templates",
    ]
    lines = SITE.splitlines()
    for line in told:
        number, path = int(line.partition(":")[0]), line.partition(": ")[2].partition(":")[0]
        key = path.rpartition(".")[2].partition("[")[0]
        assert key in lines[number - 1] + lines[number - 2]


def test_no_secret_shows_and_all_are_known_to_the_logs(tmp_path: Path) -> None:
    got = loaded(tmp_path, SITE)
    assert "s3cret" not in repr(got.config) + str(got.warnings)
    assert {"s3cret-smtp", "s3cret-pager", "xoxb-s3cret", "123456:s3cret-telegram", "s3cret-mail"} <= got.secrets
    assert "s3cret-basic" in got.secrets


def test_a_file_with_secrets_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    text = "route: {receiver: a}\nreceivers: [{name: a, pagerduty_configs: [{routing_key: s3cret-pager}]}]\n"
    loaded(tmp_path, text)
    (tmp_path / "alertmanager.yml").chmod(0o644)
    (told,) = load(tmp_path / "agent.yml", environment={}).warnings
    assert told.startswith(f"{tmp_path}/alertmanager.yml holds a secret and everybody on this machine can read it")


def test_without_inhibition_rules_the_shipped_ones_hold(tmp_path: Path) -> None:
    text = "route: {receiver: a}\nreceivers: [{name: a}]\n"
    assert loaded(tmp_path, text).config.inhibit_rules == shipped_inhibit_rules()
    assert loaded(tmp_path, text + "inhibit_rules: []").config.inhibit_rules == ()


def test_what_can_never_match_is_a_warning_because_alertmanager_takes_it(tmp_path: Path) -> None:
    text = "receivers: [{name: a}]\nroute:\n  receiver: a\n  routes: [{}, {match: {a: b}}]\n"
    (told,) = loaded(tmp_path, text).warnings
    assert told.startswith(f"{tmp_path}/alertmanager.yml:4:16: route.routes[1]: this route can never match")


def test_a_receiver_called_null_without_quotes_is_a_warning(tmp_path: Path) -> None:
    text = "receivers: [{name: a}]\nroute:\n  receiver: a\n  routes: [{receiver: null, match: {a: b}}]\n"
    got = loaded(tmp_path, text)
    assert [route.receiver for route in Routing.of(got.config).all()] == ["a", "a"]
    (told,) = got.warnings
    assert told.startswith(
        f"{tmp_path}/alertmanager.yml:4:23: route.routes[0].receiver: has no value, so the route above"
    )


ROUTE = "route: {receiver: a}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("receivers: [{name: a}]", "1:1: lacks the key 'route'"),
        (ROUTE, "1:19: route.receiver: unknown receiver 'a'; known: none"),
        (
            ROUTE + "receivers: [{name: a, opsgenie_configs: [{api_key: s3cret}]}]",
            (
                "2:41: receivers[0].opsgenie_configs: the agent cannot speak to opsgenie by itself: list this "
                "Alertmanager under `alertmanagers` instead, or write the receiver in the agent's own configuration"
            ),
        ),
        (
            ROUTE + "receivers: [{name: a, slack_configs: [{channel: x}]}]",
            "2:39: receivers[0].slack_configs[0]: lacks bot_token or api_url: give one, or its _file",
        ),
        (
            ROUTE + "receivers: [{name: a, slack_configs: [{api_url_file: none}]}]",
            "2:54: receivers[0].slack_configs[0].api_url_file: cannot read {folder}/none: No such file or directory",
        ),
        (
            ROUTE + "receivers: [{name: a, slack_configs: [{api_url: 'https://x/', channel: '{{ .C }}'}]}]",
            (
                "2:72: receivers[0].slack_configs[0].channel: a template cannot say here who is told: write it out, or "
                "list this Alertmanager under `alertmanagers` instead, or write the receiver in the agent's own "
                "configuration"
            ),
        ),
        (
            ROUTE + "receivers: [{name: a, pagerduty_configs: [{service_key: s3cret}]}]",
            (
                "2:57: receivers[0].pagerduty_configs[0].service_key: belongs to PagerDuty's old Events API: give the "
                "routing_key of one of version 2"
            ),
        ),
        (
            ROUTE + "receivers: [{name: a, email_configs: [{to: a@b}]}]",
            (
                "2:39: receivers[0].email_configs[0]: from: '' is no mail address; write it like on-call@example.org, "
                "several with commas"
            ),
        ),
        (
            ROUTE + "receivers: [{name: a, webhook_configs: [{url: 'http://x', http_config: {oauth2: {a: b}}}]}]",
            (
                "2:81: receivers[0].webhook_configs[0].http_config.oauth2: oauth2 has no counterpart here: list this "
                "Alertmanager under `alertmanagers` instead, or write the receiver in the agent's own configuration"
            ),
        ),
        (
            ROUTE + "receivers: [{name: a, slack_config: []}]",
            "2:23: receivers[0]: unknown key 'slack_config', did you mean 'slack_configs'?",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_an_error_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    found = complaints(tmp_path, text)
    expected = f"alertmanager.yml:{complaint}".replace("{folder}", str(tmp_path))
    assert expected in found
    assert not [line for line in found if "s3cret" in line]


def test_the_same_cannot_be_said_in_both_files(tmp_path: Path) -> None:
    text = ROUTE + "receivers: [{name: a}]"
    assert complaints(tmp_path, text, "inhibit_rules: []\nreceivers: []") == [
        "agent.yml:2:1: inhibit_rules: notify.alertmanager_file says this already: keep one of the two",
        "agent.yml:3:1: receivers: notify.alertmanager_file says this already: keep one of the two",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "agent.yml").write_text("notify: {alertmanager_file: nowhere.yml}")
    with pytest.raises(ConfigFileError, match=r"nowhere\.yml: cannot be read"):
        load(tmp_path / "agent.yml", environment={})


@pytest.mark.prometheus
@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_amtool_takes_the_example_too(tmp_path: Path) -> None:
    known: dict[str, Any] = yaml.safe_load(SITE)
    for receiver in known["receivers"]:
        receiver.pop("msteams_configs", None)  # later than 0.25, like the two keys below
        for telegram in receiver.get("telegram_configs", ()):
            del telegram["bot_token_file"], telegram["message_thread_id"]
            telegram["bot_token"] = "x"
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(known))
    done = subprocess.run(
        ["amtool", "check-config", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
