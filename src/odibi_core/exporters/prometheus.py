"""Prometheus' text format 0.0.4, and OpenMetrics 1.0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from math import inf
from operator import attrgetter
from typing import Any, ClassVar, TypeAlias

from odibi_core.exporters.base import Exporter, MetricsSnapshot
from odibi_core.exporters.prometheus_names import (
    BUCKETS,
    CACHE_HIT_RATE,
    LAST,
    RESIDENT_MEMORY,
    SUM,
    UNREADABLE_PARTS,
    UPTIME,
    VALUE,
    FamilyNames,
    PrometheusFamily,
    escaped,
    is_known,
    registry_in,
)
from odibi_core.views.metrics.exemplars import Exemplar, LastExemplars
from odibi_core.views.metrics.nodes import cache_hit_rate, cache_lookups
from odibi_core.views.metrics.series import Family, Series
from odibi_core.views.metrics.types import COUNTER, GAUGE


class PrometheusExporter(Exporter):
    """Prometheus' text format 0.0.4: each family once, in a stable order."""

    content_type: ClassVar[str] = "text/plain; version=0.0.4; charset=utf-8"
    suffix: ClassVar[str] = ".prom"
    _open_metrics: ClassVar[bool] = False

    def export(self, snapshot: MetricsSnapshot, /) -> str:
        lines: list[str] = []
        writers = self._writers(snapshot)
        for family, value in process_facts(snapshot):
            lines += self._head(family.name, family)
            lines.append(f"{family.name} {number(value)}")
        for name, family, series, names in families_of(snapshot):
            lines += self._head(name, family)
            sample = f"{name}_total" if family.kind == COUNTER else name
            lines += writers[family.shows](sample, family, series, names)
        if self._open_metrics:
            lines.append("# EOF")
        lines.append("")
        return "\n".join(lines)

    def _writers(self, snapshot: MetricsSnapshot) -> dict[str, Writer]:
        return _WRITERS

    def _head(self, name: str, family: PrometheusFamily) -> tuple[str, str]:
        if family.kind == COUNTER and not self._open_metrics:
            name = f"{name}_total"
        text = family.help.replace("\\", r"\\").replace("\n", r"\n")
        if self._open_metrics:
            text = text.replace('"', r"\"")
        return f"# HELP {name} {text}", f"# TYPE {name} {family.kind}"


class OpenMetricsExporter(PrometheusExporter):
    """OpenMetrics 1.0: the families of `prometheus`, for scrapers that ask for it by their `Accept` header."""

    content_type: ClassVar[str] = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    suffix: ClassVar[str] = ".om"
    _open_metrics: ClassVar[bool] = True

    def _writers(self, snapshot: MetricsSnapshot) -> dict[str, Writer]:
        kept = snapshot.exemplars
        if kept is None:
            return _OPEN_WRITERS
        return {
            **_OPEN_WRITERS,
            VALUE: partial(_values_traced, kept),
            BUCKETS: partial(_buckets, least_sum=0.0, kept=kept),
        }


def families_of(snapshot: MetricsSnapshot) -> Iterator[tuple[str, PrometheusFamily, list[Any], FamilyNames]]:
    """Yield name, family and series of each family of Prometheus that has any, in a stable order."""
    registry = registry_in(snapshot.memory)
    sources = list(snapshot.view.families.values())
    for source in sources:  # in the order of creation: the first metric keeps the name
        registry.add(source.metric, source.kind)
    for source in sorted(sources, key=_place):
        series = [one for one in source.sorted() if one.samples]
        names = registry.add(source.metric, source.kind)
        for family, name in names.families if series else ():
            yield name, family, series, names


def _place(family: Family) -> tuple[bool, str, str]:
    return not is_known(family.metric, family.kind), family.metric, family.kind


def number(value: float) -> str:
    """Return a number as both formats write it."""
    text = repr(value)
    if text[-1] in "fn":  # inf, -inf, nan
        return "NaN" if text == "nan" else "-Inf" if text[0] == "-" else "+Inf"
    return text


def process_facts(snapshot: MetricsSnapshot) -> Iterator[tuple[PrometheusFamily, float]]:
    """Yield values that have no series: computed from others, or facts about the process."""
    if cache_lookups(snapshot.view):  # a rate without lookups would look like a cache that never hits
        yield CACHE_HIT_RATE, cache_hit_rate(snapshot.view)
    if snapshot.uptime_s is not None:
        yield UPTIME, snapshot.uptime_s
    if snapshot.resident_bytes is not None:
        yield RESIDENT_MEMORY, snapshot.resident_bytes
    if snapshot.unreadable_parts is not None:
        yield UNREADABLE_PARTS, snapshot.unreadable_parts


def _labels(series: Series, names: FamilyNames) -> str:
    """Return the labels of a series as text, cached on the series for the next scrape."""
    text = series.text
    if text is None:
        text = series.text = names.label_text(series.name, series.labels())
    return text


def _values(name: str, family: PrometheusFamily, series: list[Any], names: FamilyNames) -> list[str]:
    # Benchmark (scrape of 10,000 series): `one.value` and a call of `_labels` for each line take twice as long.
    return [f"{name}{one.text or _labels(one, names)}{number(one.total + one.d_total)}" for one in series]


def _last(name: str, family: PrometheusFamily, series: list[Any], names: FamilyNames) -> list[str]:
    value_of = attrgetter("value" if series[0].kind == GAUGE else "last")
    return [f"{name}{one.text or _labels(one, names)}{number(value_of(one))}" for one in series]


def _sums(name: str, family: PrometheusFamily, series: list[Any], names: FamilyNames) -> list[str]:
    return [f"{name}{one.text or _labels(one, names)}{number(one.sum)}" for one in series if one.sum >= 0]


def _buckets(
    name: str,
    family: PrometheusFamily,
    series: list[Any],
    names: FamilyNames,
    least_sum: float = -inf,
    kept: LastExemplars | None = None,
) -> list[str]:
    lines: list[str] = []
    for one in series:
        labels = _labels(one, names)
        before = f"{labels[1:-2]}," if labels != " " else ""
        bounds = [number(float(f"{bound * family.scale:.12g}")) for bound in one.bounds]
        first = len(lines)
        for bound, count in zip([*bounds, "+Inf"], accumulate(one.counts()), strict=True):
            lines.append(f'{name}_bucket{{{before}le="{bound}"}} {count}')
        if kept is not None:
            for place in range(len(bounds) + 1):
                lines[first + place] += _exemplar(kept.of(one, place), family.scale)
        if one.sum >= least_sum:
            lines.append(f"{name}_count{labels}{one.samples}")
            lines.append(f"{name}_sum{labels}{number(one.sum * family.scale)}")
    return lines


def _values_traced(
    kept: LastExemplars, name: str, family: PrometheusFamily, series: list[Any], names: FamilyNames
) -> list[str]:
    return [
        f"{line}{_exemplar(kept.of(one))}"
        for one, line in zip(series, _values(name, family, series, names), strict=True)
    ]


def _exemplar(found: Exemplar | None, scale: float = 1) -> str:
    """Return the end of a sample's line: ` # {trace_id="…"} 0.25 1700000000.0`; empty without an exemplar."""
    if found is None:
        return ""
    labels = ",".join(f'{name}="{escaped(value)}"' for name, value in found.labels.items())
    return f" # {{{labels}}} {number(float(f'{found.value * scale:.12g}'))} {found.at:.3f}"


Writer: TypeAlias = Callable[[str, PrometheusFamily, list[Any], FamilyNames], list[str]]
_WRITERS: dict[str, Writer] = {VALUE: _values, LAST: _last, SUM: _sums, BUCKETS: _buckets}
# OpenMetrics forbids a negative sum, and a count without a sum: such a histogram has only its buckets.
_OPEN_WRITERS: dict[str, Writer] = {**_WRITERS, BUCKETS: partial(_buckets, least_sum=0.0)}
