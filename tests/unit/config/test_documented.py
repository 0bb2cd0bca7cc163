"""The examples in docs/ can be used as they stand, and name every key that there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from rabbitwatch.config.loading import load
from rabbitwatch.config.models import Config
from rabbitwatch.config.notices import NotifyConfig, RouteConfig
from rabbitwatch.config.problems import _keys, _models
from rabbitwatch.config.receivers import FileConfig, PagerdutyConfig, SlackConfig
from rabbitwatch.config.webfile import WebFile
from rabbitwatch.notify.routing import build

DOCS = Path(__file__).resolve().parents[3] / "docs"
REFUSED = {"cert", "key", "client_ca"}  # web.yml's inline certificates: explained, never to be copied


def example(page: str, number: int = 0) -> str:
    found: list[str] = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    return found[number]


def with_key(page: str, key: str) -> str:
    """The example that has this key at its top."""
    found = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    (one,) = [each for each in found if re.search(rf"^{key}:", each, re.MULTILINE)]
    return str(one)


def test_the_examples_load(tmp_path: Path) -> None:
    parts = [example("configuration.md", number) for number in range(2)]
    (tmp_path / "c.yml").write_text("".join([*parts, with_key("configuration.md", "actions")]))
    (tmp_path / "web.yml").write_text(with_key("http.md", "basic_auth_users"))
    loaded = load(tmp_path / "c.yml", environment={})
    assert loaded.web is not None
    assert list(loaded.web.basic_auth_users) == ["prometheus"]
    assert [each.action for each in loaded.config.actions.bindings] == ["sync_queue"]


def test_the_values_shown_are_the_defaults() -> None:
    shown = Config.model_validate(yaml.safe_load(example("configuration.md")))
    default = Config()
    assert shown.poll == default.poll
    assert shown.storage == default.storage
    assert shown.web.listen == default.web.listen
    differing = {"name", "nodes", "url_template", "tls"}
    (one,), (other,) = shown.clusters, default.clusters
    assert one.model_dump(exclude=differing) == other.model_dump(exclude=differing)


def test_the_example_of_notices_shows_defaults_where_it_says_so() -> None:
    shown = Config.model_validate(yaml.safe_load(example("configuration.md", 1)))
    assert shown.route is not None
    (chat, pager, nobody) = shown.receivers
    assert not nobody.tells
    (slack,), (mail,), (page,) = chat.slack_configs, pager.email_configs, pager.pagerduty_configs
    plain = SlackConfig(bot_token=slack.bot_token, channel="#x")
    assert {slack.api, slack.timeout, slack.max_per_minute} == {plain.api, plain.timeout, plain.max_per_minute}
    assert (slack.mention, slack.buttons, slack.send_resolved) == (plain.mention, plain.buttons, plain.send_resolved)
    assert chat.file_configs[0].path == FileConfig().path
    assert page.url == PagerdutyConfig(routing_key=page.routing_key).url
    assert (mail.hello, mail.encryption) == ("localhost", "starttls")
    assert shown.notify.retention == NotifyConfig().retention
    root = build(shown.route)
    default = build(RouteConfig(receiver="x"))
    assert (root.group_wait, root.group_interval, root.repeat_interval) == (
        default.group_wait,
        default.group_interval,
        default.repeat_interval,
    )


@pytest.mark.parametrize(("page", "model"), [("configuration.md", Config), ("http.md", WebFile)])
def test_every_key_is_named(page: str, model: type[BaseModel]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    missing = {key for key in _all_keys(model) if not re.search(rf"\b{re.escape(key)}\b", text)}
    assert missing <= REFUSED


def _all_keys(model: type[BaseModel], above: frozenset[type[BaseModel]] = frozenset()) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield info.alias or name
        for inner in _models(info.annotation):
            if inner not in above | {model}:
                yield from _all_keys(inner, above | {model})


def test_the_walk_over_the_models_finds_what_stands_deep() -> None:
    assert {"cookie_file", "definition", "limit"} <= set(_all_keys(Config))
    assert "cert_file" not in _keys(Config)
