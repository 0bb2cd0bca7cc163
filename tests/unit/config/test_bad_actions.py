"""Bindings that lead nowhere, guards that do not exist, modes without somebody to act as: refused with their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from rabbitwatch.config.bindings import unraised
from rabbitwatch.config.loading import Loaded, load
from rabbitwatch.errors import ConfigFileError

ACTING = "  username: hand\n  password: x\n"
LAG = "    - {matchers: ['alertname=\"Lag\"'], action: sync_queue"
PAIR = "clusters: [{name: a, nodes: [{url: 'http://a:1'}]}]\nnotify: {peer: {url: 'http://other:9419', position: 1}}\n"
RULES = {"Lag", "Drift"}


def loaded(tmp_path: Path, text: str) -> Loaded:
    file = tmp_path / "rabbitwatch.yml"
    file.write_text(text)
    return load(file, environment={})


def complaints(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        loaded(tmp_path, text)
    return [line.removeprefix(f"{tmp_path / 'rabbitwatch.yml'}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        (f"{LAG}, mode: auto}}", "3:5: actions.bindings: mode auto needs somebody to act as: set actions.username"),
        (f"{LAG}, mode: approve}}", "3:5: actions.bindings: mode approve needs somebody to act as"),
        (f"{LAG}, mode: always}}", "3:65: actions.bindings[0].mode: must be 'off', 'dry_run', 'approve' or 'auto'"),
        (
            LAG.replace("sync_queue", "explode") + "}",
            "3:47: actions.bindings[0].action: must be 'apply_policy', ",
        ),
        (
            LAG.replace("sync_queue", "propose_recovery") + ", mode: auto}",
            "3:71: actions.bindings[0].mode: propose_recovery never acts, it only tells: use dry_run",
        ),
        (f"{LAG}, colour: red}}", "3:59: actions.bindings[0]: unknown key 'colour'"),
        ("    - {matchers: [], action: resync}", "3:18: actions.bindings[0].matchers: must not be empty"),
        ("    - {matchers: ['a=~\"(\"'], action: resync}", "3:19: actions.bindings[0].matchers[0]: "),
        (f"{LAG}, queues: {{include: ['(']}}}}", "3:78: actions.bindings[0].queues.include[0]: "),
        (
            f"{LAG}}}\n    - {{matchers: ['alertname=\"Lag\"', 'queue=\"q\"'], action: resync}}",
            "4:7: actions.bindings[1]: this binding can never apply: actions.bindings[0] (line 3) before it takes all",
        ),
        (
            "    - {matchers: ['a=\"x\"', 'a=\"y\"'], action: resync}",
            "3:7: actions.bindings[0]: this binding can never apply: ",
        ),
    ],
)
def test_a_binding_that_cannot_be_meant(tmp_path: Path, section: str, complaint: str) -> None:
    (said,) = complaints(tmp_path, f"actions:\n  bindings:\n{section}\n")
    assert said.startswith(complaint)


@pytest.mark.parametrize(
    ("guards", "complaint"),
    [
        ("weather: {}", "1:20: actions.guards: unknown key 'weather'"),
        ("no_alarm: {enabled: false}", "1:20: actions.guards: unknown key 'no_alarm'"),
        (
            "rate: {windows: [night]}",
            "1:37: actions.guards.rate.windows[0]: unknown time interval 'night'",
        ),
        ("size: {memory_share: 2}", "1:41: actions.guards.size.memory_share: must be at most 1"),
    ],
)
def test_a_guard_that_is_none(tmp_path: Path, guards: str, complaint: str) -> None:
    (said,) = complaints(tmp_path, f"actions: {{guards: {{{guards}}}}}\n")
    assert said.startswith(complaint)


def test_a_window_may_come_from_an_alertmanager_yml(tmp_path: Path) -> None:
    (tmp_path / "am.yml").write_text(
        "route: {receiver: r}\nreceivers: [{name: r}]\n"
        "time_intervals: [{name: night, time_intervals: [{months: ['1']}]}]\n"
    )
    text = "notify: {alertmanager_file: am.yml}\nactions: {guards: {rate: {windows: [night]}}}\n"
    assert loaded(tmp_path, text).config.actions.guards.rate.windows == ("night",)


def test_an_alert_that_no_rule_raises(tmp_path: Path) -> None:
    text = "actions:\n  bindings:\n    - {matchers: ['alertname=~\"Leg|Log\"', 'queue=\"q\"'], action: sync_queue}\n"
    found = loaded(tmp_path, text)
    (error,), warnings = unraised(found.config.actions, RULES, found.places)
    assert warnings == []
    assert str(error) == (
        f"{tmp_path / 'rabbitwatch.yml'}:3:18: actions.bindings[0]: no loaded rule raises an alert with "
        'alertname=~"Leg|Log": correct the name, load its rule by rules.files, or open the webhook for it '
        "(actions.webhook)"
    )


@pytest.mark.parametrize("secret", ["token", "signing_secret"])
def test_one_that_the_webhook_may_bring_is_a_warning(tmp_path: Path, secret: str) -> None:
    found = loaded(tmp_path, f"actions:\n  webhook: {{{secret}: abcdef}}\n  bindings:\n{LAG}}}\n")
    errors, (warning,) = unraised(found.config.actions, {"Drift"}, found.places)
    assert errors == []
    assert warning.endswith('alertname="Lag": only the webhook can bring one')


@pytest.mark.parametrize(
    "matchers", ["'alertname=\"Lag\"'", "'alertname=~\"L.*\"'", "'severity=\"critical\"'", "'alertname!=\"Lag\"'"]
)
def test_one_that_a_rule_raises_is_fine(tmp_path: Path, matchers: str) -> None:
    found = loaded(tmp_path, f"actions:\n  bindings:\n    - {{matchers: [{matchers}], action: resync}}\n")
    assert unraised(found.config.actions, RULES, found.places) == ([], [])


def test_one_that_is_off_need_not_be_raised(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"actions:\n  bindings:\n{LAG}, mode: off}}\n")
    assert unraised(found.config.actions, set(), found.places) == ([], [])


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            f"actions:\n{ACTING}  lease: {{kind: file}}\n  bindings:\n{LAG}, mode: auto}}\n{PAIR}",
            "actions.lease: a lock in storage.path is this agent's alone",
        ),
        (f"actions:\n{ACTING}", "actions.username is set and no binding leads to an action"),
        ("actions: {webhook: {token: abc}}\n", "actions.webhook is open and no binding leads from its alerts anywhere"),
    ],
)
def test_what_works_and_is_risky(tmp_path: Path, text: str, warning: str) -> None:
    assert any(each.startswith(warning) for each in loaded(tmp_path, text).warnings)


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("  username: ''\n  password: x\n", "2:13: actions.username: string should have at least 1 character"),
        ("  webhook: {token: ''}\n", "2:20: actions.webhook.token: must not be empty"),
        ("  webhook: {signing_secret: ''}\n", "2:29: actions.webhook.signing_secret: must not be empty"),
    ],
)
def test_a_name_or_a_secret_that_is_empty(tmp_path: Path, section: str, complaint: str) -> None:
    (said,) = complaints(tmp_path, f"actions:\n{section}")
    assert said.startswith(complaint)


def test_a_user_that_polls_and_acts_is_warned_of(tmp_path: Path) -> None:
    same = loaded(tmp_path, "actions:\n  username: guest\n  password: x\n")
    assert any("'guest' polls and acts" in warning for warning in same.warnings)


def test_the_webhooks_secrets_are_read_from_files(tmp_path: Path) -> None:
    for name in ("token", "secret"):
        (tmp_path / name).write_text(f"a {name}\n")
    webhook = loaded(
        tmp_path, "actions:\n  webhook: {token_file: token, signing_secret_file: secret}\n"
    ).config.actions.webhook
    assert (webhook.token, webhook.signing_secret) == (SecretStr("a token"), SecretStr("a secret"))
