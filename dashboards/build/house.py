"""What all dashboards share: variables, annotations, links between them, and the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.build.panels import SOURCE
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

TAG = "rabbitwatch"
WIDTH = 24
AGENT = "http://localhost:9419"

CLUSTER = 'cluster=~"$cluster"'
VHOST = f'{CLUSTER}, vhost=~"$vhost"'
QUEUE = f'{VHOST}, queue=~"$queue"'


class Board:
    """A dashboard that grows row by row. Panels of a row stand side by side; nothing can overlap."""

    def __init__(
        self, uid: str, title: str, description: str, *, variables: Sequence[str] = (), refresh: str = "30s"
    ) -> None:
        self.uid = uid
        self._y = 0
        self._id = 0
        self._made = (
            dashboard.Dashboard(title)
            .uid(uid)
            .description(description)
            .tags([TAG])
            .timezone("browser")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .time("now-3h", "now")
            .refresh(refresh)
            .readonly()
            .variables([_datasource(), _cluster(), *(_MORE[name]() for name in variables), _agent()])
            .annotations([_alerts(), _actions()])
            .links([_others(), _pages()])
        )

    def row(self, title: str) -> None:
        """A heading."""
        self._made.with_row(
            dashboard.Row(title).id(self._next()).grid_pos(models.GridPos(h=1, w=WIDTH, x=0, y=self._y))
        )
        self._y += 1

    def line(self, height: int, *panels: tuple[int, Any]) -> None:
        """Panels side by side, each with its width in 24ths."""
        x = 0
        for width, panel in panels:
            position = models.GridPos(h=height, w=width, x=x, y=self._y)
            self._made.with_panel(panel.id(self._next()).grid_pos(position))
            x += width
        if x > WIDTH:
            raise ValueError(f"{self.uid}: a line is {x} wide, and there is room for {WIDTH}")
        self._y += height

    def build(self) -> Any:
        """The dashboard as the SDK's object."""
        return self._made.build()

    def _next(self) -> int:
        self._id += 1
        return self._id


def _datasource() -> Any:
    return (
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .type("prometheus")
        .description("A Prometheus that scrapes rabbitwatch, or rabbitwatch itself.")
    )


def _choice(name: str, label: str, metric: str, narrowed: str = "") -> Any:
    inside = f"{metric}{{{narrowed}}}" if narrowed else metric
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": f"label_values({inside}, {name})", "refId": f"var-{name}"})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _cluster() -> Any:
    return _choice("cluster", "Cluster", "rabbitwatch_cluster_nodes")


def _vhost() -> Any:
    return _choice("vhost", "Vhost", "rabbitwatch_vhost_queues", CLUSTER)


def _queue() -> Any:
    return _choice("queue", "Queue", "rabbitwatch_queue_info", VHOST)


def _agent() -> Any:
    return (
        dashboard.TextBoxVariable("agent")
        .label("Agent")
        .default_value(AGENT)
        .description("Where people reach rabbitwatch's own pages: for the links to runbooks.")
    )


_MORE = {"vhost": _vhost, "queue": _queue}


def _annotation(name: str, expression: str, title: str, text: str, color: str) -> Any:
    """Grafana reads the fields of a Prometheus annotation beside those that the SDK knows."""
    query = dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(color).expr(expression)
    made = query.build()
    return _Fixed({**made.to_json(), "titleFormat": title, "textFormat": text, "step": "30s"})


class _Fixed:
    """A built part that goes where a builder is expected."""

    def __init__(self, content: dict[str, object]) -> None:
        self._content = content

    def build(self) -> Any:
        return self

    def to_json(self) -> dict[str, object]:
        return self._content


def _alerts() -> Any:
    return _annotation(
        "Alerts",
        f'max by (cluster, alertname, severity) (ALERTS{{alertstate="firing", severity!="none", {CLUSTER}}})',
        "{{alertname}}",
        "{{cluster}}: {{severity}}",
        "red",
    )


def _actions() -> Any:
    return _annotation(
        "Actions",
        f"sum by (cluster, action, outcome) (changes(rabbitwatch_actions_total{{{CLUSTER}}}[1m])) > 0",
        "{{action}}",
        "{{cluster}}: {{outcome}}",
        "purple",
    )


def _others() -> Any:
    return (
        dashboard.DashboardLink("rabbitwatch")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(False)
        .include_vars(True)
        .keep_time(True)
    )


def _pages() -> Any:
    return (
        dashboard.DashboardLink("Agent's pages")
        .type(models.DashboardLinkType.LINK)
        .url("${agent}")
        .icon("external link")
        .tooltip("Status page, silences, runbooks")
        .target_blank(True)
    )
