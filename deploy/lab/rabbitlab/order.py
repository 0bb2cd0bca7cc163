"""What `lab up` was asked for, checked before anything is made."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from rabbitlab.errors import LabError

VERSIONS = {"3.10": "bookworm", "4.0": "trixie", "4.3": "forky"}
"""Version line -> the Debian release that carries it."""

ISOLATIONS = ("netns", "loopback")
PARTITION_HANDLING = ("ignore", "autoheal", "pause_minority")
MOST_NODES = 9
DEFAULT_PLUGINS = ("rabbitmq_management", "rabbitmq_prometheus")
MASTER_PATTERN = r"^master\."
FIVE_HOSTS_POLICY = {
    "vhost": "/",
    "name": "ha-master",
    "pattern": MASTER_PATTERN,
    "apply-to": "queues",
    "priority": 1,
    "definition": {"ha-mode": "all"},
}


@dataclass(frozen=True)
class Order:
    """The wishes of `lab up`. Policies are spelt as the broker's own definitions export spells them."""

    nodes: int = 3
    ram: tuple[str, ...] = ()
    version: str = "3.10"
    isolation: str = "netns"
    cluster_name: str = "lab"
    net_ticktime: int | None = None
    partition_handling: str = "ignore"
    policies: tuple[dict[str, Any], ...] = ()
    plugins: tuple[str, ...] = DEFAULT_PLUGINS
    conf: tuple[str, ...] = ()
    nginx: bool = False
    five_hosts: bool = False

    @property
    def mirrors(self) -> bool:
        """Whether this version has classic mirrored queues and ram nodes (gone in 4.0)."""
        return self.version.startswith("3.")

    @property
    def names(self) -> tuple[str, ...]:
        """The short names of the nodes."""
        return tuple(f"rabbit{number}" for number in range(1, self.nodes + 1))


@dataclass
class _Complaints:
    """Collects what is wrong, so that one call tells everything."""

    said: list[str] = field(default_factory=list)

    def unless(self, good: bool, text: str) -> None:
        if not good:
            self.said.append(text)


def check(order: Order) -> Order:
    """The order, complete. Raises LabError that names every wish that cannot be met."""
    if order.five_hosts:
        order = _five_hosts(order)
    wrong = _Complaints()
    wrong.unless(order.version in VERSIONS, f"--version {order.version}: have {', '.join(VERSIONS)}")
    wrong.unless(1 <= order.nodes <= MOST_NODES, f"--nodes {order.nodes}: from 1 to {MOST_NODES}")
    strangers = [name for name in order.ram if name not in order.names]
    wrong.unless(not strangers, f"--ram {','.join(strangers)}: the nodes are {', '.join(order.names)}")
    wrong.unless(len(set(order.ram)) < order.nodes, "--ram: at least one node must be a disc node")
    if order.version in VERSIONS and not order.mirrors:
        wrong.unless(not order.ram, f"--ram: RabbitMQ {order.version} has no ram nodes; use --version 3.10")
        mirrored = [policy["name"] for policy in order.policies if _mirrors(policy)]
        wrong.unless(
            not mirrored,
            f"policy {', '.join(mirrored)}: RabbitMQ {order.version} has no mirrored queues and refuses ha-* keys;"
            " use --version 3.10",
        )
    wrong.unless(
        order.net_ticktime is None or order.net_ticktime >= 4, f"--net-ticktime {order.net_ticktime}: 4 or more seconds"
    )
    if wrong.said:
        raise LabError("; ".join(wrong.said))
    return order


def _five_hosts(order: Order) -> Order:
    """Four disc nodes with master.* queues of their own and a ram node that carries the mirrors."""
    if order.version not in VERSIONS or not order.mirrors:
        raise LabError(f"--five-hosts needs mirrors and a ram node, which {order.version} has not; use --version 3.10")
    wishes = {**order.__dict__, "nodes": 5, "ram": ("rabbit5",), "policies": (*order.policies, FIVE_HOSTS_POLICY)}
    return Order(**wishes)


def _mirrors(policy: dict[str, Any]) -> bool:
    return any(str(key).startswith("ha-") for key in policy["definition"])


def ram_names(text: str) -> tuple[str, ...]:
    """`rabbit3`, `3` or `2,3`, as --ram takes them."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(f"rabbit{part}" if part.isdigit() else part for part in parts)


def policy_from_json(text: str) -> dict[str, Any]:
    """One policy as --policy takes it: the object of the broker's definitions export. Raises LabError."""
    try:
        policy = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabError(f"--policy: no JSON at column {error.colno} ({error.msg}): {text}") from None
    if not isinstance(policy, dict) or not {"name", "pattern", "definition"} <= policy.keys():
        raise LabError(f"--policy: an object with name, pattern and definition is needed: {text}")
    if not isinstance(policy["definition"], dict):
        raise LabError(f"--policy {policy['name']}: definition must be an object")
    unknown = policy.keys() - {"vhost", "name", "pattern", "definition", "apply-to", "priority"}
    if unknown:
        raise LabError(f"--policy {policy['name']}: unknown key {', '.join(sorted(unknown))}")
    return {"vhost": "/", "apply-to": "queues", "priority": 0, **policy}


def mirror_policy(mode: str) -> dict[str, Any]:
    """The policy of --mirror: `all`, `exactly:2` or `nodes:rabbit@rabbit1,rabbit@rabbit2`, on queues `master.*`."""
    definition: dict[str, Any]
    if mode == "all":
        definition = {"ha-mode": "all"}
    elif match := re.fullmatch(r"exactly:([1-9]\d*)", mode):
        definition = {"ha-mode": "exactly", "ha-params": int(match[1]), "ha-sync-mode": "automatic"}
    elif match := re.fullmatch(r"nodes:([^,\s]+(?:,[^,\s]+)*)", mode):
        definition = {"ha-mode": "nodes", "ha-params": match[1].split(",")}
    else:
        raise LabError(f"--mirror {mode}: write all, exactly:N or nodes:rabbit@rabbit1,rabbit@rabbit2")
    name = f"ha-{mode.split(':', maxsplit=1)[0]}"
    return {
        "vhost": "/",
        "name": name,
        "pattern": MASTER_PATTERN,
        "apply-to": "queues",
        "priority": 0,
        "definition": definition,
    }
