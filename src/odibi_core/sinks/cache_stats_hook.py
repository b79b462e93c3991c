"""A hook that prints how often nodes found their result in the cache."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from odibi_core.events import kinds


class CacheStatsHook:
    """Prints the cache hit rate that the run's metrics manager knows.

    Registered for `pipeline_complete` it hears `pipeline_error` too.
    """

    __name__ = "cache_stats"
    hears_also = (kinds.PIPELINE_ERROR,)

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def __call__(self, event: dict[str, Any]) -> None:
        metrics = event.get("metrics_manager")
        if metrics is None:
            return
        rate = metrics.get_cache_hit_rate()
        hits, misses = (_sum(metrics.counters, f"{name}:") for name in ("cache_hit", "cache_miss"))
        print(
            f"Cache: {hits:g} hits, {misses:g} misses ({rate:.1%} hit rate)",
            file=self._stream or sys.stdout,
            flush=True,
        )


def _sum(counters: dict[str, float], prefix: str) -> float:
    return sum(value for name, value in counters.items() if name.startswith(prefix))


def create_cache_stats_hook(stream: TextIO | None = None) -> CacheStatsHook:
    """`bus.register_hook("pipeline_complete", create_cache_stats_hook())`; prints to `stream`, else to stdout."""
    return CacheStatsHook(stream)
