"""Handles on one series each, for loops: a call spares the look-up."""

from __future__ import annotations

from typing import Any

from odibi_core.events.clock import monotonic
from odibi_core.metrics.recorder import MetricsRecorder
from odibi_core.views.metrics.series import Series


class _Bound:
    """One series, found once: its calls spare the look-up."""

    __slots__ = ("_note", "_recorder", "_series")

    def __init__(self, recorder: MetricsRecorder, series: Series) -> None:
        self._recorder = recorder
        self._series = series
        self._note = recorder._note

    def __reduce__(self) -> tuple[Any, ...]:
        series = self._series
        said = (series.kind, series.family.metric, series.name, series.labels())
        return _found_again, (type(self), self._recorder, *said)


class BoundCounter(_Bound):
    """Counts up in one series; made by `MetricsManager.counter`."""

    __slots__ = ()

    def inc(self, value: float = 1) -> None:
        """Count up."""
        now = monotonic()
        self._note((self._series, value, now))
        if now > self._recorder._due:
            self._recorder._settle()


class BoundGauge(_Bound):
    """Sets one series; made by `MetricsManager.gauge`."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Set what it is now."""
        now = monotonic()
        self._note((self._series, value, now))
        if now > self._recorder._due:
            self._recorder._settle()


class BoundHistogram(_Bound):
    """Observes values in one series; made by `MetricsManager.histogram`."""

    __slots__ = ()

    def observe(self, value: float) -> None:
        """One more value."""
        now = monotonic()
        self._note((self._series, value, now))
        if now > self._recorder._due:
            self._recorder._settle()


def _found_again(kind: type[_Bound], recorder: MetricsRecorder, *series: Any) -> _Bound:
    return kind(recorder, recorder._found(*series))
