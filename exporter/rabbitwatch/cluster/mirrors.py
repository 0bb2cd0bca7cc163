"""How many mirrors a policy asks for.

Source of the rules: RabbitMQ's documentation of classic queue mirroring (3.13).
"""

from __future__ import annotations

from dataclasses import dataclass

from rabbitwatch.cluster.policies import Definition

PROMOTE_BY_DEFAULT = "always"


@dataclass(frozen=True, slots=True)
class MirrorRule:
    """What a policy definition says about mirrors. mode: all, exactly or nodes. count: of `exactly`, the leader
    included. nodes: of `nodes`. promote_on_failure: may a mirror that has not caught up become the leader."""

    mode: str
    count: int = 0
    nodes: frozenset[str] = frozenset()
    promote_on_failure: str = PROMOTE_BY_DEFAULT

    def expected(self, running: frozenset[str], leader: str) -> int:
        """How many mirrors there should be, given who runs."""
        if self.mode == "all":
            wanted = len(running) - 1
        elif self.mode == "exactly":
            wanted = min(self.count, len(running)) - 1
        else:
            wanted = len((self.nodes & running) - {leader})
        return max(wanted, 0)

    def wants_any(self, leader: str) -> bool:
        """Does it ask for a mirror at all, whoever runs at the moment?

        A queue under ha-mode all whose other nodes are down has no mirror to expect, and still everything to lose.
        """
        if self.mode == "exactly":
            return self.count > 1
        return self.mode == "all" or bool(self.nodes - {leader})


def mirror_rule(definition: Definition) -> MirrorRule | None:
    """The rule in a definition; None where it asks for no mirrors, or in a way that no broker accepts."""
    mode, params = definition.get("ha-mode"), definition.get("ha-params")
    promote = str(definition.get("ha-promote-on-failure", PROMOTE_BY_DEFAULT))
    if mode == "all":
        return MirrorRule("all", promote_on_failure=promote)
    if mode == "exactly" and isinstance(params, int) and not isinstance(params, bool):
        return MirrorRule("exactly", count=params, promote_on_failure=promote)
    if mode == "nodes" and isinstance(params, (list, tuple)):
        return MirrorRule("nodes", nodes=frozenset(map(str, params)), promote_on_failure=promote)
    return None
