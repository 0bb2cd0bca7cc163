"""How a family is declared: what it is called, what it means, and how its rows follow from a cluster's state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.sample import Family, Kind, Row

Rows = Callable[[ClusterState], Iterable[Row]]

CLUSTER = ("cluster",)
NODE = ("cluster", "node")
VIEW = ("cluster", "observer", "node")
VHOST = ("cluster", "vhost")
QUEUE = ("cluster", "vhost", "queue")

TO_3_13 = "to 3.13"
"""Versions with classic mirrors."""

MNESIA = "with Mnesia: to 3.12; optional from 3.13 to 4.2"
"""Versions whose metadata store knows partitions and ram nodes."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A family and its rows. rows is pure; what is unknown has none."""

    family: Family
    rows: Rows


@dataclass(frozen=True, slots=True)
class Declare:
    """Declares families of one kind; what belongs to the kind is said here once. ending: of the family's name."""

    kind: Kind
    ending: str = ""

    def __call__(
        self,
        name: str,
        labels: tuple[str, ...],
        rows: Rows,
        help: str,  # noqa: A002 - it is what the field calls it
        *,
        source: str,
        versions: str = "all",
    ) -> Collector:
        """The family `rabbitwatch_<name>`. Its unit is read off the name, as base units demand."""
        family = Family(
            name=f"rabbitwatch_{name}{self.ending}",
            kind=self.kind,
            labels=labels,
            help=help,
            source=source,
            unit=next((unit for unit in ("seconds", "bytes") if name.endswith(f"_{unit}")), ""),
            versions=versions,
        )
        return Collector(family, rows)


gauge = Declare(Kind.GAUGE)
counter = Declare(Kind.COUNTER)
"""Of the broker's; the name ends in `_total`."""
info = Declare(Kind.INFO, "_info")
"""What may change about an object is in the labels, and the value is 1."""


def one(value: Callable[[ClusterState], float | None]) -> Rows:
    """Rows of a figure about the whole cluster: one row, or none while it is unknown."""

    def rows(state: ClusterState) -> Iterable[Row]:
        found = value(state)
        return () if found is None else (((state.cluster,), found),)

    return rows
