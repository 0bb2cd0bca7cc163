"""Alerts handed over to Alertmanagers, as Prometheus does it: to every one that is configured, each on its own.

What Prometheus does (rules/alerting.go, rules/manager.go, notifier/): an alert is sent when it begins, when it ends,
and again once a minute; the end that it names while it fires is four times the resend delay (or the evaluation
interval, if that is longer) after the sending, so that a dead agent's alerts end by themselves; what has ended is sent
again for 15 minutes. Two agents send the same label sets, and Alertmanager makes one alert of them.

What differs: a batch that was not taken is tried again after a pause, and not only at the next resend; an alert waits
once, in its newest state, so that an Alertmanager that was away is told what is, not what was, and no queue overflows;
and an alert with a new remark is sent at once.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog

from rabbitwatch.config.notices import AlertmanagerConfig
from rabbitwatch.config.receivers import HttpAuth
from rabbitwatch.errors import DeliveryError
from rabbitwatch.model.notice import OutAlert
from rabbitwatch.notify.receivers.guard import Guard, Running, Spawn, daemon
from rabbitwatch.notify.receivers.http import Poster
from rabbitwatch.notify.receivers.pace import LONGEST_HOLD_S, pause
from rabbitwatch.notify.receivers.payload import rfc3339
from rabbitwatch.notify.remarks import ACTION

PATH = "/api/v2/alerts"
RESEND_S = 60.0
BATCH = 256

_VALID_FOR = 4
_JSON = {"Content-Type": "application/json"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one Alertmanager was told. sent, dropped, waiting: alerts; dropped are those that it refused, and those
    that were gone before it could be told. posts, errors: requests, and those that failed. seconds: that they took.
    sent_at: seconds since the epoch, when it last took any; None before."""

    alertmanager: str
    sent: int
    errors: int
    dropped: int
    waiting: int
    seconds: float
    posts: int
    sent_at: float | None


@dataclass(frozen=True, slots=True)
class _Told:
    at: float
    starts_at: float
    ends_at: float | None
    action: str


class Push:
    """All Alertmanagers. Safe to use from any thread; nothing here waits for the network.

    interval: how often alerts are evaluated. now: seconds since the epoch. clock: monotonic. chance: between 0 and 1.
    spawn: begins a thread.
    """

    def __init__(
        self,
        configs: Sequence[AlertmanagerConfig],
        *,
        interval: float,
        resend: float = RESEND_S,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        spawn: Spawn = daemon,
    ) -> None:
        self.instances = [
            Instance(config, interval=interval, resend=resend, now=now, clock=clock, chance=chance, spawn=spawn)
            for config in configs
        ]

    def take(self, alerts: Iterable[OutAlert]) -> None:
        """All alerts that fire, and those that have ended in the last 15 minutes: what is due of them is sent."""
        alerts = list(alerts)
        for instance in self.instances:
            instance.take(alerts)

    def figures(self) -> list[Figures]:
        """How each does."""
        return [instance.figures() for instance in self.instances]

    def close(self, patience: float = 0.0) -> None:
        """Stop; what is under way may come to its end for that many seconds in all."""
        for instance in self.instances:
            instance.stop()
        deadline = time.monotonic() + patience
        for instance in self.instances:
            instance.close(max(0.0, deadline - time.monotonic()))


class Instance:
    """One Alertmanager with a queue and a thread of its own. See Push."""

    def __init__(
        self,
        config: AlertmanagerConfig,
        *,
        interval: float,
        resend: float,
        now: Callable[[], float],
        clock: Callable[[], float],
        chance: Callable[[], float],
        spawn: Spawn,
    ) -> None:
        self.name = urlsplit(config.url)._replace(query="", fragment="").geturl()
        self._resend = resend
        self._valid_for = _VALID_FOR * max(interval, resend)
        self._now, self._clock, self._chance, self._spawn = now, clock, chance, spawn
        auth = HttpAuth(username=config.username, password=config.password if config.username else None, tls=config.tls)
        self._poster = Poster(config.url + PATH, auth, config.timeout, hint="is the Alertmanager running?", now=now)
        self._guard = Guard(2 * config.timeout + 5.0, f"push {self.name}")
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._waiting: dict[str, OutAlert] = {}
        self._told: dict[str, _Told] = {}
        self._held_until = float("-inf")
        self._failures = 0
        self._trouble = ""
        self._closed = False
        self._thread: Running | None = None
        self._sent = self._errors = self._dropped = self._posts = 0
        self._seconds = 0.0
        self._sent_at: float | None = None

    def take(self, alerts: Sequence[OutAlert]) -> None:
        """See Push.take. What waits and is not among them any more is forgotten: its rule is gone."""
        with self._lock:
            if self._closed:
                return
            clock = self._clock()
            current = {alert.fingerprint: alert for alert in alerts}
            for gone in self._waiting.keys() - current.keys():
                del self._waiting[gone]
                self._dropped += 1
            self._told = {key: told for key, told in self._told.items() if key in current}
            for key, alert in current.items():
                if self._due(alert, clock):
                    self._waiting[key] = alert
            self._ring()

    def step(self) -> float | None:
        """Post one batch, if one is due; seconds until something will be, None when nothing waits."""
        with self._lock:
            wait = self._held_until - self._clock()
            if not self._waiting or wait > 0:
                return wait if self._waiting else None
            batch = list(self._waiting.values())[:BATCH]
        body = msgspec.json.encode([self._wire(alert) for alert in batch])
        began = self._clock()
        failure = self._post(body)
        with self._lock:
            self._seconds += self._clock() - began
            self._posts += 1
            self._settle(batch, failure)
        return 0.0

    def figures(self) -> Figures:
        """How it does."""
        with self._lock:
            return Figures(
                alertmanager=self.name,
                sent=self._sent,
                errors=self._errors,
                dropped=self._dropped,
                waiting=len(self._waiting),
                seconds=self._seconds,
                posts=self._posts,
                sent_at=self._sent_at,
            )

    def stop(self) -> None:
        """Begin no other post."""
        with self._lock:
            self._closed = True
            self._dropped += len(self._waiting)
            self._waiting.clear()
            self._bell.set()

    def close(self, patience: float) -> None:
        """After `stop`: wait so long for what is under way."""
        if self._thread is not None:
            self._thread.join(patience)
        self._poster.close()

    def _due(self, alert: OutAlert, clock: float) -> bool:
        told = self._told.get(alert.fingerprint)
        if told is None or (told.starts_at, told.ends_at) != (alert.starts_at, alert.ends_at):
            return True
        if told.action != alert.annotations.get(ACTION, ""):
            return True
        return clock - told.at >= self._resend

    def _wire(self, alert: OutAlert) -> dict[str, Any]:
        """In the form of Alertmanager's API v2."""
        ends_at = self._now() + self._valid_for if alert.ends_at is None else alert.ends_at
        return {
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "startsAt": rfc3339(alert.starts_at),
            "endsAt": rfc3339(ends_at),
            "generatorURL": alert.generator_url,
        }

    def _post(self, body: bytes) -> DeliveryError | None:
        """The deliver border: what goes wrong is counted, logged when it begins, and tried again."""
        try:
            self._guard.run(lambda: self._poster.post(body, _JSON))
        except DeliveryError as error:
            return error
        except Exception as error:  # noqa: BLE001 - the deliver border
            _log.exception("alerts were not handed over because of a bug in rabbitwatch", alertmanager=self.name)
            return DeliveryError(f"a bug in rabbitwatch: {type(error).__name__}")
        return None

    def _settle(self, batch: Sequence[OutAlert], failure: DeliveryError | None) -> None:
        clock = self._clock()
        if failure is None:
            self._sent += len(batch)
            self._sent_at = self._now()
        else:
            self._errors += 1
        if failure is not None and not failure.permanent:
            self._failures += 1
            hold = max(pause(self._failures, self._chance), min(failure.retry_after or 0.0, LONGEST_HOLD_S))
            self._held_until = clock + hold
            self._tell(failure.reason)
            return
        self._failures = 0
        self._tell("" if failure is None else failure.reason)
        if failure is not None:
            self._dropped += len(batch)  # for what they are; they are offered again at the next resend
        for alert in batch:
            action = alert.annotations.get(ACTION, "")
            self._told[alert.fingerprint] = _Told(clock, alert.starts_at, alert.ends_at, action)
            if self._waiting.get(alert.fingerprint) is alert:
                del self._waiting[alert.fingerprint]

    def _tell(self, trouble: str) -> None:
        """Log a trouble when it begins and when it is over."""
        if trouble and not self._trouble:
            _log.error("an Alertmanager did not take alerts", alertmanager=self.name, why=trouble)
        if self._trouble and not trouble:
            _log.info("an Alertmanager takes alerts again", alertmanager=self.name)
        self._trouble = trouble

    def _ring(self) -> None:
        self._bell.set()
        if self._thread is None:
            self._thread = self._spawn(self._run, f"push {self.name}")

    def _run(self) -> None:
        while True:
            self._bell.clear()
            wait = self.step()
            if self._closed:
                return
            if wait is None or wait > 0:
                self._bell.wait(wait)
