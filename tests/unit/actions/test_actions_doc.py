"""What docs/actions.md and the section of docs/configuration.md show can be used, and they list what there is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.audits import Bench, bench

from rabbitwatch.actions.audit import BROKEN, MENDED
from rabbitwatch.actions.guards.table import GUARDS
from rabbitwatch.actions.table import ACTIONS
from rabbitwatch.config.actions import ACTING, ActionsConfig, BindingConfig
from rabbitwatch.config.models import Config
from rabbitwatch.metrics.own_families import FAMILIES
from rabbitwatch.model.action import Mode

DOCS = Path(__file__).resolve().parents[3] / "docs"
TEXT = (DOCS / "actions.md").read_text(encoding="utf-8")
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[dict[str, Any]]:
    found = [yaml.safe_load(each) for each in re.findall(r"^```yaml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)]
    return [each for each in found if "actions" in each]


def table(heading: str) -> list[str]:
    """The names in the first column of the table under a heading."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)`", part, flags=re.MULTILINE)


@pytest.mark.parametrize("block", blocks(TEXT))
def test_the_examples_have_the_shape_of_the_configuration(block: dict[str, Any]) -> None:
    Config.model_validate(block)


def test_the_examples_go_from_looking_to_acting() -> None:
    modes = [[each.mode for each in Config.model_validate(block).actions.bindings] for block in blocks(TEXT)]
    assert modes == [["dry_run"] * 3, ["approve"] * 2, ["auto"], []]


def test_the_values_shown_are_the_defaults() -> None:
    (block,) = blocks(CONFIGURATION)
    shown = ActionsConfig.model_validate(block["actions"])
    default = ActionsConfig()
    chosen = {"username", "password", "bindings", "webhook", "audit_file"}
    assert shown.model_dump(exclude=chosen) == default.model_dump(exclude=chosen)
    assert shown.webhook.tolerance == default.webhook.tolerance
    (binding,) = shown.bindings
    plain = BindingConfig(matchers=binding.matchers, action=binding.action)
    assert binding == plain


def test_every_guard_is_listed_in_the_order_in_which_it_is_asked() -> None:
    assert table("Guards") == [guard.__name__ for guard in GUARDS]


def test_the_figures_of_the_guards_are_the_defaults() -> None:
    guards = ActionsConfig().guards
    part = TEXT.split("\n## Guards\n")[1]
    assert f"`fresh.at_most` ({guards.fresh.at_most:g} s)" in part
    assert f"`uptime.at_least` ({guards.uptime.at_least / 60:g} m)" in part
    assert f"`size.limit` ({guards.size.limit // 2**20} MiB)" in part
    assert f"`size.memory_share` ({guards.size.memory_share})" in part
    assert f"`rate.limit` ({guards.rate.limit:g})" in part
    assert (
        f"`fight.times` ({guards.fight.times}) times within `fight.within` ({guards.fight.within / 86400:g} d)" in part
    )


def test_every_setting_of_a_guard_is_in_the_table() -> None:
    part = TEXT.split("\n## Guards\n")[1].split("\n## ")[0]
    for name, info in ActionsConfig().guards.__class__.model_fields.items():
        settings = info.annotation.model_fields if info.annotation else {}
        for setting in set(settings) - {"default_batch"}:
            assert f"`{name}.{setting}`" in part


def test_every_mode_and_action_is_listed() -> None:
    assert table("What happens to an alert") == list(Mode)
    assert {"approve", "auto"} == ACTING
    named = re.findall(r"^\| `(\w+)`", TEXT.partition("\n## ")[0], flags=re.MULTILINE)
    assert sorted(named) == sorted(ACTIONS)


def test_metrics_and_events_that_are_named_exist() -> None:
    named = set(re.findall(r"rabbitwatch_\w+", TEXT))
    assert named
    assert named <= {family.name for family in FAMILIES}
    assert {f"`{MENDED}`", f"`{BROKEN}`"} <= set(re.findall(r"`\w+`", TEXT))


def test_the_shell_line_gives_the_hash(tmp_path: Path) -> None:
    (line,) = re.findall(r"^sed -n 7p .*$", TEXT, flags=re.MULTILINE)
    with bench(tmp_path) as made:
        for number in range(4):
            made.deed(f"d{number}")
        given = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert given.stdout.split()[0] == _hash_of_the_seventh(made)


def _hash_of_the_seventh(made: Bench) -> str:
    return made.store.entries()[6].hash
