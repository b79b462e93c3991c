"""Exemplars: for each counter, and for each bucket of a histogram, the last measurement within a sampled trace."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

from odibi_core.events.recent import remember
from odibi_core.events.trace_context import span_in
from odibi_core.views import values
from odibi_core.views.metrics.series import HistogramSeries, Series
from odibi_core.views.metrics.types import GAUGE

MOST: Final = 10_000
"""Exemplars of one process; past it, the oldest are forgotten."""
_MOST_CHARACTERS: Final = 128
"""Bound of the names and values of an exemplar's labels together (OpenMetrics 1.0)."""


class Exemplar(NamedTuple):
    """One measurement: the trace, the span and the run in which it was made, its value, and its time."""

    labels: dict[str, str]
    value: float
    at: float
    """In seconds since 1970."""


class LastExemplars:
    """The last exemplar of each counter and bucket, in bounded memory."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Series, int], Exemplar] = {}

    def put(self, series: Series, exemplar: Exemplar) -> None:
        """Keep an exemplar instead of the one before it; a gauge has none, and neither has a refused value."""
        value = exemplar.value
        if type(value) not in (int, float) or not isfinite(value) or series.kind == GAUGE:
            return
        if isinstance(series, HistogramSeries):
            remember(self._kept, (series, bisect_left(series.bounds, value)), exemplar, MOST)
        elif value >= 0:
            remember(self._kept, (series, 0), exemplar, MOST)

    def of(self, series: Series, place: int = 0) -> Exemplar | None:
        """Return the exemplar of a counter, or of a histogram's bucket."""
        return self._kept.get((series, place))

    def all_of(self, series: Series) -> list[Exemplar]:
        """Return the exemplars of one series, in the order of its buckets."""
        places = range(len(series.bounds) + 1) if isinstance(series, HistogramSeries) else range(1)
        return [found for place in places if (found := self._kept.get((series, place))) is not None]

    def put_fields(self, series: Series, rows: object) -> None:
        """Keep the exemplars that another process wrote by `as_fields`; unreadable ones are left out."""
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, list) and len(row) == 3 and (at := values.number(row[2])) is not None:
                labels = {str(name): str(value) for name, value in values.record(row[0]).items()}
                self.put(series, Exemplar(labels, row[1], at))


def as_fields(exemplars: Iterable[Exemplar]) -> list[list[Any]]:
    """Return exemplars as JSON for another process."""
    return [[each.labels, each.value, each.at] for each in exemplars]


def labels_of(fields: Mapping[str, Any], run_id: str | None) -> dict[str, str] | None:
    """Return the labels of an exemplar of an event or a context: `trace_id`, `span_id`, `run_id`.

    None without a span, and if its trace is not sampled: then no other system has it. The run is left out if the labels
    would be too long.
    """
    if "trace_id" not in fields:
        return None
    span = span_in(fields)
    if not span or not int(span["trace_flags"], 16) & 1:
        return None
    labels = {"trace_id": span["trace_id"], "span_id": span["span_id"]}
    with_run = {**labels, "run_id": run_id or ""}
    fits = sum(len(name) + len(value) for name, value in with_run.items()) <= _MOST_CHARACTERS
    return with_run if run_id and fits else labels
