"""What the other agent of a pair has repaired, and whether somebody has paused it: the two keep to one cooldown, one
budget, one count of fights and one pause switch.

Only the holder of the lease acts, and whoever gets it next must know what was done before. So each agent asks the
other every few seconds, and keeps what it hears on its own disk, for it needs that most when the other is gone. What
the other did in its last seconds before it died is not known here. Nor does anything wait for its answer: whether an
agent may act at all is the lease's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
import structlog

from rabbitwatch.actions.ports import Pause, PeerStore
from rabbitwatch.config.notices import PeerConfig
from rabbitwatch.errors import CallError, RabbitwatchError
from rabbitwatch.logs import Trouble
from rabbitwatch.model.action import Deed, Outcome
from rabbitwatch.notify.peer import endpoint
from rabbitwatch.notify.wire import unreadable

PATH = "/api/v1/actions/history"

SILENT_SECONDS = 60.0
"""A step of an agent that has told nothing for so long is followed by nobody any more."""

_OVERLAP_S = 3600.0
"""What is as new as the newest that is known is told again, so that a clock that is set back hides nothing."""

_Time = Annotated[float, msgspec.Meta(ge=0, lt=2**37)]
"""Unix seconds that a calendar has."""

_log = structlog.get_logger(__name__)


class DeedTold(msgspec.Struct, kw_only=True, frozen=True):
    """A request as it travels."""

    id: str
    cluster: str
    action: str
    vhost: str
    operator: bool
    object: str
    at: _Time
    outcome: str
    by: str = ""

    @classmethod
    def of(cls, deed: Deed) -> DeedTold:
        """For the way."""
        cluster, action, vhost, operator, name = deed.key
        return cls(
            id=deed.id,
            cluster=cluster,
            action=action,
            vhost=vhost,
            operator=operator,
            object=name,
            at=deed.at,
            outcome=deed.outcome.value,
            by=deed.by,
        )

    def deed(self) -> Deed:
        """As it was. An end that only a later version knows is an end that nobody here can judge: it stays open."""
        known = Outcome(self.outcome) if self.outcome in set(Outcome) else Outcome.REQUESTED
        key = (self.cluster, self.action, self.vhost, self.operator, self.object)
        return Deed(id=self.id, key=key, at=self.at, outcome=known, by=self.by)


class PauseTold(msgspec.Struct, kw_only=True, frozen=True):
    """A pause as it travels."""

    by: str
    at: _Time


class Told(msgspec.Struct, kw_only=True, frozen=True):
    """What an agent tells of its repairs. deeds: its own requests. pause: by its own switch. A field that a later
    version adds needs a default, so that a pair can be upgraded one agent at a time."""

    deeds: list[DeedTold]
    pause: PauseTold | None = None

    @classmethod
    def of(cls, deeds: Sequence[Deed], pause: Pause | None) -> Told:
        """For the way."""
        told = PauseTold(by=pause.by, at=pause.at) if pause is not None else None
        return cls(deeds=[DeedTold.of(deed) for deed in deeds], pause=told)


class _Answer(msgspec.Struct):
    data: Told


_decode = msgspec.json.Decoder(_Answer).decode


class PeerRepairs:
    """Asks the other agent, and remembers. `ask` is one thread's, the rest is anybody's.

    config: None where there is no other agent. now: seconds since the epoch.
    """

    def __init__(self, config: PeerConfig | None, store: PeerStore, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._within = config.timeout if config else 0.0
        self._endpoint = endpoint(config) if config else None
        self._answered_at = float("-inf")
        self._trouble = Trouble(
            lambda why: _log.warning(
                "what the other agent of the pair repairs is not known: limits count without it", why=why
            ),
            lambda: _log.info("what the other agent of the pair repairs is known"),
            why="it has not been asked yet" if config else "",
        )

    @property
    def unknown(self) -> str:
        """Why nobody knows what the other agent has done lately, in one line; "" when that is known."""
        return self._trouble.why

    def ask(self, lookback: float) -> None:
        """Ask once for what is new. lookback: seconds for which guards look back."""
        if self._endpoint is None:
            return
        asked_at = self._now()
        oldest = asked_at - lookback
        try:
            told = _read(self._endpoint.get(f"{PATH}?since={self._since(oldest):.3f}", within=self._within))
            pause = Pause(told.pause.by, told.pause.at) if told.pause is not None else None
            self._store.take([each.deed() for each in told.deeds], pause, before=oldest)
        except RabbitwatchError as error:
            self._trouble.is_now(error.reason if isinstance(error, CallError) else str(error))
        else:
            self._answered_at = asked_at
            self._trouble.is_now("")

    def deeds(self, since: float) -> Sequence[Deed]:
        """Its requests since then, newest first. One whose end was not told before it fell silent has timed out.
        StorageError."""
        found = self._store.deeds(since)
        if self._answers:
            return found
        return [replace(d, outcome=Outcome.TIMED_OUT) if d.outcome is Outcome.REQUESTED else d for d in found]

    @property
    def paused(self) -> str:
        """Who has paused it, which holds here too, and what ends that; "" where nobody has. StorageError."""
        pause = self._store.pause()
        if pause is None:
            return ""
        end = "resume it there" if self._answers else "it answers no more, so it can be resumed here"
        return f"{pause} at the other agent of the pair: {end}"

    @property
    def resumable(self) -> bool:
        """Its pause can be ended here: it has fallen silent; while it answers, it is resumed there. StorageError."""
        return not self._answers and self._store.pause() is not None

    def resume(self) -> None:
        """Forget its pause where that can be ended here. StorageError."""
        if self.resumable:
            self._store.resume()

    @property
    def _answers(self) -> bool:
        return self._now() - self._answered_at < SILENT_SECONDS

    def _since(self, oldest: float) -> float:
        """Of all that is known nothing older than this can still change."""
        known = self._store.deeds(oldest)
        if self._answered_at == float("-inf") or not known:
            return max(oldest, 0.0)
        changing = [deed.at for deed in known if deed.outcome is Outcome.REQUESTED]
        return max(min([known[0].at, *changing]) - _OVERLAP_S, oldest, 0.0)


def _read(body: bytes) -> Told:
    try:
        return _decode(body).data
    except msgspec.DecodeError as error:
        raise unreadable(error) from None
