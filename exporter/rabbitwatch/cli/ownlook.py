"""`rabbitwatch resync --config F`: the same repairs without a running agent.

Without --apply nothing is opened and nobody is asked for a lease: what only the history knows is said to be unknown.
With --apply it is an agent for as long as it takes: it owns the storage, holds the lease, and writes the audit.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from rabbitwatch.actions.crew_maker import makers
from rabbitwatch.actions.facade import Repairs
from rabbitwatch.actions.guards.history import fight, one_step
from rabbitwatch.actions.guards.permission import not_paused
from rabbitwatch.actions.record import document
from rabbitwatch.cli.desk import Document
from rabbitwatch.cli.once import observe
from rabbitwatch.cli.pollers import Pollers
from rabbitwatch.cli.rules import known_families
from rabbitwatch.config.loading import Loaded, load
from rabbitwatch.errors import StorageError
from rabbitwatch.evaluation import rules_of
from rabbitwatch.logs import LogFormat, LogLevel, configure
from rabbitwatch.metrics.own import OwnMetrics
from rabbitwatch.notify.remarks import ForgetfulRemarkStore, RemarkBoard
from rabbitwatch.redaction import Redactor
from rabbitwatch.remediation import Remediation
from rabbitwatch.storage.database import Database
from rabbitwatch.web.actions.api import resynced
from rabbitwatch.web.actions.asked import Resync, as_claimed

LEASE_SECONDS = 15.0
"""How long to wait for a lease that nobody holds."""

_HISTORY = frozenset(guard.__name__ for guard in (fight, one_step, not_paused))
"""What these pass without a history is not known to pass."""


class OwnDesk:
    """Implements cli.desk.Desk over repairs in this process. whole: it knows the history."""

    def __init__(self, repairs: Repairs, *, whole: bool, wait: Callable[[float], None] = time.sleep) -> None:
        self._repairs = repairs
        self._whole = whole
        self._wait = wait

    def resync(self, asked: Document) -> Document:
        body = msgspec.convert(dict(asked), Resync)
        if body.apply:
            self._await_lease(body.cluster)
        found = resynced(self._repairs, body, as_claimed(body.by))
        return found if self._whole else _without_history(found)

    def told_of(self, deed: str, after: int) -> Sequence[Document]:
        return [document(each) for each in self._repairs.entries(after=after, deed=deed)]

    def progress(self) -> Mapping[str, str]:
        return {each.entry.deed: each.progress.text for each in self._repairs.open_steps() if each.progress}

    def _await_lease(self, cluster: str) -> None:
        """Whether it came is for the guards to say."""
        waited = 0.0
        while self._repairs.leases().get(cluster, "") and waited < LEASE_SECONDS:
            self._wait(0.2)
            waited += 0.2


@contextlib.contextmanager
def own_desk(path: Path, *, acting: bool) -> Iterator[OwnDesk]:
    """The configuration's clusters, looked at from here. RabbitwatchError where that cannot begin; StorageError where
    an agent owns the storage. acting: something may be done."""
    redactor = Redactor()
    configure(LogLevel.ERROR, LogFormat.AUTO, redact=redactor)
    loaded = load(path)
    redactor.know(loaded.secrets)
    with contextlib.ExitStack() as parts:
        loaded = _changed(loaded, bindings=())  # no alert leads to what a person asks for
        if not acting:
            folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
            loaded = _stored_in(folder, _changed(loaded, username=None, password=None))  # so that no lease is begun
        pollers = parts.enter_context(Pollers())
        database = _owned(loaded.config.storage.path)
        parts.callback(database.close)
        remediation = Remediation(
            loaded,
            OwnMetrics(),
            database,
            make=makers(pollers),
            remarks=RemarkBoard(ForgetfulRemarkStore()),
            silencing=lambda _, __: (),
            rules=lambda config: rules_of(config, known_families()),
            redact=redactor,
        )
        parts.callback(remediation.stop)
        remediation.begin(loaded)
        if any(cluster.name is None for cluster in loaded.config.clusters):
            for cycle in observe(loaded, pollers, diagnostics=False):
                remediation.learn(cycle.state)
        yield OwnDesk(remediation.repairs, whole=acting)


def _owned(folder: Path) -> Database:
    try:
        return Database.open(folder)
    except StorageError as error:
        raise StorageError(f"{error}; where an agent runs on it, leave out --config and that agent is asked") from None


def _changed(loaded: Loaded, **actions: object) -> Loaded:
    changed = loaded.config.actions.model_copy(update=actions)
    return replace(loaded, config=loaded.config.model_copy(update={"actions": changed}))


def _stored_in(folder: Path, loaded: Loaded) -> Loaded:
    storage = loaded.config.storage.model_copy(update={"path": folder})
    return replace(loaded, config=loaded.config.model_copy(update={"storage": storage}))


def _without_history(found: dict[str, Any]) -> dict[str, Any]:
    """A pass of a guard that asks the history is unknown here."""
    for step in found["steps"]:
        for each in step["guards"]:
            each["unknown"] = each["guard"] in _HISTORY and not each["refused"]
    return found
