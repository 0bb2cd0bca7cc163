"""`rabbitwatch check config` looks at the rules that the configuration names, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.cli import main

ROUTE = "route: {receiver: out}\nreceivers: [{name: out, file_configs: [{path: '-'}]}]\n"


def check(folder: Path, config: str, rules: str = "") -> int | str | None:
    (folder / "rules.yml").write_text(rules)
    path = folder / "rabbitwatch.yml"
    path.write_text(config)
    with pytest.raises(SystemExit) as ended:
        main(["check", "config", str(path)])
    return ended.value.code


def rule(name: str, expr: str = "vector(1)") -> str:
    return f"groups: [{{name: g, rules: [{{alert: {name}, expr: '{expr}'}}]}}]\n"


def test_a_rule_that_cannot_be_used_is_told_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path, "rules: {files: [rules.yml]}\n", rule("A", "vector(1")) == 2
    assert f"{tmp_path / 'rules.yml'}:1:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("config", "name", "warned"),
    [
        (ROUTE + "rules: {files: [rules.yml]}\n", "A", True),
        (ROUTE + "rules: {files: [rules.yml]}\n", "RabbitwatchNotificationFailing", False),
        (ROUTE, "A", False),  # the shipped rules hold it
        ("rules: {files: [rules.yml]}\n", "A", False),  # nobody is told of anything
    ],
)
def test_whoever_is_told_of_alerts_is_to_hear_that_telling_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, name: str, warned: bool
) -> None:
    assert check(tmp_path, config, rule(name)) == 0
    told = capsys.readouterr().err
    assert ("nobody hears when a receiver fails: add " in told) is warned
    assert ("agent.yml to rules.files" in told) is warned
