"""One real cluster, one agent with shipped rules, and a browser, for all tests of what pages show of them.

Each test leaves the cluster as it was; the one after which there is no agent is the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.actions.common import ACTOR, binding
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, labs
from tests.support.agents import AgentProcess
from tests.support.chromium import Looking, browsing
from tests.support.pictures import Camera, folder

from rabbitwatch.assets import shipped

ALERTS = ("RabbitMQClusterSplit", "RabbitMQContestedQueues", "RabbitMQMessagesAtRisk")
AT_RISK = ALERTS[-1]


@pytest.fixture(scope="package")
def lab(lab_folders: Callable[[], Path]) -> Iterator[Lab]:
    """Two disc nodes and a ram node, and a user that acts."""
    with labs(lab_folders) as start:
        words = ("--nodes", "3", "--ram", "rabbit3", "--net-ticktime", "10")
        one = start(*words, "--conf", "collect_statistics_interval = 1000")
        api = Api(one.url("rabbit1"), "admin", one.admin_password)
        api.call("PUT", "users", ACTOR, body={"password": one.admin_password, "tags": "administrator"})
        api.call("PUT", "permissions", "/", ACTOR, body=dict.fromkeys(("configure", "write", "read"), ".*"))
        yield one


@contextmanager
def watching(lab: Lab, folder: Path, **settings: Any) -> Iterator[AgentProcess]:
    """An agent that polls every two seconds. settings: of the configuration's top."""
    told = yaml.safe_load(lab.run("config", "--no-diagnostics").stdout)
    with AgentProcess(folder) as one:
        (one.folder / "rules.yml").write_text(yaml.safe_dump(_impatient()), encoding="utf-8")
        poll = {"interval": "2s", "timeout": "1500ms"}
        one.configure({"clusters": told["clusters"], "poll": poll, **settings})
        one.start()
        yield one


@pytest.fixture(scope="package")
def agent(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """Asks before it synchronises a queue."""
    actions = {
        "username": ACTOR,
        "password": lab.admin_password,
        "timeout": "5s",
        "bindings": [binding(AT_RISK, "sync_queue", "approve")],
        "guards": {"uptime": {"at_least": "1s"}},
        "verify": {"interval": "500ms"},
    }
    with watching(lab, tmp_path_factory.mktemp("agent"), actions=actions) as one:
        yield one


def _impatient() -> dict[str, Any]:
    """Some of the shipped alerts, without their minutes of waiting."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(shipped("rules").glob("*.yml"))]
    rules = [
        rule for file in files for group in file["groups"] for rule in group["rules"] if rule.get("alert") in ALERTS
    ]
    quick = [{key: value for key, value in rule.items() if key not in {"for", "keep_firing_for"}} for rule in rules]
    assert len(quick) == len(ALERTS)
    return {"groups": [{"name": "shipped", "rules": quick}]}


@pytest.fixture(scope="package")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camera]:
    """Opens pages, and keeps pictures of them where PICTURES names a folder."""
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        looking = Looking(browser)
        yield Camera(looking, folder())
        looking.close()


@pytest.fixture
def api(lab: Lab) -> Iterator[Api]:
    """The API of the first node; queues and policies are gone after the test."""
    api = Api(lab.url("rabbit1"), "admin", lab.admin_password)
    yield api
    for policy in api.call("GET", "policies"):
        api.delete("policies", policy["vhost"], policy["name"])
    for queue in api.call("GET", "queues"):
        if not queue.get("exclusive"):
            api.delete("queues", queue["vhost"], queue["name"])
