"""One real cluster for the tests of repairs, and agents as processes that act on it. Each test leaves it as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.actions.common import ACTOR, Repairer, whole
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, labs

MakeRepairer = Callable[..., Repairer]


@pytest.fixture(scope="package")
def lab(lab_folders: Callable[[], Path]) -> Iterator[Lab]:
    """Three disc nodes, and a user that acts."""
    with labs(lab_folders) as start:
        one = start("--nodes", "3", "--net-ticktime", "10", "--conf", "collect_statistics_interval = 1000")
        api = Api(one.url("rabbit1"), "admin", one.admin_password)
        api.call("PUT", "users", ACTOR, body={"password": one.admin_password, "tags": "administrator"})
        rights = dict.fromkeys(("configure", "write", "read"), ".*")
        api.call("PUT", "permissions", "/", ACTOR, body=rights)
        yield one


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


@pytest.fixture
def repairer(lab: Lab, api: Api, tmp_path: Path) -> Iterator[MakeRepairer]:
    """Starts an agent that acts (see Repairer.begin), ended with the test before the cluster is cleared."""
    with ExitStack() as ending:
        count = iter(range(1, 10))

        def start(*bindings: dict[str, Any], **settings: Any) -> Repairer:
            whole(lab)
            one = ending.enter_context(Repairer(tmp_path / f"agent{next(count)}", lab))
            one.begin(*bindings, **settings)
            return one

        yield start
