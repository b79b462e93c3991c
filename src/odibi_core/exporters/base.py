"""`Exporter`, the contract of the family, and `MetricsSnapshot`, its input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from odibi_core.views.metrics.exemplars import LastExemplars
from odibi_core.views.metrics.series import Series
from odibi_core.views.metrics.types import Metric
from odibi_core.views.metrics.view import MetricsView


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """The metrics at one moment, with facts about the process that no event has."""

    view: MetricsView
    at: datetime
    recent: Sequence[Metric] = ()
    """The recent raw measurements; empty unless the exporter `needs_samples`."""
    memory: dict[str, Any] = field(default_factory=dict)
    """State that exporters keep between exports of the process, such as assigned names."""
    last_times: Callable[[], Mapping[Series, datetime]] = dict
    """Returns the time of the last sample of each series that has recent raw measurements."""
    uptime_s: float | None = None
    """Seconds since the process started to measure; None for a run that ended."""
    resident_bytes: int | None = None
    unreadable_parts: int | None = None
    """Unreadable files of processes on the same port; None if only one process is served."""
    exemplars: LastExemplars | None = None
    """The exemplars of the series; None if none are kept."""
    inherited: Mapping[Series, dict[str, Any]] = field(default_factory=dict)
    """In a forked child: the `series.answer()` of each series that its parent had measured before the fork."""


@runtime_checkable
class Exporter(Protocol):
    """Converter of a snapshot to one format.

    `MetricsManager.export` creates one for each call and holds the lock of the metrics meanwhile: an exporter must not
    change or keep the view, and writes no file. An exception reaches the caller of `export`.
    """

    content_type: ClassVar[str]
    suffix: ClassVar[str]
    needs_samples: ClassVar[bool] = False

    def export(self, snapshot: MetricsSnapshot, /) -> Any:
        """Return a text, bytes, or an object of the library that the exporter is named after."""
        ...
