"""On which nodes each vhost runs.

A broker says `nodedown` of a vhost on a node that it cannot reach: that is a word about the link, not about the vhost.
"""

from __future__ import annotations

from collections.abc import Sequence

from rabbitwatch.cluster.selection import chooser
from rabbitwatch.cluster.side import Side
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.model.observation import told

_STATES = {"running": True, "stopped": False}


def vhosts(told_by: Sequence[Side], config: ClusterConfig) -> dict[str, dict[str, bool]]:
    """By vhost and node. A component's word about its own nodes outweighs that of the others; then the larger's."""
    keeps = chooser(config.vhosts).keeps
    found: dict[str, dict[str, bool]] = {}
    for own in (True, False):
        for side in told_by:
            for vhost in told(side.objects.vhosts) or ():
                states = found.setdefault(vhost.name, {}) if keeps(vhost.name) else {}
                for node, state in (vhost.cluster_state or {}).items():
                    if state in _STATES and (node in side.objects.component) is own:
                        states.setdefault(node, _STATES[state])
    return found
