"""What each kind of fault does to a cluster, and how it ends. One line in the table is one kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.soak.schedule import Fault
from tests.soak.world import DECLARED, POLICY, World

Deed = Callable[[World, Fault], None]

CHANGED = {**DECLARED, "definition": {**DECLARED["definition"], "ha-mode": "exactly", "ha-params": 2}}
SLOW_SECONDS = "1.5"


@dataclass(frozen=True, slots=True)
class Kind:
    """begin, end: return when the lab has done it. forbids: no repair may be requested from some seconds after the
    begin until the end."""

    begin: Deed
    end: Deed
    forbids: bool


def _lab(*words: str, node: bool = True) -> Deed:
    def deed(world: World, fault: Fault) -> None:
        world.lab.run(words[0], *((fault.node,) if node else ()), *words[1:])

    return deed


def _nothing(_world: World, _fault: Fault) -> None:
    """Left as it is; the end of the round mends it."""


def _delete(world: World, _fault: Fault) -> None:
    world.ask("DELETE", f"policies/%2F/{POLICY}") if _has_policy(world) else None


def _has_policy(world: World) -> bool:
    return any(row["name"] == POLICY for row in world.ask("GET", "policies/%2F"))


def _change(world: World, _fault: Fault) -> None:
    world.ask("PUT", f"policies/%2F/{POLICY}", CHANGED)


def _restore(world: World, _fault: Fault) -> None:
    world.restore_policy()


FAULTS: dict[str, Kind] = {
    "stop": Kind(_lab("stop"), _lab("start"), forbids=True),
    "kill": Kind(_lab("kill"), _lab("start"), forbids=True),
    "partition": Kind(_lab("partition"), _lab("heal", "--rejoin", node=False), forbids=True),
    "memory": Kind(_lab("alarm", "memory", "on"), _lab("alarm", "memory", "off"), forbids=True),
    "disk": Kind(_lab("alarm", "disk", "on"), _lab("alarm", "disk", "off"), forbids=True),
    "hang": Kind(_lab("hang"), _lab("unhang"), forbids=True),
    "slow": Kind(_lab("slow", SLOW_SECONDS), _lab("unhang"), forbids=False),
    "unsync": Kind(_delete, _restore, forbids=False),
    "policy_deleted": Kind(_delete, _nothing, forbids=False),
    "policy_changed": Kind(_change, _nothing, forbids=False),
}
