"""Who says that whom runs, as a graph, and the groups that it falls into."""

from __future__ import annotations

from collections.abc import Mapping


def components(running: Mapping[str, frozenset[str]]) -> tuple[frozenset[str], ...]:
    """Groups of nodes that see each other, largest first, then by name.

    running: for every node that answered, the names that it says are running. A node that did not answer is not
    a key and is in no group. Two nodes belong together when each says that the other runs, directly or through
    others.
    """
    left = set(running)
    groups: list[frozenset[str]] = []
    while left:
        group: set[str] = set()
        frontier = {left.pop()}
        while frontier:
            group |= frontier
            frontier = {
                other for name in frontier for other in left if other in running[name] and name in running[other]
            }
            left -= frontier
        groups.append(frozenset(group))
    return tuple(sorted(groups, key=lambda g: (-len(g), sorted(g))))
