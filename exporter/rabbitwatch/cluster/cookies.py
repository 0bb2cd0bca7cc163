"""Whose Erlang cookie differs. Hashes are compared here and go nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rabbitwatch.model.observation import NodeObservation, told


@dataclass(frozen=True, slots=True)
class Cookies:
    """groups: how many different cookies there are; None when too few are known to say.
    mismatch: by node, is its cookie not that of the largest group; only nodes whose cookie is known."""

    groups: int | None
    mismatch: Mapping[str, bool]


def cookies(nodes: Iterable[NodeObservation], members: int) -> Cookies:
    """Compare the cookies of the nodes whose cookie is known.

    One known cookie says something only about a cluster of one. When no group is larger than every other, nobody
    can say which one is right, so every known node mismatches.
    """
    known = {node.name: found for node in nodes if (found := _hash(node)) is not None}
    if not known or len(known) < min(members, 2):
        return Cookies(None, {})
    sizes = Counter(known.values())
    largest = max(sizes.values())
    right = {value for value, size in sizes.items() if size == largest}
    undecided = len(right) > 1
    return Cookies(len(sizes), {name: undecided or value not in right for name, value in known.items()})


def file_differs(node: NodeObservation) -> bool | None:
    """Does the node's cookie file hold another cookie than the one that it runs with? Its next start would fail."""
    runs_with, in_file = told(node.cookie_hash), told(node.cookie_file_hash)
    if runs_with is None or in_file is None:
        return None
    return runs_with != in_file


def _hash(node: NodeObservation) -> str | None:
    by_itself = told(node.cookie_hash)
    return told(node.cookie_file_hash) if by_itself is None else by_itself
