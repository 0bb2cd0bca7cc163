"""An audit in a folder, and what goes into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rabbitwatch.actions.audit import Audit
from rabbitwatch.model.action import Answer, Cause, Outcome, Step
from rabbitwatch.storage.actions import SqliteAudit
from rabbitwatch.storage.database import Database

NOW = 1_800_000_000.0
RULE = Cause(source="rule", alert="RabbitMQMirrorsLag", fingerprint="f1", labels={"cluster": "orders", "queue": "jobs"})
STEP = Step(
    action="sync_queue",
    cluster="orders",
    vhost="/",
    object="jobs",
    method="POST",
    path="queues/%2F/jobs/actions",
    body={"action": "sync"},
    summary="synchronise queue jobs of vhost /",
    before={"messages": 12, "synchronised": [], "publish_rate": 0.5, "ready": None},
    queues=1,
    messages=12,
)
ANSWERS = (Answer("no_alarm"), Answer("size", "holds 2 GB", approvable=True))


@dataclass
class Bench:
    """An audit with its two copies within reach."""

    folder: Path
    database: Database
    audit: Audit
    store: SqliteAudit

    @property
    def file(self) -> Path:
        return self.folder / "audit.jsonl"

    @property
    def lines(self) -> list[str]:
        return self.file.read_text(encoding="ascii").splitlines()

    @property
    def rows(self) -> list[str]:
        return [text for _, text in self.store.lines(limit=100_000)]

    def write(self, lines: list[str]) -> None:
        self.file.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")

    def sql(self, statement: str, *values: Any) -> None:
        with self.database.transaction() as connection:
            connection.execute(statement, values)

    def deed(self, deed: str, outcome: Outcome | None = Outcome.DONE, at: str = "jobs") -> None:
        """A step that was asked for, and its end unless it has none."""
        self.audit.record("requested", RULE, deed=deed, step=replace(STEP, object=at), answers=ANSWERS)
        if outcome is not None:
            self.audit.record("ended", RULE, deed=deed, outcome=outcome)

    def again(self, now: Callable[[], float] = lambda: NOW) -> Audit:
        """As after a restart of the agent."""
        self.audit.close()
        self.audit = Audit(self.store, self.file, "monitor", now)
        return self.audit


@contextmanager
def bench(folder: Path, now: Callable[[], float] = lambda: NOW) -> Iterator[Bench]:
    database = Database.open(folder)
    store = SqliteAudit(database)
    made = Bench(folder, database, Audit(store, folder / "audit.jsonl", "monitor", now), store)
    try:
        yield made
    finally:
        made.audit.close()
        database.close()
