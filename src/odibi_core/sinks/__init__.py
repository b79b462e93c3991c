"""Sinks: receivers of events, and the built-in hooks, each created by a `create_…_hook()`.

A sink is called with one `Event` at a time, in order. The bus logs and counts its exceptions, and disables a sink that
keeps failing. A hook is called with the event as a dict. `close()` is optional. `ConsoleSink` and `TextSink` print
events as lines, and `DatadogSink` receives measurements. Loaded by name:

- `sentry`: sends errors to Sentry
- `summary`, `cache_stats`: hooks that print the result, and the cache hit rate, of a run
- `metrics_export`: hook that writes the metrics of a run to files
- `log_rotation`: hook that removes old log files
- `alert`: hook that emits an alert for failed nodes
"""

from typing import Final

BUILTIN: Final = {
    "summary": "odibi_core.sinks.summary_hook:create_summary_hook",
    "metrics_export": "odibi_core.sinks.metrics_export_hook:create_metrics_export_hook",
    "log_rotation": "odibi_core.sinks.log_rotation_hook:create_log_rotation_hook",
    "alert": "odibi_core.sinks.alert_hook:create_alert_hook",
    "cache_stats": "odibi_core.sinks.cache_stats_hook:create_cache_stats_hook",
    "sentry": "odibi_core.sinks.sentry_sink:SentrySink",
}
"""The family table: one line for each sink, loaded on first use."""
