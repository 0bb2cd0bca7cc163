from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest

from rabbitwatch.actions.lease.table import KINDS, lease_for
from rabbitwatch.actions.ports import Lease
from rabbitwatch.config.actions import ActionsConfig, LeaseConfig
from rabbitwatch.config.models import ClusterConfig

CLUSTER = ClusterConfig(name="orders")


def test_every_kind_of_the_configuration_is_there() -> None:
    assert set(KINDS) == set(get_args(LeaseConfig.model_fields["kind"].annotation))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("broker", "queue rabbitwatch.actions in vhost / of cluster orders"),
        ("kubernetes", "Lease rabbitwatch.actions.orders"),
        ("file", "lock file {folder}/rabbitwatch.actions.orders.lock"),
    ],
)
def test_each_kind_makes_a_lease_that_asks_nobody_before_it_begins(kind: str, name: str, tmp_path: Path) -> None:
    given = {"username": "repairs", "password": "x", "lease": {"kind": kind}}
    lease: Lease = lease_for(CLUSTER, ActionsConfig.model_validate(given), tmp_path, "one")
    assert lease.held() == f"{name.format(folder=tmp_path)} has not been asked for yet"
    lease.close()
    assert list(tmp_path.iterdir()) == []


def test_the_holder_is_named_so_that_a_person_finds_it(tmp_path: Path) -> None:
    actions = ActionsConfig.model_validate({"lease": {"kind": "file", "path": tmp_path}})
    one, two = (lease_for(CLUSTER, actions, tmp_path / "unused", who) for who in ("one", "two"))
    one.begin()
    assert one.held() == ""
    two.begin()
    assert f"agent one (host {os.uname().nodename}, process {os.getpid()})" in two.held()
    one.close()
    two.close()
