"""The last part of the line: from alerts to repairs, guarded and on record.

    evaluated cycle, Alertmanager's webhook -> binding -> crews, one a cluster -> actions/line.py -> brokers
    page, command, Slack -> desk (actions/facade.py) -> the same line

Whoever has no section `actions` has none of the threads and writes no audit; a plan can be asked for all the same.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from rabbitwatch.actions.approvals import Approvals
from rabbitwatch.actions.audit import Audit
from rabbitwatch.actions.books import Books
from rabbitwatch.actions.crew import Crew, Footing, Makers
from rabbitwatch.actions.crew_maker import CrewMaker, by_settings
from rabbitwatch.actions.desk import Desk
from rabbitwatch.actions.facade import Repairs
from rabbitwatch.actions.figures import counted
from rabbitwatch.actions.firing import Firing
from rabbitwatch.actions.intake import Intake
from rabbitwatch.actions.metrics import ActionCounts, ActionMetrics, Figures
from rabbitwatch.actions.peer import PeerRepairs
from rabbitwatch.actions.recall import Recall
from rabbitwatch.agent import Cycle
from rabbitwatch.alerting.evaluate.status import Cycle as Evaluated
from rabbitwatch.alerting.rulefile.model import RuleSet
from rabbitwatch.config.actions import ActionsConfig
from rabbitwatch.config.addresses import parse_listen
from rabbitwatch.config.bindings import unraised
from rabbitwatch.config.change import Change
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import ClusterConfig, Config
from rabbitwatch.errors import ConfigError, ConfigFileError, StorageError
from rabbitwatch.logs import Trouble
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.notification import external_url
from rabbitwatch.notify.outward import Outward
from rabbitwatch.notify.ports import Silencing
from rabbitwatch.notify.remarks import RemarkBoard
from rabbitwatch.notify.times import TimeIntervals
from rabbitwatch.scheduling import Scheduler
from rabbitwatch.storage.actions import SqliteApprovals, SqliteAudit, SqlitePause
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.foreign_alerts import SqliteForeignAlerts
from rabbitwatch.storage.peer import SqlitePeerStore

TEND_SECONDS = 5.0
"""How often approvals are looked at for their end, and the line for something to do."""

AUDIT_FILE = "audit.jsonl"

_log = structlog.get_logger(__name__)


class Remediation:
    """Repairs as one part of the program. `take` is told of each evaluation, `watch` is a consumer of the agent's
    cycles; neither waits for a broker or a disk.

    remarks: where something is said about alerts. silencing: which silences hold for labels at a time. rules:
    those that a configuration names, or None where bindings are not held against them. redact: takes
    secrets out of what is recorded. now: seconds since the epoch.
    """

    def __init__(
        self,
        loaded: Loaded,
        own: OwnMetrics,
        database: Database,
        *,
        make: Makers,
        remarks: RemarkBoard,
        silencing: Silencing,
        rules: Callable[[Config], RuleSet] | None = None,
        redact: Callable[[str], str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._loaded = loaded
        self._remarks = remarks
        self._rules = rules
        self._now = now
        agent = agent_name(loaded.config)
        self._crews: tuple[Crew, ...] = ()
        self._intervals = TimeIntervals.of(loaded.config)
        self._outward = _outward(loaded)
        self._figures = Figures()
        self._trouble = Trouble(lambda why: _log.error("the books of repairs cannot be used", why=why))
        self._scheduler = Scheduler()
        audit = Audit(SqliteAudit(database), _audit_file(loaded.config), agent, now, redact)
        self._books = _books(loaded.config, database, audit, now)
        firing = Firing(SqliteForeignAlerts(database))
        self._intake = Intake(firing, self._books.audit, self._named, lambda: self._actions.bindings, now)
        self._desk = Desk(
            self._books,
            self._intake,
            crews=self._named,
            config=lambda: self._actions,
            remark=remarks.post,
            now=now,
        )
        self._crew_maker = CrewMaker(
            make=make,
            agent=agent,
            books=self._books,
            remark=remarks.post,
            paused=lambda: self._desk.paused,
            silencing=silencing,
            blind=firing.blind,
            window=lambda names, at: bool(self._intervals.containing(names, at)),
            now=now,
        )
        own.registry.register(ActionMetrics(self._books.counts, lambda: self._figures))

    @property
    def _actions(self) -> ActionsConfig:
        return self._loaded.config.actions

    @property
    def repairs(self) -> Repairs:
        """What pages, commands and Slack ask."""
        return self._desk

    def begin(self, loaded: Loaded) -> None:
        """Start; what a former life has left open is followed to its end. RabbitwatchError when it cannot be used.

        Where the audit cannot be opened the agent runs all the same, and repairs nothing."""
        change = self.prepare(loaded)
        if loaded.config.actions.in_use:
            self._recall()
        change.commit()
        self._scheduler.every(TEND_SECONDS, "the other agent's repairs", self.ask_peer)
        self._scheduler.every(TEND_SECONDS, "repairs", self.tend, delay=TEND_SECONDS)
        self._scheduler.start()

    def stop(self) -> None:
        """End without waiting for a broker; a step under way stays open, for the next life to follow."""
        self._scheduler.stop()
        crews, self._crews = self._crews, ()
        for crew in crews:
            crew.stop()
        for crew in crews:
            crew.join()
        self._books.audit.close()

    def watch(self, cycle: Cycle) -> None:
        """Learn what a cluster is called that the configuration gives no name."""
        self.learn(cycle.state)

    def learn(self, state: ClusterState) -> None:
        """The same, of a state."""
        for crew in self._crews:
            config = crew.footing.cluster
            if config.name is None and crew.name != state.cluster and _is_about(config, state):
                crew.use(replace(crew.line.scene, cluster=state.cluster))

    def take(self, evaluated: Evaluated) -> None:
        """All alerts after an evaluation: handed over to the crews, and looked at by their threads."""
        if not self._actions.bindings:
            return
        try:
            self._intake.evaluated(self._outward.of(evaluated))
        except Exception:  # noqa: BLE001 - the act border: evaluation must not suffer from it
            self._books.counts.error("")
            _log.exception("alerts were not handed to repairs because of a bug in rabbitwatch")

    def prepare(self, loaded: Loaded) -> Change:
        """Get ready to repair by what `loaded` says; RabbitwatchError where it cannot be used. A cluster of which
        nothing changes that its crew stands on keeps it, with what it is doing."""
        if _audit_file(loaded.config) != _audit_file(self._loaded.config):
            raise ConfigError("actions.audit_file cannot change at a reload: restart to apply it")
        actions, poll = loaded.config.actions, loaded.config.poll
        warnings = bound_to_rules(loaded, self._rules(loaded.config)) if self._rules and actions.bindings else ()
        before = self._crews
        old = {crew.footing.cluster.label: crew for crew in self._crews}
        intervals = TimeIntervals.of(loaded.config)
        footings = [Footing.of(cluster, poll, actions) for cluster in loaded.config.clusters]
        crews = tuple(
            next((crew for crew in before if crew.footing == footing), None)  # compared: a declared policy has no hash
            or self._crew_maker.made(footing, loaded.config, old.get(footing.cluster.label))
            for footing in footings
        )
        new = [crew for crew in crews if crew not in before]

        def commit() -> None:
            self._loaded, self._intervals, self._outward = loaded, intervals, _outward(loaded)
            gone = [crew for crew in self._crews if crew not in crews]
            self._crews = crews
            self._books.counts.begin(_counted(loaded.config))
            for warning in warnings:
                _log.warning(warning)
            for crew in crews:
                if crew in new:
                    crew.begin()
                else:
                    crew.use(by_settings(crew, actions))
            for crew in gone:
                threading.Thread(target=crew.dismiss, daemon=True).start()
            self._intake.hand_over()

        return Change(commit, lambda: _stop(new))

    def tend(self) -> None:
        """What time alone brings: approvals that are over, and alerts to be looked at anew."""
        try:
            self._desk.expire()
            self._desk.withdraw_ended()
            self._intake.record_astray()
            self._figures = counted(self._books, self._desk, self._named(), self._actions, self._now())
        except StorageError as error:
            self._books.counts.audit_failed()
            self._trouble.is_now(str(error))
        else:
            self._trouble.is_now("")
        for crew in self._crews:
            crew.tend()

    def ask_peer(self) -> None:
        """Learn what the other agent of the pair has done."""
        if self._actions.in_use:
            self._books.peer.ask(self._actions.lookback)

    def _recall(self) -> None:
        cooldown = max([each.cooldown for each in self._actions.bindings], default=0.0)
        try:
            Recall(self._books, self._remarks.post, self._now).begin(cooldown)
            self._intake.firing.recall(self._now())
        except StorageError as error:
            self._books.counts.audit_failed()
            _log.error("nothing will be repaired: the audit cannot be used", why=str(error))

    def _named(self) -> Mapping[str, Crew]:
        return {crew.name: crew for crew in self._crews if crew.name}


def _books(config: Config, database: Database, audit: Audit, now: Callable[[], float]) -> Books:
    return Books(
        audit=audit,
        history=SqliteAudit(database),
        approvals=Approvals(SqliteApprovals(database), audit, now),
        pause=SqlitePause(database),
        counts=ActionCounts(),
        peer=PeerRepairs(config.notify.peer, SqlitePeerStore(database), now),
    )


def bound_to_rules(loaded: Loaded, rules: RuleSet) -> Sequence[str]:
    """Warnings about bindings whose alerts none of these rules raises; ConfigFileError where none can come from
    elsewhere either."""
    names = {rule.name for rule in rules.rules()}
    errors, warnings = unraised(loaded.config.actions, names, loaded.places)
    if errors:
        raise ConfigFileError(errors)
    return warnings


def agent_name(config: Config) -> str:
    """How this agent is called in the audit and by its leases: its machine and its port."""
    return f"{socket.gethostname()}:{parse_listen(config.web.listen)[1]}"


def _audit_file(config: Config) -> Path:
    return config.actions.audit_file or config.storage.path / AUDIT_FILE


def _outward(loaded: Loaded) -> Outward:
    return Outward(loaded.config.rules.external_labels, external_url(loaded))


def _counted(config: Config) -> Iterator[tuple[str, str]]:
    """Clusters with a name and the actions whose ends are counted there."""
    if config.actions.in_use:
        names = [cluster.name for cluster in config.clusters if cluster.name]
        yield from ((name, action) for name in names for action in ("apply_policy", "sync_queue"))


def _is_about(config: ClusterConfig, state: ClusterState) -> bool:
    urls = {node.url for node in config.nodes}
    return any(node.url in urls for node in state.nodes)


def _stop(crews: Collection[Crew]) -> None:
    for crew in crews:
        crew.stop()
