"""What a panel is in the tables of `overview.py` and `node_performance.py`, and how it looks in Grafana.

Queries add up, or take the greatest, over instances, so that any number of processes may be scraped. What never
happened has no series: so no ratio has a denominator that may be without one, and a panel says what no value means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, dashboard, gauge, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import QueryEditorMode

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
JOB: Final = 'job=~"$job"'
NODE: Final = 'job=~"$job", node=~"$node"'

Builder: TypeAlias = timeseries.Panel | stat.Panel | gauge.Panel | bargauge.Panel
Colours: TypeAlias = tuple[tuple[str, float | None], ...]
"""Each colour with the value from which on it holds; the first holds below all."""
NEUTRAL: Final[Colours] = (("blue", None),)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel as the tables say it; `queries` are pairs of PromQL and legend."""

    title: str
    description: str
    queries: tuple[tuple[str, str], ...]
    unit: str
    make: Callable[[], Builder]
    width: int
    height: int = 8
    colours: Colours = NEUTRAL
    instant: bool = False
    most: float | None = None
    no_value: str | None = None


def lines() -> timeseries.Panel:
    """Values over time, each series with its last and its greatest."""
    legend = (
        common.VizLegendOptions()
        .display_mode(looks.LegendDisplayMode.TABLE)
        .placement(looks.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )
    tooltip = common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
    return timeseries.Panel().legend(legend).tooltip(tooltip).fill_opacity(10).line_width(1)


def stacked_bars() -> timeseries.Panel:
    """Parts of a whole over time."""
    stacking = common.StackingConfig().mode(looks.StackingMode.NORMAL)
    return lines().draw_style(looks.GraphDrawStyle.BARS).fill_opacity(80).stacking(stacking)


def last_value() -> common.ReduceDataOptions:
    """One number of a series: the last that there is."""
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def number() -> stat.Panel:
    """One large number a series."""
    return stat.Panel().reduce_options(last_value()).graph_mode(looks.BigValueGraphMode.NONE)


def dial() -> gauge.Panel:
    """One number between two ends."""
    return gauge.Panel().reduce_options(last_value()).show_threshold_markers(True)


def bars() -> bargauge.Panel:
    """One horizontal bar a series."""
    bar = bargauge.Panel().reduce_options(last_value()).orientation(looks.VizOrientation.HORIZONTAL)
    return bar.display_mode(looks.BarGaugeDisplayMode.BASIC)


def built(panel: Panel, number: int) -> Builder:
    """A panel as Grafana has it."""
    colours = [model.Threshold(value, colour) for colour, value in panel.colours]
    by_series = panel.make in (lines, stacked_bars)
    colouring = model.FieldColorModeId.PALETTE_CLASSIC if by_series else model.FieldColorModeId.THRESHOLDS
    made = (
        panel.make()
        .id(number)
        .title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(colours))
        .color_scheme(dashboard.FieldColor().mode(colouring))
        .span(panel.width)
        .height(panel.height)
    )
    if panel.most is not None:
        made = made.max(panel.most)
    if panel.no_value is not None:
        made = made.no_value(panel.no_value)
    for letter, (expression, legend) in zip("ABC", panel.queries, strict=False):
        query = prometheus.Dataquery().ref_id(letter).expr(expression).legend_format(legend)
        query = query.datasource(SOURCE).editor_mode(QueryEditorMode.CODE)
        made = made.with_target(query.instant() if panel.instant else query.range())
    return made
