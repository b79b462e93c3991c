"""What an exporter is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable

from odibi_core.views.metrics.series import Series
from odibi_core.views.metrics.types import Metric
from odibi_core.views.metrics.view import MetricsView


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """The numbers at one moment, with the few facts that are no events."""

    view: MetricsView
    at: datetime
    recent: Sequence[Metric] = ()
    """The recent raw measurements; empty unless the exporter `needs_samples`."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What an exporter keeps from one export to the next, such as the names it gave; the same as long as the process
    lives.
    """
    last_times: Callable[[], Mapping[Series, datetime]] = dict
    """Returns when each series was last measured, as far as the recent raw measurements tell."""
    uptime_s: float | None = None
    """How long the process has measured; None for a run that is over."""
    resident_bytes: int | None = None
    unreadable_parts: int | None = None
    """Files of processes on the same port that could not be read; None where only one process is served."""
    inherited: Mapping[Series, dict[str, Any]] = field(default_factory=dict)
    """In a forked child: what its parent had measured before, by series, as `series.answer()` gave it."""


@runtime_checkable
class Exporter(Protocol):
    """Makes one thing outside of the numbers. It does not keep them, and does not write to any file."""

    content_type: ClassVar[str]
    suffix: ClassVar[str]
    needs_samples: ClassVar[bool]

    def export(self, snapshot: MetricsSnapshot, /) -> Any:
        """A text, bytes, or an object of the library that the exporter is named after."""
        ...
