"""`PipelineHealthDashboard`: the health of a pipeline of stages, recorded batch by batch, as one report."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Mapping, Sized
from itertools import islice
from threading import Lock
from typing import Any, Final, TypeVar

from odibi_core import _fork
from odibi_core.bus.bus import EventBus
from odibi_core.errors import STOPS
from odibi_core.events import kinds, sanitize_text, sanitize_value
from odibi_core.events.leveled import Leveled
from odibi_core.process.state import resolve_bus, validate_logger

__all__ = ["PipelineHealthDashboard"]

R = TypeVar("R")

_MAX_NUMBER: Final = 1e15
"""Larger numbers are mistakes, and would make every mean and sum useless."""
RECENT: Final = 10
"""Number of the last batches in the mean throughput of a report."""
MOST_NAMES: Final = 1000
"""Stages, circuits and caches of one batch that are kept."""


def _either_spelling(method: Callable[..., R]) -> Callable[..., R]:
    """Return a method that takes its keywords in camelCase or in snake_case."""

    @functools.wraps(method)
    def spelled(self: Any, *args: Any, **given: Any) -> R:
        return method(self, *args, **{_camel(name): value for name, value in given.items()})

    return spelled


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


class PipelineHealthDashboard:
    """Records each batch, and reports throughput, the slowest stage, open circuits, caches and alerts.

    Its memory does not grow with batches or names.

    Args:
        logger: Logger or bus of the `pipeline_health` events, by default the bus of the current run.

    >>> dashboard = PipelineHealthDashboard()
    >>> dashboard.recordBatch({"read": 900.0, "enrich": 120.0}, {"lookup": "open"}, {}, 1)
    >>> dashboard.healthReport()["bottleneckStage"]
    'enrich'
    """

    def __init__(self, logger: Leveled | EventBus | None = None) -> None:
        self.logger = validate_logger(logger)
        self._recent: deque[dict[str, float]] = deque(maxlen=RECENT)
        self._circuits: dict[str, str] = {}
        self._hit_rates: dict[str, float] = {}
        self._batches = 0
        self._alerts = 0
        self._after_fork()
        _fork.in_child(self._after_fork)

    def _after_fork(self) -> None:
        """Make the lock, which another thread of a parent may have held."""
        self._lock = Lock()

    @_either_spelling
    def recordBatch(
        self,
        stageThroughputs: Mapping[str, float] | None = None,
        circuitStates: Mapping[str, Any] | None = None,
        cacheInfo: Mapping[str, Any] | None = None,
        alertsThisBatch: Any = 0,
    ) -> None:
        """Record a batch. An argument left out keeps its last value, an impossible value is skipped. Never raises.

        Args:
            stageThroughputs: Records per second of each stage.
            circuitStates: State of each circuit, or its breaker.
            cacheInfo: Hit rate of each cache, from 0 to 1, or its `cache_info()`, or a dict of `hits` and `misses`.
            alertsThisBatch: Number of alerts, or a list of them.
        """
        throughputs = _read_values(stageThroughputs, _rate)
        circuits = None if circuitStates is None else _read_values(circuitStates, _state)
        rates = None if cacheInfo is None else _read_values(_value_or_none(_by_cache, cacheInfo), _hit_rate)
        alerts = _value_or_none(_count, alertsThisBatch) or 0
        with self._lock:
            self._batches += 1
            self._alerts += alerts
            self._recent.append(throughputs)
            self._circuits = self._circuits if circuits is None else circuits
            self._hit_rates = self._hit_rates if rates is None else rates

    record_batch = recordBatch

    @_either_spelling
    def healthReport(self, peakMemoryKb: float | None = None) -> dict[str, Any]:
        """Return the health, and publish it as `pipeline_health`.

        `bottleneckStage` is the slowest stage of the last batch, `bottleneckRps` its throughput.
        `meanRecentThroughputRps` is the mean throughput of the slowest stage over the last ten batches. Batches
        without throughputs do not count. A value without records is None.

        Args:
            peakMemoryKb: Peak memory of the process in KiB, passed through.

        Returns:
            `status` (`DEGRADED` while a circuit is open, else `HEALTHY`), `batchCount`, `totalAlerts`,
            `openCircuits`, `bottleneckStage`, `bottleneckRps`, `meanRecentThroughputRps`, `cacheHitRates`,
            `peakMemoryKb`.
        """
        with self._lock:
            recent, batches, alerts = list(self._recent), self._batches, self._alerts
            circuits, rates = self._circuits, self._hit_rates
        open_circuits = sorted(name for name, state in circuits.items() if state == "open")
        measured = [batch for batch in recent if batch]
        last: dict[str, float] = measured[-1] if measured else {}
        slowest = min(last, key=last.__getitem__, default=None)
        report = {
            "status": "DEGRADED" if open_circuits else "HEALTHY",
            "batchCount": batches,
            "totalAlerts": alerts,
            "openCircuits": open_circuits,
            "bottleneckStage": slowest,
            "bottleneckRps": None if slowest is None else round(last[slowest], 3),
            "meanRecentThroughputRps": _mean([min(batch.values()) for batch in measured]),
            "cacheHitRates": dict(rates),
            "peakMemoryKb": sanitize_value(peakMemoryKb),
        }
        self._publish(report)
        return report

    health_report = healthReport

    def _publish(self, report: dict[str, Any]) -> None:
        level = "warning" if report["openCircuits"] else "info"
        if isinstance(self.logger, Leveled):
            getattr(self.logger, level)(kinds.PIPELINE_HEALTH, **report)
        else:
            resolve_bus(self.logger).publish(kinds.PIPELINE_HEALTH, level=level, fields=dict(report))


def _read_values(given: Any, read: Callable[[Any], R | None]) -> dict[str, R]:
    """Return the readable values of a mapping by sanitized name; `{}` for anything else."""
    found: dict[str, R] = {}
    try:
        for name, value in islice(given.items(), MOST_NAMES):
            known = _value_or_none(read, value)
            if known is not None:
                found[sanitize_text(str(name))] = known
    except STOPS:
        raise
    except BaseException:  # foreign code: the values read so far count
        return found
    return found


def _value_or_none(read: Callable[[Any], R | None], value: Any) -> R | None:
    try:
        return read(value)
    except STOPS:
        raise
    except BaseException:  # foreign code: an unreadable value is unknown
        return None


def _rate(value: Any) -> float | None:
    rate = float(value)
    return rate if 0 <= rate < _MAX_NUMBER else None


def _state(value: Any) -> str | None:
    """Return a state in lower case: of a text, a member of an enum, or a breaker's `current_state` or `state`."""
    for attribute in ("current_state", "state", "value", "name"):
        if type(value) is str:
            break
        value = getattr(value, attribute, value)
    return sanitize_text(str(value)).strip().lower()[:100]


def _by_cache(info: Any) -> Any:
    """Return the caches by name; the numbers of a single cache are those of `cache`."""
    alone = hasattr(info, "hits") or (isinstance(info, Mapping) and {"hits", "misses"} <= set(info))
    return {"cache": info} if alone else info


def _hit_rate(value: Any) -> float | None:
    """Return a rate from 0 to 1 as given; else that of hits and misses, also of a cached function."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if 0 <= value <= 1 else None
    value = value.cache_info() if callable(getattr(value, "cache_info", None)) else value
    hits, misses = (value["hits"], value["misses"]) if isinstance(value, Mapping) else (value.hits, value.misses)
    known_hits, known_misses = _rate(hits), _rate(misses)
    if known_hits is None or known_misses is None:
        return None
    looked_up = known_hits + known_misses
    return round(known_hits / looked_up, 4) if looked_up else 0.0


def _count(value: Any) -> int:
    count = len(value) if isinstance(value, Sized) else int(value)
    return count if 0 < count < _MAX_NUMBER else 0


def _mean(values: list[Any]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None
