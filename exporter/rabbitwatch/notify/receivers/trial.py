"""One try to hand something over: given up in time, counted, and its failure told in one line without secrets."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from rabbitwatch.clients.wording import readable
from rabbitwatch.errors import DeliveryError
from rabbitwatch.notify.ports import Memory
from rabbitwatch.notify.receivers.guard import Guard
from rabbitwatch.notify.receivers.waiting import Job, Outcome
from rabbitwatch.redaction import Redactor

REASON_LIMIT = 400
GRACE_S = 5.0
"""A try that takes twice its timeout and this is given up."""

_log = structlog.get_logger(__name__)


class Tally(Protocol):
    """Who counts. Called on the integration's thread; must not raise."""

    def tried(self, integration: str, seconds: float, failure: DeliveryError | None) -> None:
        """One try has ended, and took so long."""
        ...

    def ended(self, integration: str, outcome: Outcome) -> None:
        """One submitted notice has ended."""
        ...


class NoTally:
    """Counts nothing."""

    def tried(self, integration: str, seconds: float, failure: DeliveryError | None) -> None:
        """See Tally."""

    def ended(self, integration: str, outcome: Outcome) -> None:
        """See Tally."""


class Trial:
    """The tries of one integration. key: its name. timeout: of one try. secrets: what no reason may hold. now:
    monotonic seconds."""

    def __init__(
        self, key: str, *, timeout: float, secrets: Iterable[str], tally: Tally, now: Callable[[], float]
    ) -> None:
        self._key = key
        self._timeout = timeout
        self._redact = Redactor(secrets)
        self._tally = tally
        self._now = now
        self._trouble = False

    def guard(self) -> Guard:
        """For tries one after the other."""
        return Guard(2 * self._timeout + GRACE_S, f"send {self._key}")

    def of(self, job: Job, send: Callable[[], Memory], guard: Guard) -> tuple[Memory, DeliveryError | None]:
        """Try a notice: what is to be remembered, or why it did not arrive. The job notes both."""
        job.tries += 1
        began = self._now()
        memory: Memory = {}
        failure: DeliveryError | None = None
        try:
            memory = guard.run(send)
        except DeliveryError as error:
            failure = self._cleaned(error)
        except Exception as error:  # noqa: BLE001 - the deliver border: logged once a notice, counted, tried again
            failure = self._bug(error, log=job.tries == 1)
        if failure is not None:
            job.why = failure.reason
        self._tally.tried(self._key, self._now() - began, failure)
        return memory, failure

    def once(self, say: Callable[[], None], guard: Guard) -> DeliveryError | None:
        """Try something that is not tried again and not counted."""
        try:
            guard.run(say)
        except DeliveryError as error:
            return self._cleaned(error)
        except Exception as error:  # noqa: BLE001 - the deliver border
            return self._bug(error, log=True)
        return None

    def report(self, failure: DeliveryError | None) -> None:
        """Log a trouble when it begins and when it is over; `failure` holds no secret any more."""
        if failure is not None and not self._trouble:
            _log.error("a notice did not arrive", integration=self._key, why=failure.reason)
        if failure is None and self._trouble:
            _log.info("a notice arrived again", integration=self._key)
        self._trouble = failure is not None

    def _cleaned(self, error: DeliveryError) -> DeliveryError:
        return DeliveryError(self._clean(error.reason), permanent=error.permanent, retry_after=error.retry_after)

    def _bug(self, error: Exception, *, log: bool) -> DeliveryError:
        reason = self._clean(f"a bug in rabbitwatch: {type(error).__name__}: {error}")
        if log:  # with the place alone: a whole traceback might quote what the secrets are hidden from
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{frame.filename}:{frame.lineno}"
            _log.error("a notice failed because of a bug in rabbitwatch", integration=self._key, why=reason, at=place)
        return DeliveryError(reason)

    def _clean(self, reason: str) -> str:
        return readable(self._redact(reason), REASON_LIMIT)
