"""The other agent of a pair: what it has sent is not sent again, and what people have silenced there is silent here.

Both agents watch the same clusters, so they hold the same alerts in the same groups. Before a notice goes out the peer
is asked what it has told already (notify/stages/turn.py); in between it is asked now and then, so that silences come
over and a peer that is gone is known to be gone before it matters. Whatever goes wrong, the notice is sent: a double is
better than none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from rabbitwatch.clients.http import Endpoint, Login
from rabbitwatch.config.notices import PeerConfig
from rabbitwatch.errors import CallError, CallFailure
from rabbitwatch.logs import Trouble
from rabbitwatch.notify.exchange import Exchange
from rabbitwatch.notify.wire import Told, read

PATH = "/api/v1/notices"
LOOK_SECONDS = 5.0
"""How often the peer is asked when no notice is due."""

_PATIENCE = 15.0
"""Seconds for which a peer that gave no answer in time is not waited for again."""

_log = structlog.get_logger(__name__)


class Peer:
    """Asks the other agent, from a thread of its own. Safe to use from any thread.

    exchange: what to do with what the peer tells. clock: seconds since the epoch.
    """

    def __init__(
        self,
        config: PeerConfig,
        exchange: Exchange,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self._exchange = exchange
        self._clock = clock
        self._wanted = threading.Event()
        self._closed = False
        self._began_at = self._asked_at = self._hangs_until = -float("inf")
        self._trouble = Trouble(
            lambda why: _log.warning("the other agent of the pair is no help: this one sends alone", why=why),
            lambda: _log.info("the other agent of the pair answers", peer=config.url),
            why="it has not been asked yet",
        )
        self._position: int | None = 1 - config.position
        self._endpoint = endpoint(config)

    @property
    def delay(self) -> float:
        """Seconds by which this agent's notices come later than the other's."""
        return self.config.position * self.config.wait

    @property
    def up(self) -> bool:
        """Whether the last question was answered; False before the first."""
        return not self._trouble.why

    def start(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._run, name="peer", daemon=True).start()

    def close(self) -> None:
        """Ask no more; a question under way is left behind."""
        self._closed = True
        self._wanted.set()

    def settled_since(self, moment: float) -> bool:
        """Whether the peer was asked after that moment, with an answer or without; if not, it is asked now.

        All notices that are due share one question. A peer that hangs counts as settled for a while, so that not each
        of them waits for it.
        """
        if self._asked_at >= moment or self._clock() < self._hangs_until:
            return True
        if self._began_at < moment:
            self._wanted.set()
        return False

    def busy_with(self, group_key: str, now: float) -> bool:
        """Whether the peer tells about that group just now, or has so lately that this agent may not have seen yet what
        the peer saw."""
        return self.up and self._exchange.busy_with(group_key, now - self.config.wait)

    def ask(self) -> None:
        """Ask once."""
        began = self._began_at = self._clock()
        try:
            told = self._told()
        except CallError as error:
            if error.kind is CallFailure.TIMEOUT:
                self._hangs_until = self._clock() + _PATIENCE
            self._trouble.is_now(error.reason)
        else:
            self._trouble.is_now("")
            self._compare(told.position)
            self._exchange.take(told, self.config.url)
        self._asked_at = began

    def _run(self) -> None:
        while not self._closed:
            try:
                self.ask()
            except Exception:  # noqa: BLE001 - the deliver border: without the peer, notices go out all the same
                _log.exception("what the other agent said could not be used because of a bug in rabbitwatch")
                self._asked_at = self._clock()
            self._wanted.wait(LOOK_SECONDS)
            self._wanted.clear()

    def _told(self) -> Told:
        query = f"?limit=0&since={self._exchange.newest:.3f}"
        told = read(self._endpoint.get(PATH + query, within=self.config.timeout))
        if told.agent == self._exchange.agent:
            raise CallError(CallFailure.ERROR, "notify.peer.url leads to this agent itself: write the other's address")
        return told

    def _compare(self, position: int | None) -> None:
        if position == self._position:
            return
        self._position = position
        peer = self.config.url
        if position is None:
            _log.warning("the other agent of the pair has no notify.peer: it will not ask this one", peer=peer)
        elif position == self.config.position:
            _log.warning(
                "both agents of the pair have the same notify.peer.position: give one 0 and the other 1",
                position=position,
                peer=peer,
            )


def endpoint(config: PeerConfig) -> Endpoint:
    """The other agent's address, for whoever asks it something."""
    secret = config.password.get_secret_value() if config.password else ""
    return Endpoint(
        config.url,
        tls=config.tls,
        login=Login(config.username, secret) if config.username else None,
        hint="is the other rabbitwatch running?",
        rights="notify.peer needs a user of the other agent's web configuration",
        what="the other agent's",
    )
