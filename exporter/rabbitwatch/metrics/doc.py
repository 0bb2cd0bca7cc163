"""docs/metrics.md, written from the families themselves: `python -m rabbitwatch.metrics.doc > docs/metrics.md`.

A test compares the file with what this writes, so the page is never stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rabbitwatch.metrics.own_families import FAMILIES
from rabbitwatch.metrics.samples import GROUPS
from rabbitwatch.model.sample import Family

_HEAD = """\
# Metrics

Written by `python -m rabbitwatch.metrics.doc` from the code; do not edit.

The names and labels on this page are an interface: renaming one is a breaking change, and the changelog says so.

How to read them:

- **What is unknown has no row.** A question that was not answered leaves no sample behind, never a 0. Which
  questions were asked in vain says `rabbitwatch_source_up`; a rule that must not resolve because of a gap joins
  with it, or uses `keep_firing_for`.
- **A dead node keeps its rows.** `rabbitwatch_cluster_nodes` and `rabbitwatch_node_up` count members that are
  configured, listed by any node, or missing, so a sum over nodes does not shrink when one dies.
- **Per queue, only what stays.** Series of queues have the labels cluster, vhost and queue; what a failover
  changes is on `rabbitwatch_queue_info`, to be joined: `... * on (cluster, vhost, queue) group_left (node)
  rabbitwatch_queue_info`.
- **The cap.** `queues.limit` (2000) bounds how many queues have series: all unhealthy ones, and the deepest of
  the others. Sums are over all included queues; `rabbitwatch_cluster_queues_hidden` says how many have no
  series. A queue that was shown stays while it holds at least four fifths of what the shallowest of the deepest
  holds, in a tenth of room beyond the limit. Include and exclude apply before the cap.
- **A split.** Each component tells its own queues. A queue that several tell is taken from the component of its
  leader's node; if each claims the leader, from the larger one; so sums count it once. How the sides differ is
  in `rabbitwatch_view_queues` and `rabbitwatch_cluster_contested_queues`.
- **Mirroring.** A queue that no policy mirrors has no row in `rabbitwatch_queue_mirrors_expected`, rather than
  0; an exclusive queue neither, since brokers never mirror it. Messages are at risk when a policy asks for
  mirrors and none is synchronised, also when so few nodes run that none is expected.
"""

_OWN = """
The usual `process_*` families of Prometheus' Python client stand beside them.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    for title, collectors in GROUPS.items():
        parts.append(_section(title, (collector.family for collector in collectors)))
    parts.extend((_section("The agent itself", FAMILIES), _OWN))
    return "\n".join(parts)


def _section(title: str, families: Iterable[Family]) -> str:
    return "\n".join((f"## {title}", "", *(line for family in families for line in _entry(family))))


def _entry(family: Family) -> Iterator[str]:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    yield f"### `{family.name}`"
    yield ""
    yield family.help
    yield ""
    yield f"- type: {family.kind.value}{f'; unit: {family.unit}' if family.unit else ''}"
    yield f"- labels: {labels}"
    yield f"- source: {family.source}"
    yield f"- broker versions: {family.versions}; since rabbitwatch {family.since}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
