"""Factories of the built-in hooks: functions, and methods of every `EventBus`.

The hooks themselves are plugins of the family `sinks`, loaded when one is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from odibi_core.bus.subscriptions import DictHandler
from odibi_core.plugins import load

__all__ = [
    "BuiltInHooks",
    "create_alert_hook",
    "create_cache_stats_hook",
    "create_log_rotation_hook",
    "create_metrics_export_hook",
    "create_summary_hook",
]


class _Default(float):
    """A default that can be distinguished from the same number given by the caller."""


DEFAULT_MAX_AGE_DAYS: Final = _Default(30)


def create_summary_hook(stream: TextIO | None = None) -> DictHandler:
    """Return a hook that prints the pipeline, its succeeded and failed nodes, and its duration.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.

    Args:
        stream: Output; the current `sys.stdout` by default.
    """
    hook: DictHandler = load("sinks", "summary")(stream)
    return hook


def create_metrics_export_hook(export_dir: str | Path, formats: Sequence[str] | None = None) -> DictHandler:
    """Return a hook that writes the metrics of a run to `export_dir/metrics_<stamp>.<ext>`.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.

    Args:
        export_dir: Folder, created when the first file is written.
        formats: Any of `json prometheus parquet openmetrics report`; None means JSON and Prometheus.

    Raises:
        ConfigurationError: If a format is unknown.
    """
    hook: DictHandler = load("sinks", "metrics_export")(export_dir, formats)
    return hook


def create_log_rotation_hook(
    log_dir: str | Path,
    max_files: int | None = None,
    max_age_days: float | None = DEFAULT_MAX_AGE_DAYS,
    *,
    max_total_mb: float | None = None,
) -> DictHandler:
    """Return a hook that removes old `*.jsonl` files of `log_dir`.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.

    Args:
        log_dir: Folder of the log files.
        max_files: Number of newest files to keep, whatever their age; None for no limit.
        max_age_days: Age limit. The default of 30 applies if `max_files` is not given. If both are given, both
            limits apply. None for no limit.
        max_total_mb: Limit of the files' total size; None for no limit.

    Raises:
        ConfigurationError: If a limit is negative.
    """
    if max_files is not None and max_age_days is DEFAULT_MAX_AGE_DAYS:
        max_age_days = None
    hook: DictHandler = load("sinks", "log_rotation")(log_dir, max_files, max_age_days, max_total_mb=max_total_mb)
    return hook


def create_alert_hook(threshold_failed: int = 1, *, stream: TextIO | None = None) -> DictHandler:
    """Return a hook that prints an alert and emits `alert_raised` if at least `threshold_failed` nodes failed.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.

    Raises:
        ConfigurationError: If the threshold is not a whole number of at least 1.
    """
    hook: DictHandler = load("sinks", "alert")(threshold_failed, stream=stream)
    return hook


def create_cache_stats_hook(stream: TextIO | None = None) -> DictHandler:
    """Return a hook that prints the cache hits, misses and hit rate of the run's metrics manager.

    Registered for `pipeline_complete`, it also handles `pipeline_error`.

    Args:
        stream: Output; the current `sys.stdout` by default.
    """
    hook: DictHandler = load("sinks", "cache_stats")(stream)
    return hook


class BuiltInHooks:
    """The factories as methods: `bus.register_hook("pipeline_complete", bus.create_summary_hook())`."""

    create_summary_hook = staticmethod(create_summary_hook)
    create_metrics_export_hook = staticmethod(create_metrics_export_hook)
    create_log_rotation_hook = staticmethod(create_log_rotation_hook)
    create_alert_hook = staticmethod(create_alert_hook)
    create_cache_stats_hook = staticmethod(create_cache_stats_hook)
