"""Who belongs to a cluster, as far as configuration and answers tell: names, addresses, joining and vanishing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rabbitwatch.config.models import ClusterConfig, NodeConfig
from rabbitwatch.sources.access import Access, AccessBook, host_and_port

_WANDERING = 2
"""An address that changed the node behind it this often is a load balancer; once may be a node that was renamed."""


@dataclass(eq=False, slots=True)
class Member:
    """One address that is asked, and the node that is believed to be behind it.

    config: its entry in the configuration; None when another node told of it. name: configured, told by itself, or
    listed by another node; None while nobody has told it. blocked: why it is not asked. version: of the broker, last
    told.
    """

    access: Access
    config: NodeConfig | None
    name: str | None
    blocked: str | None = None
    version: str | None = None
    told: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The Erlang name, or host and port of the address until it is known."""
        return self.name or host_and_port(self.access.url)

    @property
    def expected(self) -> str | None:
        """The name that the node behind the address must have; None where any name is right."""
        return self.config.name if self.config is not None else self.name

    @property
    def wanders(self) -> bool:
        """Different nodes answer at this address from time to time."""
        return len(self.told) > _WANDERING


class Roster:
    """The members of one cluster: declared ones always, discovered ones until they are forgotten.

    now: unix seconds.
    """

    def __init__(self, cluster: ClusterConfig, book: AccessBook) -> None:
        self._book = book
        self._forget_after = cluster.forget_after
        self._declared = [Member(book.configured(node), node, node.name) for node in cluster.nodes]
        for place, member in enumerate(self._declared):
            if any(earlier.access.url == member.access.url for earlier in self._declared[:place]):
                member.blocked = f"{member.access.url} is listed twice under nodes: only its first entry is asked"
        self._discovered: dict[str, Member] = {}
        self._listed: dict[str, float] = {}
        self._missing: frozenset[str] = frozenset()

    @property
    def members(self) -> tuple[Member, ...]:
        """Declared ones in the order of the file, then discovered ones by name."""
        return (*self._declared, *(self._discovered[name] for name in sorted(self._discovered)))

    @property
    def missing(self) -> frozenset[str]:
        """Names that were listed earlier and that nobody lists any more."""
        return self._missing

    def holders(self) -> dict[str, Member]:
        """Label -> the one member that speaks for it. Where two addresses lead to one node, the first one that keeps
        to its node; see `twins` for the others."""
        held: dict[str, Member] = {}
        for member in sorted(self.members, key=lambda m: m.wanders):
            held.setdefault(member.label, member)
        return {m.label: m for m in self.members if held[m.label] is m}

    def twins(self) -> Iterator[tuple[Member, Member]]:
        """(holder, other) for every further address of a node that has one already."""
        held = self.holders()
        for member in self.members:
            if held[member.label] is not member:
                yield held[member.label], member

    def learn(self, member: Member, name: str) -> None:
        """The node behind this address says that it is `name`. A name that was configured or discovered stays."""
        if member.config is None or member.config.name is not None:
            return
        if not member.told or member.told[-1] != name:
            member.told = [*member.told[-_WANDERING:], name]
        member.name = name
        if not member.wanders:
            self._discovered.pop(name, None)

    def discover(self, names: Collection[str]) -> list[Member]:
        """Members for those names that had none; the new ones are returned."""
        known = {member.name for member in self.members}
        new: list[Member] = []
        for name in sorted(set(names) - known):
            if (unnamed := self._unnamed_at(name)) is not None:
                unnamed.name = name
                continue
            member = Member(self._book.discovered(name), None, name)
            taken = next((m for m in self.members if m.access.url == member.access.url and not m.wanders), None)
            if taken is not None:
                member.blocked = (
                    f"its address would be {member.access.url}, which is that of {taken.label}: "
                    "list it under nodes with its own url, or set url_template"
                )
            self._discovered[name] = member
            new.append(member)
        return new

    def heed(self, listed: frozenset[str], now: float) -> None:
        """All names that the views of one poll list. Without any view (an empty set) nothing is concluded."""
        if not listed:
            return
        self._listed.update(dict.fromkeys(listed, now))
        for name, at in list(self._listed.items()):
            if name not in listed and self._forget_after and now - at > self._forget_after:
                self.forget(name)
        self._missing = frozenset(self._listed) - listed

    def forget(self, name: str) -> None:
        """A discovered node is dropped, a declared one is no longer missing. It returns when it is listed again."""
        self._listed.pop(name, None)
        self._missing -= {name}
        self._discovered.pop(name, None)

    def _unnamed_at(self, name: str) -> Member | None:
        """The declared member without a name whose address has the host part of `name`."""
        host = name.partition("@")[2].lower()
        at_host = [m for m in self._declared if (urlsplit(m.access.url).hostname or "") == host]
        return at_host[0] if len(at_host) == 1 and at_host[0].name is None else None
