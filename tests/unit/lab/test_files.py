"""What the lab writes for others to read: the broker's files, the proxy's, and the agent's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from rabbitlab.brokers import write_files
from rabbitlab.places import environment
from rabbitlab.proxy import configuration
from rabbitlab.report import agent_config, table
from rabbitlab.state import Store
from tests.unit.lab.labs import loopback_lab, netns_lab

from rabbitwatch.config.loading import load


def test_a_nodes_files(tmp_path: Path) -> None:
    store, lab = Store(tmp_path), netns_lab(ram=("rabbit1",))
    lab.order = type(lab.order)(ram=("rabbit1",), net_ticktime=7, conf=("collect_statistics_interval = 1000",))
    for node in lab.nodes:
        write_files(store, lab, node)
    ram, seed = store.home("rabbit1"), store.home("rabbit2")
    assert "cluster_formation.node_type = ram" in (ram / "rabbitmq.conf").read_text()
    assert "node_type" not in (seed / "rabbitmq.conf").read_text()
    assert "classic_config.nodes.1 = rabbit@rabbit2" in (ram / "rabbitmq.conf").read_text(), "joins a disc node"
    assert "classic_config.nodes.2" not in (seed / "rabbitmq.conf").read_text(), "the seed waits for nobody"
    assert (ram / "rabbitmq.conf").read_text().endswith("collect_statistics_interval = 1000\n")
    assert (ram / "advanced.config").read_text() == "[{kernel,[{net_ticktime,7}]}].\n"
    assert (ram / "enabled_plugins").read_text() == "[rabbitmq_management,rabbitmq_prometheus].\n"
    assert (ram / "rabbitmq.conf").stat().st_mode & 0o077 == 0
    assert (ram / "home/.erlang.cookie").stat().st_mode & 0o777 == 0o400


def test_a_loopback_node_listens_to_this_machine_alone(tmp_path: Path) -> None:
    store, lab = Store(tmp_path), loopback_lab()
    write_files(store, lab, lab.nodes[1])
    text = (store.home("rabbit2") / "rabbitmq.conf").read_text()
    assert "listeners.tcp.default = 127.0.0.1:21002" in text
    assert "management.tcp.port = 21042" in text
    env = environment(store, lab, lab.nodes[1])
    assert (env["ERL_EPMD_ADDRESS"], env["ERL_EPMD_PORT"]) == ("127.0.0.1", "21000")
    assert "{127,0,0,1}" in env["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]


def test_nothing_of_the_callers_environment_reaches_a_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_NODENAME", "rabbit@elsewhere")
    monkeypatch.setenv("ERL_FLAGS", "-bad")
    env = environment(Store(tmp_path), netns_lab(), netns_lab().nodes[0])
    assert env["RABBITMQ_NODENAME"] == "rabbit@rabbit1"
    assert "ERL_FLAGS" not in env


def test_the_agent_accepts_its_configuration(tmp_path: Path) -> None:
    store, lab = Store(tmp_path), netns_lab(ram=("rabbit3",))
    path = tmp_path / "agent.yml"
    path.write_text(agent_config(store, lab, Path("lab")))
    (cluster,) = load(path).config.clusters
    assert [(node.url, node.name, node.type) for node in cluster.nodes] == [
        ("http://10.200.7.11:15672", "rabbit@rabbit1", "disc"),
        ("http://10.200.7.12:15672", "rabbit@rabbit2", "disc"),
        ("http://10.200.7.13:15672", "rabbit@rabbit3", "ram"),
    ]
    assert (cluster.username, cluster.password.get_secret_value()) == ("monitor", "monitorsecret")
    words = ("lab", "--state", str(tmp_path), "exec", "rabbit2", "--", "rabbitmq-diagnostics")
    assert cluster.nodes[1].diagnostics == words
    assert cluster.nodes[0].plugin_url is None
    path.write_text(agent_config(store, loopback_lab(), Path("lab"), diagnostics=False, cookie_files=False))
    node = load(path).config.clusters[0].nodes[0]
    assert (node.plugin_url, node.diagnostics, node.cookie_file) == ("http://127.0.0.1:21061", (), None)


def test_the_proxy_knows_every_node() -> None:
    text = configuration(netns_lab(), Path("proxy"), "10.200.7.5:5672")
    assert text.count("max_fails=3 fail_timeout=10s;") == 3
    assert "stream {" in text
    assert "http {" not in text


def test_the_table_tells_what_a_reader_needs() -> None:
    text = table(netns_lab(ram=("rabbit3",)))
    assert "rabbit3  ram   http://10.200.7.13:15672  10.200.7.13:5672" in text
    assert "user admin, password adminsecret" in text
