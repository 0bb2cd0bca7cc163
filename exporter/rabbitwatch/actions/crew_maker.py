"""Makes crews: what a cluster's line stands on, gathered from the configuration and from the parts of the agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rabbitwatch.actions.books import Books
from rabbitwatch.actions.crew import Crew, Footing, Makers
from rabbitwatch.actions.guards.table import ask
from rabbitwatch.actions.hand import BrokerHand, acting_login
from rabbitwatch.actions.lease.table import lease_for
from rabbitwatch.actions.look import ClusterLooker, MakePoller
from rabbitwatch.actions.ports import Hand
from rabbitwatch.actions.scene import Scene
from rabbitwatch.actions.table import ACTIONS
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.models import ClusterConfig, Config
from rabbitwatch.model.action import Cause, Look
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.ports import Silencing


def makers(make_poller: MakePoller) -> Makers:
    """The real ones."""
    return Makers(
        looker=lambda cluster, poll: ClusterLooker(cluster, poll, make_poller), lease=lease_for, hand=_hand_maker
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewMaker:
    """agent: how this agent is called by its leases. paused: why nothing may be done, "" when it may. window: is one of
    these time intervals open at that time. The rest as in Scene."""

    make: Makers
    agent: str
    books: Books
    remark: Callable[[str, Remark], None]
    paused: Callable[[], str]
    silencing: Silencing
    blind: Callable[[Cause], bool]
    window: Callable[[Sequence[str], float], bool]
    now: Callable[[], float]

    def made(self, footing: Footing, config: Config, after: Crew | None) -> Crew:
        """A crew that has not begun. after: the one in whose place it comes."""
        actions = config.actions
        lease = None
        if acting_login(actions) is not None:
            lease = self.make.lease(footing.cluster, actions, config.storage.path, self.agent)
        looker = self.make.looker(footing.cluster, footing.poll)
        scene = Scene(
            cluster=footing.cluster.name or (after.name if after else ""),
            config=actions,
            looker=looker,
            lease=lease.held if lease is not None else lambda: "there is no lease",
            make_hand=self.make.hand(footing.cluster, actions),
            actions=ACTIONS,
            ask=ask,
            audit=self.books.audit,
            history=self.books.history,
            elsewhere=self.books.peer.deeds,
            approvals=self.books.approvals,
            counts=self.books.counts,
            remark=self.remark,
            paused=self.paused,
            silenced=self._silenced,
            blind=self.blind,
            window=self.window,
            now=self.now,
        )
        return Crew(footing, looker, lease, scene, after)

    def _silenced(self, cause: Cause, at: float) -> bool:
        return bool(cause.fingerprint) and bool(self.silencing(cause.labels, at))


def by_settings(crew: Crew, actions: ActionsConfig) -> Scene:
    """The scene of a crew that goes on through a reload, by the settings that hold now."""
    return replace(crew.line.scene, cluster=crew.name or crew.footing.cluster.name or "", config=actions)


def _hand_maker(cluster: ClusterConfig, actions: ActionsConfig) -> Callable[[Look], Hand] | None:
    login = acting_login(actions)
    if login is None:
        return None
    return lambda look: BrokerHand(cluster, login, within=actions.timeout, look=look)
