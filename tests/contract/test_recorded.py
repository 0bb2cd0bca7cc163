"""What real brokers of three versions sent is understood without a single flaw, and says what it must."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.fakebroker import RECORDED

from rabbitwatch.clients.command import Completed
from rabbitwatch.clients.diagnostics import Diagnostics
from rabbitwatch.clients.payload import decode_list, decode_object
from rabbitwatch.clients.plugin import read_consumers, read_links
from rabbitwatch.errors import CallError
from rabbitwatch.model.broker import BrokerNode, Overview, Policy, Queue, Vhost

VERSIONS = ("3.10", "4.0", "4.3")
FOLDERS = sorted({file.parent for file in RECORDED.glob("*/*/*/overview.json")})
AWKWARD = {"plain", 'quotes "and" \\backslashes\\', "twolines", "<script>alert(1)</script>", "rabbit 🐇 ünd größer"}


def test_every_version_is_recorded() -> None:
    assert {folder.parent.parent.name for folder in FOLDERS} == set(VERSIONS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: str(f.relative_to(RECORDED)))
def test_every_answer_is_understood_without_a_flaw(folder: Path) -> None:
    lists = {
        "nodes.json": BrokerNode,
        "queues.json": Queue,
        "policies.json": Policy,
        "operator_policies.json": Policy,
        "vhosts.json": Vhost,
    }
    for file, entry in lists.items():
        payload = decode_list((folder / file).read_bytes(), entry)  # type: ignore[type-var]
        assert payload.flaws == (), file
        assert len(payload.value) == len(json.loads((folder / file).read_bytes())), file
    overview = decode_object((folder / "overview.json").read_bytes(), Overview)
    assert overview.flaws == ()
    assert overview.value.node == f"rabbit@{folder.name}"
    assert (overview.value.rabbitmq_version or "").startswith(folder.parent.parent.name)
    assert read_consumers((folder / "consumers.txt").read_bytes()).flaws == ()
    assert read_links((folder / "metrics.txt").read_bytes()).node == f"rabbit@{folder.name}"


@pytest.mark.parametrize("version", VERSIONS)
def test_names_are_the_same_from_the_api_and_from_the_plugin(version: str) -> None:
    folder = RECORDED / version / "healthy"
    queues = decode_list((folder / "rabbit1" / "queues.json").read_bytes(), Queue).value
    names = {(queue.vhost, queue.name) for queue in queues}
    assert {("/", name) for name in AWKWARD} | {("/", "x" * 255)} <= names
    consumers: set[tuple[str, str]] = set()
    for node in ("rabbit1", "rabbit2", "rabbit3"):
        consumers |= read_consumers((folder / node / "consumers.txt").read_bytes()).value.keys()
    assert consumers <= names
    classic = {(queue.vhost, queue.name) for queue in queues if queue.type == "classic"}
    assert classic <= consumers


@pytest.mark.parametrize("version", VERSIONS)
def test_every_node_of_a_healthy_cluster_has_links_to_its_peers_and_to_no_tool(version: str) -> None:
    folder = RECORDED / version / "healthy"
    everybody = {"rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"}
    for node in ("rabbit1", "rabbit2", "rabbit3"):
        links = read_links((folder / node / "metrics.txt").read_bytes()).links
        assert links == dict.fromkeys(everybody - {f"rabbit@{node}"}, 3)


def running(folder: str) -> dict[str, bool | None]:
    nodes = decode_list((RECORDED / folder / "nodes.json").read_bytes(), BrokerNode).value
    return {node.name.removeprefix("rabbit@"): node.running for node in nodes}


def partitions(folder: str) -> dict[str, list[str] | None]:
    nodes = decode_list((RECORDED / folder / "nodes.json").read_bytes(), BrokerNode).value
    return {node.name.removeprefix("rabbit@"): node.partitions for node in nodes}


def test_during_a_split_the_sides_contradict_each_other_and_no_partition_is_told() -> None:
    assert running("3.10/split/rabbit1") == {"rabbit1": True, "rabbit2": True, "rabbit3": False}
    assert running("3.10/split/rabbit3") == {"rabbit1": False, "rabbit2": False, "rabbit3": True}
    for side in ("rabbit1", "rabbit3"):
        assert not any(partitions(f"3.10/split/{side}").values())


def test_after_healing_the_partition_is_told() -> None:
    assert partitions("3.10/healed/rabbit1")["rabbit1"] == ["rabbit@rabbit3"]


def test_a_node_that_is_down_tells_nothing_but_that() -> None:
    assert running("3.10/down/rabbit1")["rabbit2"] is False
    assert partitions("3.10/down/rabbit1")["rabbit2"] is None


class Recording:
    """Gives what a command printed when it was recorded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, arguments: list[str], *, within: float) -> Completed:
        told = json.loads((self._folder / f"{arguments[-1]}.command.json").read_text())
        return Completed(told["status"], told["stdout"].encode(), told["stderr"].encode(), 0.5)


def tool(folder: Path) -> Diagnostics:
    return Diagnostics(Recording(folder), ("rabbitmq-diagnostics",), "rabbit@rabbit1", 10.0)  # type: ignore[arg-type]


@pytest.fixture(params=VERSIONS)
def healthy(request: pytest.FixtureRequest) -> Path:
    return RECORDED / str(request.param) / "healthy"


def test_commands_of_a_healthy_node(healthy: Path) -> None:
    commands = tool(healthy / "rabbit1")
    status = commands.cluster_status()
    assert status.flaws == ()
    assert sorted(status.value.running_nodes or ()) == ["rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"]
    assert status.value.partitions == {}
    sources = commands.cookie_sources()
    assert sources.flaws == ()
    assert sources.value.cookie_file_exists is True
    for check in ("running", "local_alarms", "port_connectivity", "virtual_hosts", "if_node_is_quorum_critical"):
        assert commands.check(check).passed, check


def test_a_node_out_of_reach_is_an_error_whatever_the_status_says(healthy: Path) -> None:
    commands = tool(healthy / "unreachable")
    with pytest.raises(CallError, match="cannot be reached over Erlang distribution"):
        commands.cookie_hash()
    with pytest.raises(CallError, match="cannot be reached over Erlang distribution") as caught:
        commands.check("running")
    assert "\n" not in caught.value.reason
