"""The assessed state as JSON: what other programs read of it."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.cluster.build import HA_ALL, healthy, missed, objects, policy

from rabbitwatch.cluster.assess import assess
from rabbitwatch.config.models import ClusterConfig, DeclaredPolicy
from rabbitwatch.web.clusters import document, encode

HA = DeclaredPolicy(name="ha", pattern=".*", apply_to="queues", definition={"ha-mode": "all"})
CONFIG = ClusterConfig(name="orders", policies=(HA, HA.model_copy(update={"name": "gone", "vhost": "shop"})))


def served(*policies: Any) -> Any:
    state = assess(healthy(objects(policies=policies)), CONFIG)
    return json.loads(encode(document(state, (), "")))


def test_drift_by_key() -> None:
    told = served(policy({"ha-mode": "exactly", "ha-params": 2}), policy({}, "other"))
    assert told["policies"] == [
        {
            "vhost": "/",
            "name": "ha",
            "operator": False,
            "drift": "changed",
            "differences": [
                {"key": "definition.ha-mode", "declared": "all", "found": "exactly"},
                {"key": "definition.ha-params", "declared": None, "found": 2},
            ],
        },
        {"vhost": "shop", "name": "gone", "operator": False, "drift": "missing", "differences": []},
    ]
    assert told["unexpected_policies"] == [{"vhost": "/", "name": "other", "operator": False}]


def test_no_drift_and_unknown_drift() -> None:
    assert served(HA_ALL)["policies"][0]["drift"] == ""
    state = assess(healthy(objects(policies=missed())), CONFIG)
    told = document(state, (), "")
    assert (told["policies"], told["unexpected_policies"]) == ([], [])
