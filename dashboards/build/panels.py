"""The kinds of panels. Each is made with a title, a description for a stranger, a unit and thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, table, text
from grafana_foundation_sdk.builders import timeseries as lines
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

GOOD, NOTE, WARNING, CRITICAL, UNKNOWN = "green", "blue", "orange", "red", "#808080"
"""A state never differs by colour alone: mappings give it a word."""

Steps = Sequence[tuple[float | None, str]]
CALM: Steps = ((None, NOTE),)
"""Of figures that are neither good nor bad by themselves."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What every panel says of itself. alert: whose runbook it links to. nothing: what is shown without data, because an
    empty panel would pass for a good one."""

    title: str
    description: str
    unit: str = "short"
    steps: Steps = CALM
    words: Mapping[str, tuple[str, str]] | None = None
    alert: str = ""
    nothing: str = "no data"
    decimals: float | None = None


def above(warning: float | None = None, critical: float | None = None, *, base: str = GOOD) -> Steps:
    """Good below, and worse from these values on."""
    steps: list[tuple[float | None, str]] = [(None, base)]
    if warning is not None:
        steps.append((warning, WARNING))
    if critical is not None:
        steps.append((critical, CRITICAL))
    return steps


def below(warning: float, critical: float) -> Steps:
    """Critical under the second, a warning under the first."""
    return [(None, CRITICAL), (critical, WARNING), (warning, GOOD)]


Query = tuple[str, str]
"""Expression and legend."""


def number(about: About, *queries: Query, each: str = "", sparkline: bool = False) -> Any:
    """One big value, or one for each series."""
    panel = _dressed(stat.Panel(), about)
    panel.color_mode(common_models.BigValueColorMode.BACKGROUND)
    panel.graph_mode(common_models.BigValueGraphMode.AREA if sparkline else common_models.BigValueGraphMode.NONE)
    panel.text_mode(common_models.BigValueTextMode.VALUE_AND_NAME if each else common_models.BigValueTextMode.AUTO)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return _asking(panel, queries, instant=not sparkline)


def bars(about: About, *queries: Query) -> Any:
    """A bar for each series, the largest first as the query sorts."""
    panel = _dressed(bargauge.Panel(), about)
    panel.orientation(common_models.VizOrientation.HORIZONTAL)
    panel.display_mode(common_models.BarGaugeDisplayMode.GRADIENT)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return _asking(panel, queries, instant=True)


def curves(about: About, *queries: Query, stacked: bool = False, lowest: float | None = 0) -> Any:
    """Values over time. A gap in the data stays a gap."""
    panel = _dressed(lines.Panel(), about)
    panel.line_width(2).fill_opacity(25 if stacked else 8).show_points(common_models.VisibilityMode.NEVER)
    panel.span_nulls(False)
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
    if lowest is not None:
        panel.min(lowest)
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    if len(about.steps) > 1:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(common_models.GraphTresholdsStyleMode.DASHED))
    panel.tooltip(
        common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI).sort(common_models.SortOrder.DESCENDING)
    )
    panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM)
        .calcs([])
    )
    return _asking(panel, queries)


def states(about: About, *queries: Query) -> Any:
    """A band for each series: which state when."""
    panel = _dressed(statetimeline.Panel(), about)
    panel.merge_values(True).show_value(common_models.VisibilityMode.AUTO).row_height(0.85)
    return _asking(panel, queries)


def rows(
    about: About,
    *queries: Query,
    columns: Sequence[tuple[str, str]],
    hidden: Sequence[str] = (),
    sort: str = "",
    units: Mapping[str, str] | None = None,
) -> Any:
    """A table: the queries' series joined by their labels. columns: (field, heading) in order; a query's value is the
    field `Value #A`, `Value #B` …, or `Value` where there is one query. hidden: fields besides."""
    panel = _dressed(table.Panel(), about)
    panel.show_header(True)
    if sort:
        panel.sort_by([common.TableSortByFieldState().display_name(sort).desc(True)])
    known = [field for field, _ in columns]
    if len(queries) > 1:
        panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    away = dict.fromkeys(("Time", "__name__", "job", "instance", *hidden), True)
    panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": away,
                "indexByName": {name: index for index, name in enumerate(known)},
                "renameByName": dict(columns),
            },
        )
    )
    for name, unit in (units or {}).items():
        panel.override_by_name(name, [models.DynamicConfigValue(id_val="unit", value=unit)])
    return _asking(panel, queries, instant=True, tabular=True)


def words(title: str, markdown: str) -> Any:
    """A note for the reader."""
    return text.Panel().title(title).description(title).content(markdown)


def _dressed(panel: Any, about: About) -> Any:
    panel.title(about.title).description(about.description).unit(about.unit).no_value(about.nothing)
    panel.datasource(SOURCE)
    panel.thresholds(
        dashboard.ThresholdsConfig()
        .mode(models.ThresholdsMode.ABSOLUTE)
        .steps([models.Threshold(value=value, color=color) for value, color in about.steps])
    )
    panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
    if about.decimals is not None:
        panel.decimals(about.decimals)
    if about.words:
        told = {
            value: models.ValueMappingResult(text=word, color=color, index=index)
            for index, (value, (word, color)) in enumerate(about.words.items())
        }
        panel.mappings([models.ValueMap(options=told)])
    if about.alert:
        link = dashboard.DashboardLink(f"Runbook: {about.alert}").url(f"${{agent}}/runbooks/{about.alert}")
        panel.links([link.type(models.DashboardLinkType.LINK).target_blank(True)])
    return panel


def _asking(panel: Any, queries: Sequence[Query], *, instant: bool = False, tabular: bool = False) -> Any:
    for index, (expression, legend) in enumerate(queries):
        query = prometheus.Dataquery().expr(expression).legend_format(legend or "__auto").ref_id(chr(ord("A") + index))
        query.datasource(SOURCE)
        query = query.instant() if instant else query.range()
        query.format(PromQueryFormat.TABLE if tabular else PromQueryFormat.TIME_SERIES)
        panel.with_target(query)
    return panel
