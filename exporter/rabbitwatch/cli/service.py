"""The process of `rabbitwatch run`: puts the parts together, waits for signals, and takes them apart again."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

from rabbitwatch import __version__
from rabbitwatch.actions.crew_maker import makers
from rabbitwatch.agent import Agent, MakePoller
from rabbitwatch.alerting.evaluate.status import Cycle as Evaluated
from rabbitwatch.cli.pages import routes
from rabbitwatch.cli.pollers import Pollers
from rabbitwatch.cli.rules import known_families
from rabbitwatch.config.change import Prepare, apply
from rabbitwatch.config.loading import Loaded, load, summary
from rabbitwatch.errors import RabbitwatchError
from rabbitwatch.evaluation import Evaluation, rules_of
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.notification import Notification
from rabbitwatch.redaction import Redactor
from rabbitwatch.remediation import Remediation
from rabbitwatch.storage.database import Database
from rabbitwatch.web.app import application
from rabbitwatch.web.part import WebPart
from rabbitwatch.web.server import HttpServer, entrance, listen

LOOK_SECONDS = 5.0
"""How often the web configuration and its certificates are looked at on disk."""

_ENDING = {signal.SIGTERM, signal.SIGINT}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; it goes before the file, at every reload too."""

    config: Path | None = None
    listen: str | None = None
    web_file: Path | None = None


class Service:
    """One run of the agent. Raises RabbitwatchError from `run` when it cannot begin."""

    def __init__(self, options: Options, redactor: Redactor, make_poller: MakePoller | None = None) -> None:
        self._options = options
        self._redactor = redactor
        self._make_poller = make_poller
        self._own = OwnMetrics()
        self._parts: list[Prepare] = []
        self._refresh: Callable[[], None] = lambda: None
        self._reloading = threading.Lock()
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()  # put() is safe in a signal handler, unlike Event
        self.port: int | None = None

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        loaded = self._load()
        with contextlib.ExitStack() as parts, self._listening_to_signals():
            pollers = self._make_poller or parts.enter_context(Pollers())
            database = Database.open(loaded.config.storage.path)
            parts.callback(database.close)
            notification = Notification(loaded, self._own, database)
            parts.callback(notification.stop)
            remediation = self._remediation(loaded, database, notification, pollers)
            parts.callback(remediation.stop)
            notification.begin(loaded)
            remediation.begin(loaded)

            def announce(found: Evaluated) -> None:
                notification.take(found)
                remediation.take(found)

            evaluation = Evaluation(loaded.config, self._own, database, known_families(), announce=announce)
            parts.callback(evaluation.stop)
            evaluation.begin(loaded)
            agent = Agent(loaded.config, pollers, self._own, [remediation.watch, evaluation.take])
            parts.callback(agent.stop)
            app = application(agent, self.reload, routes(agent, evaluation, notification, remediation))
            first = entrance(app, loaded.web)
            server = HttpServer(listen(loaded.config.web.listen))
            parts.callback(server.stop)
            web = WebPart(app, loaded, server.replace)
            self._parts = [
                web.prepare,
                notification.prepare,
                evaluation.prepare,
                remediation.prepare,
                agent.prepare,
            ]
            self._refresh = agent.render
            self._took_over(loaded)
            server.start(first)
            self.port = server.port
            _log.info("rabbitwatch runs", version=__version__, port=server.port, watching=summary(loaded))
            agent.start()
            self._wait(web)
            agent.stop()  # first: it ends subprocesses; the callback of the same name finds nothing left to do

    def _remediation(
        self, loaded: Loaded, database: Database, notification: Notification, pollers: MakePoller
    ) -> Remediation:
        remediation = Remediation(
            loaded,
            self._own,
            database,
            make=makers(pollers),
            remarks=notification.remarks,
            silencing=notification.silences.silencing,
            rules=lambda config: rules_of(config, known_families()),
            redact=self._redactor,
        )
        notification.approvals = remediation.repairs
        return remediation

    def reload(self) -> None:
        """Load everything again, all or nothing; RabbitwatchError when nothing was changed."""
        with self._reloading:
            try:
                loaded = self._load()
                apply(loaded, self._parts)
            except RabbitwatchError as error:
                self._own.reloaded(ok=False)
                _log.error("the configuration was not reloaded and the old one stays in use", reason=str(error))
                raise
            else:
                self._took_over(loaded)
                _log.info("the configuration was reloaded", watching=summary(loaded))
            finally:
                self._refresh()

    def _load(self) -> Loaded:
        return load(self._options.config, web_file=self._options.web_file, listen=self._options.listen)

    def _took_over(self, loaded: Loaded) -> None:
        self._redactor.know(loaded.secrets)
        self._own.reloaded(ok=True)
        for warning in loaded.warnings:
            _log.warning(warning)

    def _wait(self, web: WebPart) -> None:
        while True:
            try:
                received = self._signals.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                with self._reloading:
                    web.look()
                continue
            if received in _ENDING:
                _log.info("rabbitwatch ends", signal=signal.Signals(received).name)
                return
            with contextlib.suppress(RabbitwatchError):  # said in the log and in a metric
                self.reload()

    def stop(self) -> None:
        """End `run` from another thread, as SIGTERM does."""
        self._signals.put(signal.SIGTERM)

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")  # the last two on some systems only
        wanted = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = {number: signal.signal(number, self._received) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _received(self, number: int, _: FrameType | None) -> None:
        self._signals.put(signal.SIGTERM if number == getattr(signal, "SIGBREAK", None) else number)


def leave(code: int = 0) -> None:
    """End the process even if a library's thread still hangs in a call: the interpreter would wait for it."""
    sys.stdout.flush()
    sys.stderr.flush()
    others = [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    if others:
        _log.debug("left threads behind", threads=[thread.name for thread in others])
        os._exit(code)
