"""The third part of the line: from alerts to notices, and what must survive a restart.

    evaluated cycle -> outward -> groups -> inhibit, active time, mute time, silence, turn, deliver -> receivers
                            -> push -> Alertmanagers

Whoever has neither a route nor Alertmanagers has none of the threads; what fires can be asked for all the same.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

import structlog

from rabbitwatch.alerting.evaluate.status import Cycle as Evaluated
from rabbitwatch.config.addresses import parse_listen
from rabbitwatch.config.change import Change
from rabbitwatch.config.loading import Loaded
from rabbitwatch.config.models import Config
from rabbitwatch.errors import ConfigError, StorageError
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.model.remark import Remark
from rabbitwatch.notify.book import LiveBook
from rabbitwatch.notify.dispatch import Dispatcher
from rabbitwatch.notify.exchange import Exchange
from rabbitwatch.notify.inhibition import Inhibitor
from rabbitwatch.notify.ledger import Ledger
from rabbitwatch.notify.metrics import Figures, NoticeCounts, NoticeMetrics
from rabbitwatch.notify.outward import Outward
from rabbitwatch.notify.peer import Peer
from rabbitwatch.notify.ports import Approvals, Book, DeliveryLog
from rabbitwatch.notify.push import Push
from rabbitwatch.notify.receivers.made import Receivers
from rabbitwatch.notify.receivers.slack.answers import Answers
from rabbitwatch.notify.receivers.slack.approving import ApprovalButtons
from rabbitwatch.notify.receivers.slack.clicks import Handler
from rabbitwatch.notify.receivers.slack.make import SlackSockets
from rabbitwatch.notify.receivers.table import integrations
from rabbitwatch.notify.receivers.tools import Tools
from rabbitwatch.notify.recovery import Recovery
from rabbitwatch.notify.remarks import RemarkBoard
from rabbitwatch.notify.routing import Routing
from rabbitwatch.notify.silences import Silences
from rabbitwatch.notify.silencing import SilencesOfNow
from rabbitwatch.notify.stages.active_time import ActiveTime
from rabbitwatch.notify.stages.deliver import Deliver
from rabbitwatch.notify.stages.inhibit import Inhibit
from rabbitwatch.notify.stages.mute_time import MuteTime
from rabbitwatch.notify.stages.record import Record
from rabbitwatch.notify.stages.silence import Silence
from rabbitwatch.notify.stages.stage import Stage
from rabbitwatch.notify.stages.turn import Turn
from rabbitwatch.notify.templating import of_receivers
from rabbitwatch.notify.times import TimeIntervals
from rabbitwatch.scheduling import Scheduler
from rabbitwatch.storage.database import Database
from rabbitwatch.storage.deliveries import SqliteDeliveries
from rabbitwatch.storage.remarks import SqliteRemarks
from rabbitwatch.storage.silences import SqliteSilenceStore

HOUSEKEEPING_SECONDS = 900.0
PATIENCE_SECONDS = 2.0
"""How long the end of the program, or of a receiver, waits for a notice that is under way."""

_OVERTAKEN_S = 60.0
"""An evaluation that is older than the last by more comes from a clock that was set back."""

_log = structlog.get_logger(__name__)


class Notification:
    """Notices as one part of the program. `take` is told of each evaluation. now: seconds since the epoch.

    remarks: what is said about alerts besides that they fire; of its own where none is given. approvals: who takes the
    answers to those that ask for one; may be set until `begin`. Without it, Slack shows a link and no buttons.
    """

    def __init__(
        self,
        loaded: Loaded,
        own: OwnMetrics,
        database: Database,
        now: Callable[[], float] = time.time,
        *,
        remarks: RemarkBoard | None = None,
        approvals: Approvals | None = None,
    ) -> None:
        config = loaded.config
        self.remarks = remarks or RemarkBoard(SqliteRemarks(database))
        self.approvals = approvals
        self._now = now
        self._loaded = loaded
        self._counts = NoticeCounts()
        self._ledger = Ledger(SqliteDeliveries(database))
        self.silences = Silences(SqliteSilenceStore(database), retention=config.notify.retention, now=now)
        record = Record(self._ledger, self._counts.lost, now)
        self._deliver = Deliver(self._ledger, record, self._counts.idle)
        self._recovery = Recovery(self._ledger, self._deliver)
        self._dispatcher = Dispatcher(self._deliver, now)
        self._intervals = TimeIntervals.of(config)
        self._outward = _outward(loaded)
        self._taking = threading.Lock()
        self._taken_at = 0.0
        self._alerts: Sequence[OutAlert] = ()
        self._receivers: Receivers | None = None
        self._push = Push((), interval=config.rules.evaluation_interval)
        self._scheduler = Scheduler()
        position = config.notify.peer.position if config.notify.peer else None
        self.exchange = Exchange(uuid.uuid4().hex, position, self._ledger, self.silences, now=now, remarks=self.remarks)
        self._peer = Peer(config.notify.peer, self.exchange, clock=now) if config.notify.peer else None
        self._running = False
        self.remarks.listen(self._remarked)
        own.registry.register(NoticeMetrics(self._counts, self._figures))

    @property
    def config(self) -> Config:
        """The one in use."""
        return self._loaded.config

    @property
    def book(self) -> Book:
        """What fires now and who is told."""
        return LiveBook(self._dispatcher, self.silences.silencing, lambda: self._intervals, self._now)

    @property
    def log(self) -> DeliveryLog:
        """What was sent where."""
        return self._ledger

    def begin(self, loaded: Loaded) -> None:
        """Make the receivers and start; RabbitwatchError when they cannot be made."""
        self.prepare(loaded).commit()
        self._scheduler.every(HOUSEKEEPING_SECONDS, "notices' housekeeping", self.tidy, delay=HOUSEKEEPING_SECONDS)
        self._scheduler.start()
        if self._peer is not None:
            self._peer.start()

    def stop(self) -> None:
        """End the line, then the receivers; what is under way may arrive for a moment yet."""
        self._scheduler.stop()
        self._dispatcher.stop()
        if self._peer is not None:
            self._peer.close()
        self._push.close(PATIENCE_SECONDS)
        if self._receivers is not None:
            self._receivers.close(PATIENCE_SECONDS)

    def take(self, evaluated: Evaluated) -> None:
        """All alerts after an evaluation: noted, and told by other threads. Safe to call from several threads: what a
        later evaluation has found is not overtaken by an earlier one."""
        with self._taking:
            if 0 < self._taken_at - evaluated.at < _OVERTAKEN_S:
                return
            self._taken_at = evaluated.at
            self._take(evaluated)

    def _take(self, evaluated: Evaluated) -> None:
        self._alerts = self._recovery.complete(self._outward.of(evaluated), evaluated.at)
        self.remarks.keep({alert.fingerprint for alert in self._alerts}, evaluated.at)
        self._hand_on()

    def _remarked(self, fingerprint: str, remark: Remark) -> None:
        """On the thread of whoever remarks: what is loud changes the alert, and is told as a change of it."""
        if not remark.loud:
            self._dispatcher.comment(fingerprint, remark.text)
            return
        with self._taking:
            if any(alert.fingerprint == fingerprint for alert in self._alerts):
                self._hand_on()

    def _hand_on(self) -> None:
        alerts = [self.remarks.on(alert) for alert in self._alerts]
        self._push.take(alerts)
        self._dispatcher.take(alerts)
        if not self._running:
            self._dispatcher.step()

    def prepare(self, loaded: Loaded) -> Change:
        """Get ready to tell by what `loaded` says; RabbitwatchError where it cannot be used."""
        config, before = loaded.config, self._loaded.config
        if config.notify.peer != before.notify.peer:
            raise ConfigError("notify.peer cannot change at a reload: restart to apply it")
        routing, inhibitor, intervals = Routing.of(config), Inhibitor.of(config), TimeIntervals.of(config)
        push = self._push if _same_alertmanagers(self._push, config, before) else _pushing(config)
        old = self._receivers
        new = old if old is not None and _same_receivers(loaded, self._loaded) else self._made(loaded)

        def commit() -> None:
            self._loaded, self._intervals, self._outward = loaded, intervals, _outward(loaded)
            self._receivers = new
            self._counts.begin(each.key for each in new.all)
            self._deliver.use(new.by_name, external_url(loaded))
            self._dispatcher.use(routing, inhibitor, self._line(intervals))
            gone, self._push = self._push, push
            if gone is not push:
                threading.Thread(target=gone.close, args=(PATIENCE_SECONDS,), daemon=True).start()
            if new is not old:
                new.sockets.begin()
                if old is not None:
                    threading.Thread(target=old.close, args=(PATIENCE_SECONDS,), daemon=True).start()
            if config.route is not None and not self._running:
                self._running = True
                self._dispatcher.start()

        return Change(commit, lambda: None if new is old else new.close())

    def tidy(self) -> None:
        """Forget what was told, and silenced, long ago, but not that what still fires was told."""
        retention = self._loaded.config.notify.retention
        if (known := self._dispatcher.known) is not None:
            self._ledger.prune(self._now() - retention, known)
        self.silences.retention = retention
        try:
            self.silences.prune()
        except StorageError as error:
            _log.error("ended silences could not be forgotten", why=str(error))

    def _line(self, intervals: TimeIntervals) -> Sequence[Stage]:
        """What a group goes through before it is delivered, in Alertmanager's order."""
        line: list[Stage] = [
            Inhibit(lambda: self._dispatcher.inhibition),
            ActiveTime(intervals),
            MuteTime(intervals),
            Silence(self.silences.silencing),
        ]
        return [*line, Turn(self._peer)] if self._peer is not None else line

    def _made(self, loaded: Loaded) -> Receivers:
        config = loaded.config
        sockets = SlackSockets(SilencesOfNow(self.silences, self._now), actions=self._buttons)
        texts = of_receivers(config.receivers, config.notify, loaded.places)
        approvals = self.approvals is not None and bool(config.actions.approval.slack_users)
        tools = Tools(now=self._now, texts=texts, slack_buttons=sockets, approvals=approvals)
        return Receivers(integrations(config.receivers, tools, places=loaded.places, tally=self._counts), sockets)

    def _buttons(self, answers: Answers) -> Mapping[str, Handler]:
        return {} if self.approvals is None else ApprovalButtons(answers, self.approvals, self._may_approve).handlers()

    def _may_approve(self, user_id: str) -> bool:
        return user_id in self.config.actions.approval.slack_users

    def _figures(self) -> Figures:
        receivers = self._receivers
        waiting = {each.key: each.waiting for each in receivers.all} if receivers is not None else {}
        return Figures(
            waiting=waiting,
            groups=len(self._dispatcher.groups),
            log_failures=self._ledger.failures,
            alertmanagers=self._push.figures(),
            slack=receivers.sockets.connected if receivers is not None else (),
        )


def external_url(loaded: Loaded) -> str:
    """Where people reach this agent, with no slash at its end: as configured, or by this machine's name."""
    configured = loaded.config.notify.external_url
    if configured is not None:
        return configured.rstrip("/")
    scheme = "https" if loaded.web and loaded.web.tls_server_config else "http"
    return f"{scheme}://{socket.gethostname()}:{parse_listen(loaded.config.web.listen)[1]}"


def _outward(loaded: Loaded) -> Outward:
    return Outward(loaded.config.rules.external_labels, external_url(loaded))


def _pushing(config: Config) -> Push:
    return Push(config.alertmanagers, interval=config.rules.evaluation_interval)


def _same_alertmanagers(push: Push, now: Config, then: Config) -> bool:
    return now.alertmanagers == then.alertmanagers and len(push.instances) == len(now.alertmanagers)


def _same_receivers(loaded: Loaded, before: Loaded) -> bool:
    """Whether what was made for one serves the other. Files of templates may have changed under the same names."""
    now, then = loaded.config, before.config
    if bool(now.actions.approval.slack_users) != bool(then.actions.approval.slack_users):
        return False
    return now.receivers == then.receivers and not now.notify.templates and not then.notify.templates
