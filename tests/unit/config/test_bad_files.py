"""Every way to get the file wrong, and the exact line that the user reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.config.loading import load
from rabbitwatch.errors import ConfigFileError

TOP = (
    "clusters, poll, web, rules, route, receivers, inhibit_rules, time_intervals, alertmanagers, notify, actions, "
    "storage"
)
NODE = "nodes: [{url: 'http://a:1'}]"


def complaints(tmp_path: Path, text: str, **environment: str) -> list[str]:
    file = tmp_path / "rabbitwatch.yml"
    file.write_text(text)
    with pytest.raises(ConfigFileError) as caught:
        load(file, environment=environment)
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        # YAML itself
        ("a: [1, 2", "1:9: is no YAML: expected ',' or ']', but got '<stream end>'"),
        ("poll:\n\tinterval: 15s", "2:1: is no YAML: a tab stands where YAML wants spaces: indent with spaces"),
        ("poll: {}\n---\npoll: {}", "2:1: is no YAML: a second document ('---') starts here: one file is one document"),
        ("- a\n- b", f"1:1: must be a mapping with the keys {TOP}"),
        ("just words", f"1:1: must be a mapping with the keys {TOP}"),
        ("clusters: &a [*a]", "1:11: clusters[0]: this alias contains itself"),
        ("poll: &a {<<: *a}", "1:7: poll: this alias contains itself"),
        ("poll: !!python/object:os.system {}", "1:7: poll: the tag !!python/object:os.system is not supported"),
        ("poll: {interval: !!int abc}", "1:18: poll.interval: is no int"),
        ("poll: {[a]: b}", "1:8: poll: a key must be text, not a list or a mapping"),
        ("poll: {interval: 15s, interval: 20s}", "1:23: poll: duplicate key 'interval', the first is on line 1"),
        ("poll: {<<: 5}", "1:12: poll: '<<' merges mappings only"),
        # keys
        ("poll: {intervall: 15s}", "1:8: poll: unknown key 'intervall', did you mean 'interval'?"),
        ("cluster: []", "1:1: unknown key 'cluster', did you mean 'clusters'?"),
        ("interval: 15s", "1:1: unknown key 'interval' here: it belongs to poll"),
        (
            "poll: {zzz: 1}",
            "1:8: poll: unknown key 'zzz'; known here: diagnostics_interval, diagnostics_timeout, interval, timeout",
        ),
        (
            "clusters:\n  - nodes:\n      - url: http://a:1\n        usrname: x",
            "4:9: clusters[0].nodes[0]: unknown key 'usrname' here, did you mean 'username': it belongs to clusters",
        ),
        (f"clusters: [{{{NODE}, usrname: x}}]", "1:43: clusters[0]: unknown key 'usrname', did you mean 'username'?"),
        ("clusters: [{nodes: [{name: a}]}]", "1:21: clusters[0].nodes[0]: lacks the key 'url'"),
        ("poll:", "1:1: poll: has no value: give one, or remove the key"),
        # types
        ("poll: 15s", "1:7: poll: must be a mapping of keys to values"),
        ("poll: [15s]", "1:7: poll: must be a mapping of keys to values"),
        ("clusters: {name: a}", "1:11: clusters: must be a list"),
        ("clusters: []", "1:11: clusters: must not be empty"),
        ("clusters: [{password: 12345}]", "1:23: clusters[0].password: must be text: put it in quotes"),
        ("clusters: [{password: [s3cret]}]", "1:23: clusters[0].password: must be text, not a list or a mapping"),
        ("clusters: [{discover: maybe}]", "1:23: clusters[0].discover: must be true or false"),
        ("clusters: [{queues: {limit: many}}]", "1:29: clusters[0].queues.limit: must be a whole number"),
        ("clusters: [{queues: {limit: -1}}]", "1:29: clusters[0].queues.limit: must be at least 0"),
        # values
        ("poll: {interval: 15}", "1:18: poll.interval: a duration needs a unit, such as 15s or 1h30m; this is 15"),
        ("poll: {interval: 15 s}", "1:18: poll.interval: '15 s' is no duration; write it like 15s, 5m or 1h30m"),
        ("poll: {interval: 500ms, timeout: 100ms}", "1:18: poll.interval: must be at least 1s"),
        (
            "poll: {interval: 15s, timeout: 15s}",
            "1:32: poll.timeout: must be more than 0s and less than interval, so that a cycle ends in time",
        ),
        (
            "clusters: [{nodes: [{url: 'rabbit1:15672'}]}]",
            "1:27: clusters[0].nodes[0].url: 'rabbit1:15672' is no address; write it like http://rabbit1:15672",
        ),
        (
            "clusters: [{nodes: [{url: 'http://rabbit1:99999'}]}]",
            "1:27: clusters[0].nodes[0].url: 'http://rabbit1:99999' is no address; write it like http://rabbit1:15672",
        ),
        (
            "clusters: [{nodes: [{url: 'http://a:1', type: disk}]}]",
            "1:47: clusters[0].nodes[0].type: must be 'disc' or 'ram'",
        ),
        (
            "clusters: [{queues: {include: ['(']}}]",
            "1:32: clusters[0].queues.include[0]: '(' is no RE2 regex: missing ): (",
        ),
        (
            "web: {listen: 9419}",
            "1:15: web.listen: must be text: put it in quotes",
        ),
        (
            "web: {listen: '::1:9419'}",
            "1:15: web.listen: '::1:9419' is no address to listen on; write it like 0.0.0.0:9419, [::]:9419 or :9419",
        ),
        (
            "clusters: [{url_template: 'http://x:1'}]",
            "1:27: clusters[0].url_template: needs {host} in it, such as http://{host}:15672",
        ),
        ("clusters: [{tls: {key_file: k.pem}}]", "1:29: clusters[0].tls.key_file: needs cert_file beside it"),
        # duplicates
        (
            f"clusters:\n  - {{name: a, {NODE}}}\n  - {{name: a, {NODE}}}",
            "3:12: clusters[1].name: duplicate cluster 'a', the first is on line 2",
        ),
        (
            f"clusters:\n  - {NODE}\n  - {NODE}",
            "3:5: clusters[1]: duplicate cluster 'http://a:1', the first is on line 2",
        ),
        (
            "clusters:\n  - nodes:\n    - url: http://a:1\n    - url: http://a:1/",
            "4:12: clusters[0].nodes[1].url: duplicate node address 'http://a:1', the first is on line 3",
        ),
        # environment and secrets
        (
            "clusters: [{username: '${NONE}'}]",
            "1:23: clusters[0].username: the environment variable NONE is not set: set it, or write ${NONE:-default}",
        ),
        (
            "clusters: [{username: '${no-body}'}]",
            (
                "1:23: clusters[0].username: '${' starts no variable reference: write ${NAME} or ${NAME:-default}, "
                "or $${ for itself"
            ),
        ),
        (
            "clusters: [{password: s3cret, password_file: x}]",
            "1:12: clusters[0]: password and password_file are both given: keep one",
        ),
    ],
)
def test_one_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaints(tmp_path, text) == [complaint]


def test_all_mistakes_are_told_at_once_first_lines_first(tmp_path: Path) -> None:
    text = "web: {listn: x}\npoll: {interval: 15}\nclusters: [{password: '${X}', nodez: []}]\n"
    assert [line.partition(": ")[0] for line in complaints(tmp_path, text)] == ["1:7", "2:18", "3:23", "3:31"]


@pytest.mark.parametrize(
    "text",
    [
        "clusters: [{nodes: [{url: 'http://bob:s3cret@a:1'}]}]",
        "clusters: [{nodes: [{url: 'bob:s3cret@a'}]}]",
        "clusters: [{url_template: 'http://bob:s3cret@{host}'}]",
        "clusters: [{password: [s3cret]}]",
        "clusters: [{password: s3cret, password_file: x}]",
        "clusters: [{passwrd: s3cret}]",
        "clusters: [{tls: s3cret}]",
        "clusters: [{password: '${X:-s3cret}${'}]",
    ],
)
def test_no_complaint_repeats_a_secret(tmp_path: Path, text: str) -> None:
    found = complaints(tmp_path, text, SECRET="s3cret")
    assert found
    assert not [line for line in found if "s3cret" in line]


def test_an_alias_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    levels = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    found = complaints(tmp_path, "poll:\n  l0: &l0 [a, b]\n" + levels)
    assert len(found) == 1
    assert "the aliases of this file expand to more than 100000 values" in found[0]


def test_a_bomb_of_merges_is_refused_too(tmp_path: Path) -> None:
    levels = "".join(f"  l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 10)}]}}\n" for n in range(1, 10))
    found = complaints(tmp_path, "poll:\n  l0: &l0 {a: b}\n" + levels)
    assert "expand to more than 100000 values" in found[0]


def test_endless_nesting_is_refused(tmp_path: Path) -> None:
    assert complaints(tmp_path, "[" * 5000) == ["1:65: is no YAML: nests deeper than 64 levels"]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "binary.yml"
    file.write_bytes(b"poll: \xff\xfe")
    with pytest.raises(ConfigFileError, match=r"binary\.yml: is not text in UTF-8 \(byte 6\)"):
        load(file)
    file.write_bytes(b"poll: \x00")
    with pytest.raises(ConfigFileError, match=r"binary\.yml: is no YAML: unacceptable character"):
        load(file)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match=r"nowhere\.yml: cannot be read: No such file or directory"):
        load(tmp_path / "nowhere.yml")
    with pytest.raises(ConfigFileError, match="is a folder, not a file"):
        load(tmp_path)


def test_a_secret_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    assert complaints(tmp_path, "clusters: [{password_file: nowhere}]") == [
        f"1:28: clusters[0].password_file: cannot read {tmp_path}/nowhere: No such file or directory"
    ]
    assert complaints(tmp_path, "clusters: [{password_file: empty}]") == [
        f"1:28: clusters[0].password_file: {tmp_path}/empty is empty"
    ]
