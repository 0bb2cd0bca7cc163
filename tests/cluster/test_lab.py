"""The lab itself: what it starts is real, what it breaks is broken and mended, and it leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from tests.cluster.api import Api
from tests.cluster.conftest import CACHE, LAUNCHER, Lab, LabFactory, impossible
from tests.support.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ONE, TWO, THREE = "rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"


def view(lab: Lab, name: str, seconds: float = 4.0) -> dict[str, bool] | None:
    """Who runs, as a node says; None when it does not answer in time."""
    # Without statistics a node answers from what it knows itself: with them it asks its peers, and hangs with them.
    address = f"{lab.url(name)}/api/nodes?disable_stats=true"
    try:
        answer = requests.get(address, auth=("monitor", lab.monitor_password), timeout=seconds)
    except requests.RequestException:
        return None
    return {node["name"]: node["running"] for node in answer.json()} if answer.ok else None


def sees(lab: Lab, name: str, *nodes: str) -> bool:
    found = view(lab, name, 8.0)
    return found is not None and {node for node, running in found.items() if running} == set(nodes)


def all_see_all(lab: Lab) -> bool:
    return all(sees(lab, name, ONE, TWO, THREE) for name in ("rabbit1", "rabbit2", "rabbit3"))


def alarms(api: Api, node: str) -> tuple[bool | None, bool | None]:
    """Memory and disk alarm; None as long as the node that is asked has no statistics of that one yet."""
    found = api.call("GET", "nodes", node)
    return found.get("mem_alarm"), found.get("disk_free_alarm")


def queue(api: Api, name: str) -> dict[str, Any]:
    found: dict[str, Any] = api.call("GET", "queues", "/", name)
    return found


class Remains:
    """Everything on this machine that belongs to one lab, found without the lab's help."""

    def __init__(self, state: Path) -> None:
        record = json.loads((state / "lab.json").read_text())
        self._id, self._mark = record["id"], f"RABBITLAB_ID={record['mark']}".encode()

    def processes(self) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if self._mark in environment:
                found.append(int(entry.name))
        return found

    def network(self) -> list[str]:
        said = [subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout for words in LISTS]
        return [line for text in said for line in text.splitlines() if self._id in line]


LISTS = (("netns", "list"), ("link", "show"), ("route", "show"))


@pytest.fixture(scope="module")
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory("--nodes", "3", "--ram", "3", "--net-ticktime", "10", "--mirror", "all", "--nginx")


@pytest.fixture(scope="module")
def api(lab: Lab) -> Api:
    return Api(lab.url("rabbit1"), "admin", lab.admin_password)


def test_three_hosts_become_one_cluster(lab: Lab, api: Api) -> None:
    until(lambda: all_see_all(lab), "all three see each other")
    assert {node["name"]: node["type"] for node in api.call("GET", "nodes")} == {ONE: "disc", TWO: "disc", THREE: "ram"}
    assert api.call("GET", "cluster-name")["name"] == "lab"
    assert len({lab.node(name)["address"] for name in ("rabbit1", "rabbit2", "rabbit3")}) == 3
    status = lab.status()
    assert (status["phase"], status["version"][:5]) == ("up", "3.10.")
    assert all(node["sees"] == [ONE, TWO, THREE] for node in status["nodes"])


def test_a_second_up_does_not_touch_a_lab_that_runs(lab: Lab) -> None:
    before = [node["pid"] for node in lab.status()["nodes"]]
    refused = lab.run("up", check=False)
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    assert [node["pid"] for node in lab.status()["nodes"]] == before


def test_exec_runs_where_the_node_lives(lab: Lab) -> None:
    machine = os.uname().nodename
    script = "cat /proc/sys/kernel/hostname; getent hosts rabbit3; rabbitmqctl -q eval 'node().'"
    said = lab.run("exec", "rabbit2", "--", "sh", "-c", script).stdout.splitlines()
    assert said[0] == "rabbit2"
    assert said[1].split() == [lab.node("rabbit3")["address"], "rabbit3"]
    assert said[2] == TWO
    seen = lab.run("exec", "observer", "--", "getent", "hosts", "rabbit1", "proxy").stdout
    assert lab.node("rabbit1")["address"] in seen
    assert os.uname().nodename == machine
    assert "rabbit1" not in Path("/etc/hosts").read_text()


def test_the_configuration_is_one_that_the_agent_can_use(lab: Lab) -> None:
    (cluster,) = yaml.safe_load(lab.config_text())["clusters"]
    assert [(node["name"], node["type"]) for node in cluster["nodes"]] == [(ONE, "disc"), (TWO, "disc"), (THREE, "ram")]
    for node in cluster["nodes"]:
        answer = requests.get(f"{node['url']}/api/nodes", auth=(cluster["username"], cluster["password"]), timeout=10)
        assert answer.status_code == 200
        assert Path(node["cookie_file"]).read_text().strip()
    command = [*cluster["nodes"][1]["diagnostics"], "erlang_cookie_sources", "--formatter", "json"]
    sources = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert sources["cookie_file_path"] == cluster["nodes"][1]["cookie_file"]


def test_load_through_the_proxy_fills_queues_and_keeps_messages_moving(lab: Lab, api: Api) -> None:
    lab.run("load", "--queues", "3", "--messages", "40", "--prefix", "still.")
    until(lambda: [queue(api, f"still.{n}").get("messages") for n in (1, 2, 3)] == [40] * 3, "the messages show")
    assert {queue(api, f"still.{n}")["node"] for n in (1, 2, 3)} == {ONE, TWO, THREE}
    lab.run("load", "--queues", "2", "--consumers", "2", "--rate", "50", "--prefix", "master.", "--proxy")

    def moves() -> bool:
        figures = queue(api, "master.1").get("message_stats", {})
        return bool(figures.get("publish", 0) > 50 and figures.get("ack", 0) > 50)

    until(moves, "messages are published and acknowledged")
    until(lambda: queue(api, "master.1").get("consumers") == 1, "the consumer shows")
    until(lambda: len(queue(api, "master.1").get("slave_nodes", ())) == 2, "both mirrors show")
    assert "1 background" in lab.run("load", "--stop").stdout
    until(lambda: queue(api, "master.1").get("consumers") == 0, "the consumers are gone")
    lab.run("load", "--queues", "1", "--exclusive", "2", "--prefix", "mine.")
    until(
        lambda: [q["exclusive"] for q in api.call("GET", "queues") if "exclusive" in q["name"]] == [True, True], "two"
    )
    lab.run("load", "--stop")


def test_unsync_makes_mirrors_that_lag(lab: Lab, api: Api) -> None:
    lab.run("unsync", "--queues", "2", "--messages", "30")
    names = ("unsync.1", "unsync.2")
    until(lambda: all(len(queue(api, name).get("slave_nodes", ())) == 2 for name in names), "both mirrors of both")
    assert [queue(api, name)["synchronised_slave_nodes"] for name in names] == [[], []]
    api.call("POST", "queues", "/", "unsync.1", "actions", body={"action": "sync"})
    until(lambda: len(queue(api, "unsync.1").get("synchronised_slave_nodes", ())) == 2, "a sync brings them into step")


def test_alarms(lab: Lab, api: Api) -> None:
    def limits() -> tuple[int | None, int | None]:
        found = api.call("GET", "nodes", TWO)
        return found.get("mem_limit"), found.get("disk_free_limit")

    until(lambda: None not in limits(), "the node has statistics")
    before = limits()
    lab.run("alarm", "rabbit2", "memory", "on")
    until(lambda: alarms(api, TWO) == (True, False), "the memory alarm")
    lab.run("alarm", "rabbit2", "disk", "on")
    lab.run("alarm", "rabbit2", "disk", "on")
    until(lambda: alarms(api, TWO) == (True, True), "the disk alarm beside it")
    until(lambda: alarms(api, ONE) == (False, False), "no alarm of another node")
    lab.run("alarm", "rabbit2", "memory", "off")
    until(lambda: alarms(api, TWO) == (False, True), "the disk alarm alone")
    lab.run("alarm", "rabbit2", "disk", "off")
    until(lambda: alarms(api, TWO) == (False, False), "no alarm")
    until(lambda: limits() == before, "the limits that it had")


def test_slow_and_hanging_answers(lab: Lab) -> None:
    with requests.Session() as kept:  # an open connection, as the agent keeps one
        kept.auth = ("monitor", lab.monitor_password)
        address = f"{lab.url('rabbit2')}/api/overview"
        assert kept.get(address, timeout=5).ok
        lab.run("slow", "rabbit2", "2.5")
        with pytest.raises(requests.ConnectionError):
            kept.get(address, timeout=10)
        start = time.monotonic()
        assert kept.get(address, timeout=10).ok
        assert 2.5 <= time.monotonic() - start < 8
        assert view(lab, "rabbit1") is not None
        lab.run("hang", "rabbit2")
        with pytest.raises(requests.ReadTimeout):
            kept.get(address, timeout=1.5)
        with pytest.raises(requests.ReadTimeout):
            requests.get(address, timeout=1.5)
        assert [node["answers"] for node in lab.status()["nodes"]] == ["on time", "hang", "on time"]
        assert requests.get(f"{lab.node('rabbit2')['plugin_url']}/metrics", timeout=10).ok
        lab.run("unhang", "rabbit2")
        assert requests.get(address, auth=kept.auth, timeout=5).ok


def test_kill_stop_and_start(lab: Lab) -> None:
    lab.run("kill", "rabbit2")
    until(lambda: sees(lab, "rabbit1", ONE, THREE), "rabbit2 is missed")
    assert lab.status()["nodes"][1]["process"] == "stopped"
    address = lab.node("rabbit2")["address"]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{address}:4369", timeout=5)  # its epmd is gone with it
    lab.run("stop", "rabbit3")
    until(lambda: sees(lab, "rabbit1", ONE), "both are missed")
    lab.run("start", "rabbit2", "rabbit3")
    until(lambda: all_see_all(lab), "all three again")


def test_a_node_with_another_cookie_hangs_in_boot(lab: Lab) -> None:
    lab.run("cookie", "rabbit2", "ANOTHERCOOKIE")
    log = Path(lab.node("rabbit2")["log"])
    until(lambda: "waiting for mnesia tables" in log.read_text()[-8000:].lower(), "it waits for its peers")
    assert lab.status()["nodes"][1]["process"] == "running"
    assert view(lab, "rabbit2") is None
    assert sees(lab, "rabbit1", ONE, THREE)
    lab.run("cookie", "rabbit2", "--restore")
    until(lambda: all_see_all(lab), "all three again")


def test_one_way_the_others_miss_a_node_that_still_sees_them(lab: Lab) -> None:
    lab.run("partition", "rabbit3", "--one-way")
    until(lambda: sees(lab, "rabbit1", ONE, TWO) and sees(lab, "rabbit3", ONE, TWO, THREE), "two views")
    until(lambda: sees(lab, "rabbit3", THREE), "it misses them in the end")
    lab.run("heal", "--rejoin")
    until(lambda: all_see_all(lab), "all three again")


def test_partition_and_heal(lab: Lab, api: Api) -> None:
    def partitions() -> dict[str, list[str] | None]:
        """By node; None of a node that is down or has just started."""
        return {node["name"]: node.get("partitions") for node in api.call("GET", "nodes")}

    lab.run("partition", "rabbit3", "--from", "rabbit1,rabbit2")
    until(lambda: sees(lab, "rabbit1", ONE, TWO) and sees(lab, "rabbit3", THREE), "each side misses the other")
    assert not any(partitions().values())
    lab.run("heal")
    until(lambda: partitions()[ONE] == [THREE], "reported after healing")
    lab.run("stop", "rabbit3")
    lab.run("start", "rabbit3")
    until(lambda: all_see_all(lab), "all three again")
    until(lambda: all(peers == [] for peers in partitions().values()), "every node has forgotten the partition")


def test_down_leaves_nothing(lab: Lab) -> None:
    """The last of the tests that share a cluster."""
    lab.run("load", "--queues", "1", "--rate", "1")
    lab.run("slow", "rabbit1", "1")
    remains = Remains(lab.state)
    assert len(remains.processes()) >= 9
    assert remains.network()
    lab.down()
    assert (remains.processes(), remains.network()) == ([], [])
    assert not lab.state.exists()
    lab.down()


@pytest.fixture
def killed(lab_folders: Callable[[], Path]) -> Iterator[tuple[Lab, subprocess.Popen[str]]]:
    """A lab whose `up` has just started brokers, and that process."""
    reason = impossible(())
    if reason:
        pytest.skip(reason)
    lab = Lab(lab_folders())
    argv = [str(LAUNCHER), "--state", str(lab.state), "--cache", str(CACHE), "up", "--nodes", "2"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as up:
        try:
            until((lab.state / "logs" / "rabbit1.out").exists, "the first broker is started")
            yield lab, up
        finally:
            up.kill()
            lab.down()


def test_up_ends_the_remains_of_a_lab_that_was_killed(killed: tuple[Lab, subprocess.Popen[str]]) -> None:
    lab, up = killed
    up.kill()
    up.wait(10)
    remains = Remains(lab.state)
    assert remains.processes()
    assert remains.network()
    said = lab.run("up", "--nodes", "1").stderr
    assert "remains" in said
    assert (remains.processes(), remains.network()) == ([], [])
    assert [node["process"] for node in lab.status()["nodes"]] == ["running"]


def test_an_interrupted_up_cleans_up_after_itself(killed: tuple[Lab, subprocess.Popen[str]]) -> None:
    lab, up = killed
    remains = Remains(lab.state)
    up.send_signal(signal.SIGINT)
    assert up.wait(20) == 130
    assert (remains.processes(), remains.network()) == ([], [])
    assert not (lab.state / "lab.json").exists()


def test_loopback_without_root(lab_factory: LabFactory) -> None:
    lab = lab_factory("--isolation", "loopback", "--nodes", "2")
    one, two = "rabbit1@localhost", "rabbit2@localhost"
    until(lambda: all(sees(lab, name, one, two) for name in ("rabbit1", "rabbit2")), "both see each other")
    lab.run("hang", "rabbit2")
    assert view(lab, "rabbit2", 1.5) is None
    until(lambda: sees(lab, "rabbit1", one, two), "the other one answers")
    lab.run("slow", "rabbit2", "0")
    refused = lab.run("partition", "rabbit1", "--one-way", check=False)
    assert (refused.returncode, "netns" in refused.stderr) == (2, True)
    lab.run("partition", "rabbit1")
    until(lambda: sees(lab, "rabbit1", one) and sees(lab, "rabbit2", two), "each misses the other")
    lab.run("heal")
    api = Api(lab.url("rabbit1"), "admin", lab.admin_password)
    until(lambda: api.call("GET", "nodes", one).get("partitions") == [two], "reported after healing")
    remains = Remains(lab.state)
    lab.down()
    assert remains.processes() == []


@pytest.mark.parametrize(("version", "resource"), [("4.0", "memory"), ("4.3", "disk")])
def test_other_versions(lab_factory: LabFactory, version: str, resource: str) -> None:
    lab = lab_factory("--version", version, "--nodes", "2")
    until(lambda: all(sees(lab, name, ONE, TWO) for name in ("rabbit1", "rabbit2")), "both see each other")
    status = lab.status()
    assert status["version"].startswith(f"{version}.")
    said = lab.run("exec", "rabbit1", "--", "rabbitmq-diagnostics", "-q", "server_version").stdout
    assert said.strip() == status["version"]
    refused = lab.run("unsync", check=False)
    assert refused.returncode == 2
    assert "no mirrored queues" in refused.stderr
    api = Api(lab.url("rabbit1"), "admin", lab.admin_password)
    on = (resource == "memory", resource == "disk")
    lab.run("alarm", "rabbit2", resource, "on")
    until(lambda: alarms(api, TWO) == on, f"the {resource} alarm")
    lab.run("alarm", "rabbit2", resource, "off")
    until(lambda: alarms(api, TWO) == (False, False), f"no {resource} alarm")
    lab.run("load", "--queues", "1", "--kind", "quorum", "--messages", "10", "--prefix", "q.")
    assert queue(api, "q.1")["type"] == "quorum"
    remains = Remains(lab.state)
    lab.down()
    assert (remains.processes(), remains.network()) == ([], [])


def test_wishes_that_cannot_be_met_are_refused_in_one_line(tmp_path: Path) -> None:
    for words in (
        ["up", "--version", "4.3", "--ram", "rabbit2"],
        ["up", "--version", "9"],
        ["up", "--nodes", "0"],
        ["up", "--mirror", "some"],
        ["status"],
        ["partition", "rabbit1"],
    ):
        refused = Lab(tmp_path / "none").run(*words, check=False)
        assert refused.returncode == 2, words
        assert len(refused.stderr.splitlines()) == 1, refused.stderr
        assert "Traceback" not in refused.stderr
    assert shutil.which("rabbitmqctl") is None or not (tmp_path / "none" / "lab.json").exists()
