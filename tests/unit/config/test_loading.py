"""What a good file means."""

from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.config.inhibitions import shipped_inhibit_rules
from rabbitwatch.config.loading import Loaded, load, summary
from rabbitwatch.errors import ConfigError


def loaded(tmp_path: Path, text: str, **environment: str) -> Loaded:
    file = tmp_path / "rabbitwatch.yml"
    file.write_text(text)
    file.chmod(0o600)
    return load(file, environment=environment)


def test_no_file_means_the_local_broker_as_guest() -> None:
    (cluster,) = load(None).config.clusters
    assert [node.url for node in cluster.nodes] == ["http://localhost:15672"]
    assert (cluster.username, cluster.password.get_secret_value(), cluster.discover) == ("guest", "guest", True)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "{}"])
def test_an_empty_file_means_defaults(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).config.clusters == load(None).config.clusters


def test_the_environment_fills_values_and_never_keys(tmp_path: Path) -> None:
    text = """
    clusters:
      - username: ${USER_NAME}
        password: '${PASSWORD:-x}$$${EMPTY:-}'
        nodes: [{url: "http://${HOST:-rabbit1}:15672"}]
        queues: {limit: "${LIMIT}", include: ['^a$', 'b$$']}
        discover: ${DISCOVER}
    """
    (cluster,) = loaded(tmp_path, text, USER_NAME="bob", PASSWORD="p: [", LIMIT="7", DISCOVER="no").config.clusters
    assert cluster.username == "bob"
    assert cluster.password.get_secret_value() == "p: [$"
    assert cluster.nodes[0].url == "http://rabbit1:15672"
    assert (cluster.queues.limit, cluster.queues.include, cluster.discover) == (7, ("^a$", "b$"), False)


def test_anchors_and_merge_keys_work_and_own_keys_win(tmp_path: Path) -> None:
    text = """
    clusters:
      - &base {name: a, username: bob, nodes: [{url: 'http://a:1'}]}
      - <<: *base
        name: b
        nodes: [{url: 'http://b:1'}]
    """
    first, second = loaded(tmp_path, text).config.clusters
    assert (first.name, first.username, second.name, second.username) == ("a", "bob", "b", "bob")
    assert second.nodes[0].url == "http://b:1"


def test_words_that_yaml_takes_for_times_and_dates_stay_words(tmp_path: Path) -> None:
    (cluster,) = loaded(tmp_path, "clusters: [{name: 2024-05-01, username: 12:30}]").config.clusters
    assert (cluster.name, cluster.username) == ("2024-05-01", "12:30")


def test_a_secret_is_read_from_its_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(" s3cret \r\n")
    got = loaded(tmp_path, "clusters: [{password_file: password}]")
    (cluster,) = got.config.clusters
    assert cluster.password.get_secret_value() == " s3cret "
    assert cluster.password_file == tmp_path / "password"
    assert " s3cret " in got.secrets
    assert "s3cret" not in repr(got.config)


def test_relative_paths_count_from_the_configuration(tmp_path: Path) -> None:
    text = "clusters: [{tls: {ca_file: ca.pem, cert_file: /etc/c.pem}, nodes: [{url: 'http://a', cookie_file: c}]}]"
    config = loaded(tmp_path, text).config
    (cluster,) = config.clusters
    assert cluster.tls.ca_file == tmp_path / "ca.pem"
    assert cluster.tls.cert_file == Path("/etc/c.pem")
    assert cluster.nodes[0].cookie_file == tmp_path / "c"
    assert config.storage.path == tmp_path / "rabbitwatch-data"


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text("web: {listen: ':1'}")
    assert load(file, listen="[::1]:9419").config.web.listen == "[::1]:9419"
    with pytest.raises(ConfigError, match=r"^--web\.listen-address: 'x' is no address to listen on"):
        load(file, listen="x")


def test_what_is_risky_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret")
    (tmp_path / "password").chmod(0o644)
    text = """
    clusters:
      - {name: a, username: bob, password_file: password, tls: {verify: false}, nodes: [{url: 'https://a:1'}]}
      - {name: b, nodes: [{url: 'http://b:1'}]}
    """
    verify, readable, guest = loaded(tmp_path, text).warnings
    assert verify.startswith("cluster a: tls.verify is off")
    assert readable == f"cluster a: everybody on this machine can read {tmp_path}/password: chmod o-r"
    assert guest.startswith("cluster b: guest may log in from the broker's own machine only: http://b:1")
    (tmp_path / "password").chmod(0o600)
    assert loaded(tmp_path, "clusters: [{password_file: password}]").warnings == ()


def test_a_password_in_a_file_that_everybody_reads_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text("clusters: [{username: bob, password: s3cret}]")
    file.chmod(0o644)
    (warning,) = load(file).warnings
    assert warning.startswith(f"{file} holds a secret and everybody on this machine can read it")


def test_a_password_that_comes_from_a_variable_does_not_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "agent.yml"
    file.write_text("clusters: [{nodes: [{url: 'http://localhost:15672'}], username: u, password: '${PW:-guest}'}]")
    file.chmod(0o644)
    assert load(file, environment={"PW": "from elsewhere"}).warnings == ()
    assert load(file, environment={}).warnings == ()


def test_the_summary_counts_what_is_watched(tmp_path: Path) -> None:
    text = "clusters: [{nodes: [{url: 'http://a'}, {url: 'http://b'}]}, {discover: false}]\nweb: {listen: ':1'}"
    assert summary(loaded(tmp_path, text)) == "2 clusters, 3 nodes, discovery on in 1; serves http on :1"


NOTICES = """
route: {receiver: chat, routes: [{receiver: nobody, matchers: [severity=none]}]}
receivers:
  - {name: nobody}
  - name: chat
    webhook_configs:
      - url: https://hook.example.org/services/T0123456789ABCDEF/x
        http: {headers: {X-Api-Key: s3cret-key, Accept: text/plain}}
    file_configs: [{}, {path: out.txt}]
  - {name: forgotten, file_configs: [{}]}
  - {name: deaf}
alertmanagers: [http://a:9093/, {url: http://b:9093}]
"""


def test_notices_are_loaded_with_what_they_name(tmp_path: Path) -> None:
    got = loaded(tmp_path, NOTICES)
    chat = got.config.receivers[1]
    assert chat.kinds == {"webhook": 1, "file": 2}
    assert [str(each.path) for each in chat.file_configs] == ["-", str(tmp_path / "out.txt")]
    assert [each.url for each in got.config.alertmanagers] == ["http://a:9093", "http://b:9093"]
    assert got.config.inhibit_rules == shipped_inhibit_rules()
    assert loaded(tmp_path, "inhibit_rules: []").config.inhibit_rules == ()
    assert load(None).config.inhibit_rules == shipped_inhibit_rules()
    assert summary(got).startswith("1 cluster, 1 node, discovery on in 1, 4 receivers, 2 Alertmanagers;")
    assert str(got.places["receivers[1].webhook_configs[0].url"]) == f"{got.path}:7:14"


def test_a_receiver_that_nobody_is_sent_to_is_a_warning(tmp_path: Path) -> None:
    more = NOTICES.replace("  - {name: deaf}", "  - {name: other, file_configs: [{}]}")
    assert loaded(tmp_path, more).warnings == ("receiver other: no route leads to it",)


def test_a_receiver_in_reserve_is_none(tmp_path: Path) -> None:
    """Where a single one is told, the next one hears that it fails."""
    assert loaded(tmp_path, NOTICES).warnings == ()
    used = NOTICES.replace("{receiver: nobody, matchers", "{receiver: forgotten, matchers")
    other = used.replace("  - {name: deaf}", "  - {name: other, file_configs: [{}]}")
    assert loaded(tmp_path, other).warnings == ("receiver other: no route leads to it",), "there are two"


def test_tokens_in_addresses_and_headers_are_known_to_the_logs(tmp_path: Path) -> None:
    known = loaded(tmp_path, NOTICES).secrets
    assert {"https://hook.example.org/services/T0123456789ABCDEF/x", "T0123456789ABCDEF", "s3cret-key"} <= known
    assert not known & {"hook.example.org", "services", "text/plain", "x"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_mail_server_on_this_machine_may_be_told_a_password_in_the_clear(tmp_path: Path, host: str) -> None:
    mail = (
        f"{{to: a@b.c, from: a@b.c, smarthost: '{host}:25', auth_username: x, auth_password: yyyy, encryption: none}}"
    )
    got = loaded(tmp_path, f"route: {{receiver: a}}\nreceivers: [{{name: a, email_configs: [{mail}]}}]\n")
    assert got.config.receivers[0].email_configs[0].encryption == "none"
