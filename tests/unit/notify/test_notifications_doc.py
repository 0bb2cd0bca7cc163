"""What docs/notifications.md shows can be loaded, and it lists what there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from rabbitwatch.config.models import Config
from rabbitwatch.config.receivers import EmailConfig
from rabbitwatch.notify.templating import Texts, own_texts
from rabbitwatch.notify.texts.filters import FILTERS
from rabbitwatch.notify.texts.media import Medium
from rabbitwatch.notify.texts.samples import sample
from rabbitwatch.notify.texts.sandbox import Sandbox
from rabbitwatch.notify.texts.view import AlertView, NoticeView

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "notifications.md").read_text(encoding="utf-8")
WORDS = TEXT.partition("## Own words")[2]


def blocks() -> list[dict[str, Any]]:
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)]


def with_key(key: str) -> dict[str, Any]:
    (found,) = [block for block in blocks() if key in block]
    return found


def test_the_examples_have_the_shape_of_the_configuration() -> None:
    config = Config.model_validate(with_key("route"))
    assert [receiver.name for receiver in config.receivers] == ["chat"]
    Config.model_validate(with_key("alertmanagers"))
    (pair,) = [block for block in blocks() if "peer" in block.get("notify", {})]
    Config.model_validate(pair)


def test_the_manifest_asks_for_what_the_code_needs() -> None:
    scopes = with_key("oauth_config")["oauth_config"]["scopes"]["bot"]
    assert scopes == ["chat:write", "channels:history", "channels:read"]


def test_the_example_of_own_words_can_be_used(tmp_path: Path) -> None:
    macros = tmp_path / "macros.j2"
    macros.write_text("{% macro default_footer() %}end{% endmacro %}")
    config = EmailConfig.model_validate(with_key("email_configs")["email_configs"][0])
    texts = Texts.of(own_texts("email", config), [macros])
    assert texts.render("email.subject", sample()) == "🔴 [FIRING:1] SampleAlert orders"
    assert "(4 m 12 s ago, node unknown)" in texts.render("email.text", sample())
    assert texts.render("email.text", sample()).endswith("end")


def test_every_name_is_listed() -> None:
    notice = {field.name for field in fields(NoticeView)}
    alert = {field.name for field in fields(AlertView)}
    table = WORDS.partition("| filter |")[0]
    listed = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|(.*?)\|", table, flags=re.MULTILINE))))
    assert listed == notice
    (of_alert,) = re.findall(r"^\| of an alert \|(.*)\|$", table, flags=re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", of_alert)) == alert


def test_every_filter_is_listed() -> None:
    table = WORDS.partition("| filter |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\|(.*?)\|(.*)\|$", table, flags=re.MULTILINE)
    ours = {name for first, _ in rows for name in re.findall(r"`(\w+)", first)}
    (of_jinja,) = [re.findall(r"\w+", rest) for first, rest in rows if "of Jinja2" in first]
    known = set(Sandbox(Medium.PLAIN).filters) - {"counted()", "e", "escape", "d", "count"}
    assert ours == (set(FILTERS) - {"format"}) | {"url"}
    assert ours | set(of_jinja) - {"count"} == known
    assert set(of_jinja) <= set(Environment().filters)
