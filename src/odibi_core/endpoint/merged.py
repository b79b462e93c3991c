"""The exact sum of the metrics of several processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from typing import Any, Final, TypeAlias

from odibi_core.views import values
from odibi_core.views.metrics.exemplars import LastExemplars
from odibi_core.views.metrics.native import native_counts, sum_of
from odibi_core.views.metrics.series import HUGE, parse_number, total_of
from odibi_core.views.metrics.types import COUNTER, GAUGE, HISTOGRAM, KINDS, MOST_BOUNDS
from odibi_core.views.metrics.view import MAX_SERIES, MetricsView

Entry: TypeAlias = dict[str, Any]
"""A series as written by `SnapshotExporter`, with `at`, the time of its last change."""
_Key: TypeAlias = tuple[str, str, str, tuple[tuple[str, str], ...]]
_SERIES: Final = 10 * MAX_SERIES
_EXEMPLARS: Final = MOST_BOUNDS + 1
"""Exemplars of one series: at most one for each bucket."""


def key_of(entry: Mapping[str, Any]) -> _Key | None:
    """Return the identity of a series; None for a value that is not an entry."""
    kind, metric = values.text(entry.get("kind")), values.text(entry.get("metric"))
    if kind not in KINDS or metric is None:
        return None
    labels = {str(name): str(value) for name, value in values.record(entry.get("labels")).items()}
    return kind, metric, values.text(entry.get("name")) or "", tuple(sorted(labels.items()))


class MergedMetrics:
    """The metrics of several processes: sums of counters and histograms, and the latest value of each gauge.

    Sums are kept exactly (see `exact`), so that the total does not depend on the order of the processes and never
    decreases, which Prometheus would treat as a restart.
    """

    def __init__(self) -> None:
        self._entries: dict[_Key, Entry] = {}

    def add(self, entries: Iterable[Any]) -> None:
        """Add the series of a process; unreadable entries are skipped."""
        for entry in entries:
            key = key_of(entry) if isinstance(entry, dict) else None
            if key is not None:
                _join(self._entries.setdefault(key, _empty(key)), entry)

    def entries(self) -> list[Entry]:
        """Return the merged series as entries for another `add`."""
        return list(self._entries.values())

    def view(self) -> MetricsView:
        """Return the merged series as a view, for an exporter."""
        view = MetricsView(max_series=_SERIES, native=any("native" in entry for entry in self._entries.values()))
        for (kind, metric, name, labels), entry in self._entries.items():
            summed = total_of(entry["parts"])
            fields = entry | {"value": summed if kind == COUNTER else entry["last"], "sum": summed}
            if "bounds" in entry:
                view.learn_bounds(metric, entry["bounds"])
            view.find(kind, metric, name, dict(labels)).merge(fields)
        return view

    def exemplars(self, view: MetricsView) -> LastExemplars | None:
        """Return the exemplars of all processes for the series of `view()`; None if there are none."""
        found = [(key, entry["exemplars"]) for key, entry in self._entries.items() if "exemplars" in entry]
        exemplars = LastExemplars()
        for (kind, metric, name, labels), rows in found:
            exemplars.put_fields(view.find(kind, metric, name, dict(labels)), rows)
        return exemplars if found else None


def _empty(key: _Key) -> Entry:
    kind, metric, name, labels = key
    return {
        "metric": metric, "kind": kind, "name": name, "labels": dict(labels), "at": 0.0, "count": 0,
        "parts": [], "last": None, "min": None, "max": None, "buckets": {},
    }  # fmt: skip


def _join(entry: Entry, other: Mapping[str, Any]) -> None:
    kind, at = entry["kind"], _number(other.get("at"))
    if at >= entry["at"]:
        entry["at"], entry["last"] = at, _last(kind, other)
    entry["count"] += values.count(other.get("count")) or 0
    entry["parts"] = exact([*entry["parts"], *_parts(kind, other)])
    for bound, count in _buckets(other).items():
        entry["buckets"][bound] = entry["buckets"].get(bound, 0) + count
    if "exemplars" in other:
        both = [row for each in (entry, other) for row in each.get("exemplars") or () if isinstance(row, list)]
        entry["exemplars"] = sorted(both, key=lambda row: _number(row[-1]) if row else 0.0)[-_EXEMPLARS:]
    if kind == HISTOGRAM:
        native = sum_of(native_counts(entry.get("native")), native_counts(other.get("native")))
        if native is not None:
            entry["native"] = native.as_fields()
        if "bounds" in other:
            entry.setdefault("bounds", other["bounds"])
        for name, pick in (("min", min), ("max", max)):
            ends = [value for value in (parse_number(entry[name]), parse_number(other.get(name))) if value is not None]
            entry[name] = pick(ends, default=None)


def _parts(kind: str, entry: Mapping[str, Any]) -> list[float]:
    """Return the numbers of a sum: the list `parts` of a merged entry, or the value of a new one."""
    sums = entry.get("parts", entry.get("value" if kind == COUNTER else "sum"))
    parts = [parse_number(part) for part in (sums if isinstance(sums, list) else [sums])]
    return [part for part in parts if part is not None and -HUGE < part < HUGE]


def _last(kind: str, entry: Mapping[str, Any]) -> Any:
    return entry.get("last", entry.get("value") if kind == GAUGE else None)


def _buckets(entry: Mapping[str, Any]) -> dict[str, int]:
    counts = {bound: values.count(count) for bound, count in values.record(entry.get("buckets")).items()}
    return {bound: count for bound, count in counts.items() if count}


def _number(value: object) -> float:
    return parse_number(value) or 0.0


def exact(parts: Iterable[float]) -> list[float]:
    """Return few numbers with the same exact sum: one int, and floats of which each is the rest of those before."""
    parts = list(parts)
    floats: list[float] = [part for part in parts if isinstance(part, float)]
    kept: list[float] = []
    while (rest := fsum(floats)) != 0:
        kept.append(rest)
        floats.append(-rest)
    counted = sum(part for part in parts if isinstance(part, int))
    return [counted, *kept] if counted or not kept else kept
