"""The panels of the tables in `overview.py` and `node_performance.py`, and their look in Grafana.

Queries add up, or take the greatest, over instances, so that any number of processes may be scraped. An event that
never happened has no series: no ratio has a denominator that may lack one, and a panel states the meaning of no value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, dashboard, gauge, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import QueryEditorMode

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
JOB: Final = 'job=~"$job"'
NODE: Final = 'job=~"$job", node=~"$node"'

Builder: TypeAlias = timeseries.Panel | stat.Panel | gauge.Panel | bargauge.Panel
Colours: TypeAlias = tuple[tuple[str, float | None], ...]
"""Each colour with the value from which it applies; the first applies below all."""
NEUTRAL: Final[Colours] = (("blue", None),)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel of the tables; `queries` are pairs of PromQL and legend."""

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
    """Build a graph over time; the legend has the last and the greatest value of each series."""
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
    """Build stacked bars over time, as parts of a whole."""
    stacking = common.StackingConfig().mode(looks.StackingMode.NORMAL)
    return lines().draw_style(looks.GraphDrawStyle.BARS).fill_opacity(80).stacking(stacking)


def last_value() -> common.ReduceDataOptions:
    """Reduce a series to its last value."""
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def number() -> stat.Panel:
    """Build one large number per series."""
    return stat.Panel().reduce_options(last_value()).graph_mode(looks.BigValueGraphMode.NONE)


def dial() -> gauge.Panel:
    """Build a dial with one number between two ends."""
    return gauge.Panel().reduce_options(last_value()).show_threshold_markers(True)


def bars() -> bargauge.Panel:
    """Build one horizontal bar per series."""
    bar = bargauge.Panel().reduce_options(last_value()).orientation(looks.VizOrientation.HORIZONTAL)
    return bar.display_mode(looks.BarGaugeDisplayMode.BASIC)


class Described(Protocol):
    """The part of a row that the panels of all tables have."""

    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def make(self) -> Callable[[], Any]: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def colours(self) -> Colours: ...


def begun(panel: Described, number: int, source: model.DataSourceRef) -> Any:
    """Begin the panel of a row of a table, without its queries: one colour a series over time, else by value."""
    colours = [model.Threshold(value, colour) for colour, value in panel.colours]
    by_series = panel.make in (lines, stacked_bars)
    colouring = model.FieldColorModeId.PALETTE_CLASSIC if by_series else model.FieldColorModeId.THRESHOLDS
    return (
        panel.make()
        .id(number)
        .title(panel.title)
        .description(panel.description)
        .datasource(source)
        .unit(panel.unit)
        .thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(colours))
        .color_scheme(dashboard.FieldColor().mode(colouring))
        .span(panel.width)
        .height(panel.height)
    )


def built(panel: Panel, number: int) -> Builder:
    """Build the Grafana panel of a row of the tables."""
    made: Builder = begun(panel, number, SOURCE).min(0)
    if panel.most is not None:
        made = made.max(panel.most)
    if panel.no_value is not None:
        made = made.no_value(panel.no_value)
    for letter, (expression, legend) in zip("ABC", panel.queries, strict=False):
        query = prometheus.Dataquery().ref_id(letter).expr(expression).legend_format(legend)
        query = query.datasource(SOURCE).editor_mode(QueryEditorMode.CODE)
        made = made.with_target(query.instant() if panel.instant else query.range())
    return made
