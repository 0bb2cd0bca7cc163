"""The agent's pages over a scene, served as the agent serves them, without brokers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from tests.browser.scenes import Scene
from tests.unit.web.actions.repairs import NOW as REPAIRS_NOW
from tests.unit.web.actions.repairs import FakeRepairs, busy
from tests.unit.web.serving import FakeView, serving

from rabbitwatch.alerting.evaluate.status import GroupStatus, Health, RuleStatus
from rabbitwatch.alerting.rulefile.load import load
from rabbitwatch.alerting.rulefile.model import Group
from rabbitwatch.assets import shipped
from rabbitwatch.notify.ports import AlertGroup, AlertStatus
from rabbitwatch.notify.silences import ForgetfulSilenceStore, Silences
from rabbitwatch.web.actions.page import ActionPages
from rabbitwatch.web.app import application
from rabbitwatch.web.guard import Guard
from rabbitwatch.web.ports import Watched
from rabbitwatch.web.runbooks import RunbookPages
from rabbitwatch.web.server import HttpServer
from rabbitwatch.web.silences import SilencePages
from rabbitwatch.web.status import StatusPages
from rabbitwatch.web.wall import WallPages


@cache
def _groups() -> tuple[Group, ...]:
    return load([shipped("rules") / "*.yml"]).groups


class Rules:
    """The shipped rules, all evaluated a moment ago."""

    def status(self) -> Sequence[GroupStatus]:
        """See web.prometheus.ports.RulesView."""
        at = time.time() - 3
        return [
            GroupStatus(
                group=group,
                interval_s=15.0,
                last_evaluation=at,
                duration_s=0.01,
                rules=[
                    RuleStatus(rule=r, health=Health.OK, last_error="", last_evaluation=at, duration_s=0.001, alerts=())
                    for r in group.rules
                ],
            )
            for group in _groups()
        ]


class Stage(FakeView):
    """A view whose polls stay as young as they were when it began, as those of a running agent do; and the book of what
    fires. frozen: polling has ended. repairs: what the page of actions shows."""

    def __init__(self, scene: Scene, repairs: FakeRepairs) -> None:
        super().__init__()
        self._scene = scene
        self._began = time.time()
        self.frozen: float | None = None
        self.repairs = repairs
        self.silences = Silences(ForgetfulSilenceStore())

    def show(self, scene: Scene) -> None:
        """From now on this is what was polled."""
        self._scene = scene
        self._began = time.time()

    def watched(self) -> Sequence[Watched]:
        """See View."""
        later = (self.frozen or time.time()) - self._began
        return [
            replace(each, state=replace(each.state, at=each.state.at + later)) if each.state else each
            for each in self._scene.watched
        ]

    def alerts(self) -> Sequence[AlertStatus]:
        """See Book."""
        now = time.time()
        return [
            replace(each, silenced_by=self.silences.silencing(each.alert.labels, now)) for each in self._scene.alerts
        ]

    def groups(self) -> Sequence[AlertGroup]:
        """See Book."""
        return []


def busy_now() -> FakeRepairs:
    """Repairs of which one waits for an approval, asked a minute ago."""
    found = busy()
    later = time.time() - REPAIRS_NOW
    found.approvals = {key: replace(each, made_at=each.made_at + later) for key, each in found.approvals.items()}
    found.open = [replace(each, entry=replace(each.entry, at=each.entry.at + later)) for each in found.open]
    found.lines = [replace(each, at=each.at + later) for each in found.lines]
    return found


class Served(NamedTuple):
    """url: of the first page, without a slash at its end. stage: what is shown. server: it can be stopped early."""

    url: str
    stage: Stage
    server: HttpServer


@contextmanager
def staged(scene: Scene, repairs: FakeRepairs | None = None) -> Iterator[Served]:
    """All pages for people."""
    stage = Stage(scene, repairs or FakeRepairs())
    guard = Guard()
    parts = (
        StatusPages(stage, lambda: stage, Rules(), stage.repairs, scene.memory),
        WallPages(stage, lambda: stage),
        SilencePages(stage.silences, stage, guard),
        ActionPages(stage.repairs, guard),
        RunbookPages(),
    )
    app = application(stage, stage.reload, [route for part in parts for route in part.routes()])
    with serving(app) as server:
        yield Served(f"http://127.0.0.1:{server.port}", stage, server)
