"""The status page over clusters, alerts and history that a test makes up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from starlette.applications import Starlette
from tests.unit.cluster.build import AT, HA_ALL, A, B, C, healthy, objects, queue
from tests.unit.web.actions.repairs import FakeRepairs
from tests.unit.web.serving import FakeView, serving

from rabbitwatch.cluster.assess import assess
from rabbitwatch.cluster.findings import findings
from rabbitwatch.config.models import ClusterConfig
from rabbitwatch.metrics.samples import blocks
from rabbitwatch.model.cluster import ClusterState
from rabbitwatch.model.observation import ClusterObservation
from rabbitwatch.notify.ports import AlertGroup, AlertStatus
from rabbitwatch.promql.window import Window
from rabbitwatch.web.app import application
from rabbitwatch.web.ports import Watched
from rabbitwatch.web.prometheus.ports import NoRules, RulesView
from rabbitwatch.web.runbooks import RunbookPages
from rabbitwatch.web.server import HttpServer
from rabbitwatch.web.status import StatusPages, trend
from rabbitwatch.web.wall import WallPages

EVIL = "<script>alert(1)</script>\"'&\u202egnp.exe"
LAGGING = (
    queue("deep", A, [B, C], messages=12_345),
    queue("risky", B, [A, C], synchronised=[], messages=2_000),
    queue("lags", A, [B, C], synchronised=[B], messages=7),
)


def state_of(observation: ClusterObservation, name: str = "orders") -> ClusterState:
    return assess(replace(observation, cluster=name), ClusterConfig(name=name))


def seen(observation: ClusterObservation, name: str = "orders", at: float = AT) -> Watched:
    state = replace(state_of(observation, name), at=at)
    told = findings(state)
    return Watched(
        name=name, interval=15.0, polled=True, trouble="", state=state, findings=told, sentence=f"{name} is well"
    )


def lagging(name: str = "orders") -> Watched:
    return seen(healthy(objects(queues=LAGGING, policies=(HA_ALL,))), name)


UNPOLLED = Watched(name="dark", interval=15.0, polled=False, trouble="", state=None, findings=(), sentence="")


def remembering(polls: Sequence[Mapping[str, int]], *, cluster: str = "orders", step: float = 15.0) -> Window:
    """A window that holds these depths by queue, the last of them polled at AT."""
    window = Window(interval_ms=round(step * 1000))
    window.retain([trend.HISTORY])
    for number, depths in enumerate(polls):
        told = tuple(queue(name, messages=depth) for name, depth in depths.items())
        state = state_of(healthy(objects(queues=told)), cluster)
        at = AT - (len(polls) - 1 - number) * step
        window.ingest(round(at * 1000), blocks([state]), cluster)
    return window


@dataclass
class Book:
    told: Sequence[AlertStatus] = ()

    def alerts(self) -> Sequence[AlertStatus]:
        return self.told

    def groups(self) -> Sequence[AlertGroup]:
        return ()


@dataclass
class Site:
    """What the page is made of; each part may be changed between two requests."""

    clusters: list[Watched] = field(default_factory=list)
    alerts: Sequence[AlertStatus] = ()
    rules: RulesView = field(default_factory=NoRules)
    repairs: FakeRepairs = field(default_factory=FakeRepairs)
    window: Window | None = None
    now: float = AT + 5

    def application(self) -> Starlette:
        view = FakeView(seen=self.clusters)
        book = lambda: Book(self.alerts)  # noqa: E731 - the book as the application hands it over
        status = StatusPages(view, book, self.rules, self.repairs, self.window, now=lambda: self.now)
        parts = (status, WallPages(view, book), RunbookPages())
        return application(view, view.reload, [route for part in parts for route in part.routes()])

    @contextlib.contextmanager
    def served(self) -> Iterator[HttpServer]:
        with serving(self.application()) as server:
            yield server


class Reader(HTMLParser):
    """What a page holds: its tags with their attributes, its text, its ids and its links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

    def links(self) -> list[str]:
        return [str(attributes.get("href")) for tag, attributes in self.tags if tag == "a"]
