"""The state of repairs as figures, counted from the books and the crews."""

from __future__ import annotations

from collections.abc import Mapping

from rabbitwatch.actions.books import Books
from rabbitwatch.actions.crew import Crew
from rabbitwatch.actions.desk import Desk
from rabbitwatch.actions.metrics import Figures
from rabbitwatch.config.actions import ACTING, ActionsConfig


def counted(books: Books, desk: Desk, crews: Mapping[str, Crew], actions: ActionsConfig, now: float) -> Figures:
    """crews: by the cluster's name. StorageError where the books cannot be read."""
    acting = any(each.mode in ACTING for each in actions.bindings)
    opened = dict.fromkeys(crews, (0, 0.0))
    for entry in books.history.open():
        if entry.step is not None and entry.step.cluster in opened:
            count, age = opened[entry.step.cluster]
            opened[entry.step.cluster] = (count + 1, max(age, now - entry.at))
    waiting = [each.cluster for each in books.approvals.waiting()]
    return Figures(
        paused=bool(desk.paused),
        problems=len(books.audit.problems),
        head=books.audit.head,
        opened=opened,
        leases={name: not why for name, why in desk.leases().items()} if acting else {},
        waiting={name: waiting.count(name) for name in crews},
        fights={name: crew.line.memory.fights for name, crew in crews.items()},
    )
