from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch import __version__
from rabbitwatch.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"rabbitwatch {__version__}\n"


@pytest.mark.parametrize("command", [[], ["run"], ["once"], ["check"], ["check", "config"]])
def test_every_command_has_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*command, "--help") == 0
    assert capsys.readouterr().out.startswith("Usage: rabbitwatch")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["bogus"], "rabbitwatch: No such command 'bogus' (see rabbitwatch --help)"),
        (["run", "--bogus"], "rabbitwatch run: No such option: --bogus (see rabbitwatch run --help)"),
        (
            ["check", "config"],
            "rabbitwatch check config: Missing argument 'FILE…' (see rabbitwatch check config --help)",
        ),
        (["run", "--config", "/nonexistent.yml"], "/nonexistent.yml: cannot be read: No such file or directory"),
        (["once", "--config.file", "/nonexistent.yml"], "/nonexistent.yml: cannot be read: No such file or directory"),
        (
            ["run", "--web.listen-address", "nonsense"],
            (
                "rabbitwatch: --web.listen-address: 'nonsense' is no address to listen on; "
                "write it like 0.0.0.0:9419, [::]:9419 or :9419"
            ),
        ),
    ],
)
def test_an_error_is_one_line_and_exit_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == complaint + "\n"


def test_check_config_sums_up_a_good_file_and_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.yml"
    file.write_text("clusters: [{nodes: [{url: 'http://a:1'}]}]")
    assert run("check", "config", str(file)) == 0
    out, err = capsys.readouterr()
    assert out == f"{file}: OK: 1 cluster, 1 node, discovery on in 1; serves http on 0.0.0.0:9419\n"
    assert err.startswith(f"{file}: warning: cluster http://a:1: guest may log in from the broker's own machine only")


def test_check_config_tells_every_mistake_on_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "c.yml"
    file.write_text("pol: {}\nwebb: {}")
    assert run("check", "config", str(file)) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{file}:1:1: unknown key 'pol', did you mean 'poll'?",
        f"{file}:2:1: unknown key 'webb', did you mean 'web'?",
    ]


def test_check_config_loads_the_certificates_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yml").write_text("web: {config_file: web.yml}")
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: nowhere.pem, key_file: nowhere.key}")
    assert run("check", "config", str(tmp_path / "c.yml")) == 2
    assert f"{tmp_path}/nowhere.pem: cannot be read: No such file or directory" in capsys.readouterr().err


def test_a_hostile_file_name_cannot_command_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "config", str(tmp_path / "a\x1b[2J\nb")) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert len(err.splitlines()) == 1
