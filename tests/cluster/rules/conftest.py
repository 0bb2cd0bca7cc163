"""One real cluster for all tests of the shipped rules: two disc nodes and a ram node of 3.10.

Each test leaves the cluster as it found it. Modules run in order of their names, and in the last one stand the tests
after which a node is not worth mending.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cluster.api import Api
from tests.cluster.conftest import Lab, labs

DESCRIPTORS = 300
"""File descriptors for each broker: 200 for files of queues, 178 for sockets. Few enough to be used up."""


@pytest.fixture(scope="package")
def lab(lab_folders: Callable[[], Path]) -> Iterator[Lab]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with labs(lab_folders) as start:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
        try:
            words = ("--nodes", "3", "--ram", "rabbit3", "--net-ticktime", "10")
            one = start(*words, "--conf", "collect_statistics_interval = 1000")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        yield one


@pytest.fixture
def api(lab: Lab) -> Iterator[Api]:
    """The API of the first node; queues and policies are gone after the test."""
    api = Api(lab.url("rabbit1"), "admin", lab.admin_password)
    yield api
    for policy in api.call("GET", "policies"):
        api.delete("policies", policy["vhost"], policy["name"])
    for queue in api.call("GET", "queues"):
        api.delete("queues", queue["vhost"], queue["name"])
    # only now: what its consumers held would go back into the queues first
    lab.run("load", "--stop", check=False)
