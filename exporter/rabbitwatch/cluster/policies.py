"""Which policy definition is in effect for a queue, and where two policies contend for one.

The cheap request for queues tells the names of the policies in effect and not what they say, so the definitions come
from /api/policies and /api/operator-policies, merged as the broker merges them (rabbit_policy and
rabbit_mirror_queue_misc:merge_policy_value of 3.13).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2

from rabbitwatch.model.broker import Policy
from rabbitwatch.model.cluster import QueueState

Definition = Mapping[str, Any]

_QUIET = re2.Options()
_QUIET.log_errors = False  # RE2 writes to stderr itself otherwise

_MODES = ("all", "exactly", "nodes")
_QUEUE_TYPES = {
    "queues": None,
    "all": None,
    "classic_queues": "classic",
    "quorum_queues": "quorum",
    "streams": "stream",
}


def merged(user: Definition, operator: Definition) -> Definition:
    """What is in effect when both a policy and an operator policy apply, for the keys about mirrors.

    The operator's value wins, but of two modes the one that asks for more: all before exactly before nodes.
    """
    both: dict[str, Any] = {**user, **operator}
    if "ha-mode" in user and "ha-mode" in operator:
        both["ha-mode"] = min(user["ha-mode"], operator["ha-mode"], key=_rank)
    if "ha-params" in user and "ha-params" in operator:
        both["ha-params"] = _merged_params(user["ha-params"], operator["ha-params"])
    return both


def _rank(mode: object) -> int:
    return _MODES.index(mode) if mode in _MODES else len(_MODES)


def _merged_params(user: object, operator: object) -> object:
    if isinstance(user, int) and isinstance(operator, int):
        return max(user, operator)
    if isinstance(user, int) or isinstance(operator, int):
        return user if isinstance(user, int) else operator
    if isinstance(user, list) and isinstance(operator, list):
        return user if len(user) > len(operator) else operator
    return operator


def contenders(policies: Iterable[Policy]) -> list[tuple[Policy, ...]]:
    """Groups of policies of one vhost and one priority that could apply to the same queue; the broker's choice
    between them is undefined."""
    groups: dict[tuple[str, int], list[Policy]] = defaultdict(list)
    for policy in policies:
        if (policy.apply_to or "all") in _QUEUE_TYPES:
            groups[policy.vhost, policy.priority or 0].append(policy)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def ambiguous(policies: Iterable[Policy], queues: Iterable[QueueState]) -> dict[str, int]:
    """By vhost: how many queues get their policy by chance, because another of equal priority matches them too.

    Only where the policy in effect is one of the contenders does the tie matter. A vhost with a pattern that RE2
    does not know (look-around) is undecided and absent, rather than judged by another dialect than the broker's.
    """
    policies = tuple(policies)
    counts = dict.fromkeys((policy.vhost for policy in policies), 0)
    rivals: dict[tuple[str, str], tuple[Policy, ...]] = {}
    for group in contenders(policies):
        if all(compiles(policy) for policy in group):
            rivals.update({(policy.vhost, policy.name): group for policy in group})
        else:
            counts.pop(group[0].vhost, None)
    if rivals:
        tied = Counter(queue.vhost for queue in queues if _is_tied(queue, rivals))
        counts.update({vhost: count for vhost, count in tied.items() if vhost in counts})
    return counts


def _is_tied(queue: QueueState, rivals: Mapping[tuple[str, str], tuple[Policy, ...]]) -> bool:
    group = rivals.get((queue.vhost, queue.policy), ())
    return any(rival.name != queue.policy and applies(rival, queue) for rival in group)


def applies(policy: Policy, queue: QueueState) -> bool:
    """Does the policy match this queue of its vhost? For policies that `compiles` says RE2 can read."""
    kind = policy.apply_to or "all"
    if kind not in _QUEUE_TYPES or _QUEUE_TYPES[kind] not in (None, queue.type):
        return False
    pattern = _read(policy.pattern or "")
    return pattern is not None and pattern.search(queue.name.encode("utf-8", "replace")) is not None


def compiles(policy: Policy) -> bool:
    """Can RE2 read the pattern? The broker's PCRE knows more, such as look-around."""
    return _read(policy.pattern or "") is not None


@lru_cache(maxsize=1_000)
def _read(pattern: str) -> Any:
    try:
        return re2.compile(pattern.encode("utf-8", "replace"), options=_QUIET)
    except re2.error:
        return None
