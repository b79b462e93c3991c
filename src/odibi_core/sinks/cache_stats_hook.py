"""A hook that prints the cache hit rate of a run."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from odibi_core.events import kinds


class CacheStatsHook:
    """Hook that prints the cache hits, misses and hit rate of the run's metrics manager.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.
    """

    __name__ = "cache_stats"
    also_handles = (kinds.PIPELINE_ERROR,)

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def __call__(self, event: dict[str, Any]) -> None:
        metrics = event.get("metrics_manager")
        if metrics is None:
            return
        counters = metrics.counters
        hits, misses = (_sum(counters, name) for name in ("cache_hit", "cache_miss"))
        rate = f"{metrics.get_cache_hit_rate():.1%}" if hits + misses else "–"
        print(f"Cache: {hits:g} hits, {misses:g} misses ({rate} hit rate)", file=self._stream or sys.stdout, flush=True)


def _sum(counters: dict[str, float], metric: str) -> float:
    """Return the sum over all nodes, and over the counter without a node."""
    return sum(value for name, value in counters.items() if name == metric or name.startswith(f"{metric}:"))


create_cache_stats_hook = CacheStatsHook
