"""Telling: what takes events or answers outside. The built-in hooks are here, each made by a `create_…_hook()`.

summary          prints how a run went             metrics_export   writes the metrics of a run to files
log_rotation     removes old log files             alert            raises an alert when nodes failed
cache_stats      prints how often the cache hit    console          prints events as they come, for people
text             writes every event as a line of text, or of JSON
sentry           sends errors to Sentry
"""

from typing import Final

BUILTIN: Final = {
    "summary": "odibi_core.sinks.summary_hook:create_summary_hook",
    "metrics_export": "odibi_core.sinks.metrics_export_hook:create_metrics_export_hook",
    "log_rotation": "odibi_core.sinks.log_rotation_hook:create_log_rotation_hook",
    "alert": "odibi_core.sinks.alert_hook:create_alert_hook",
    "cache_stats": "odibi_core.sinks.cache_stats_hook:create_cache_stats_hook",
    "console": "odibi_core.sinks.console:ConsoleSink",
    "text": "odibi_core.sinks.text:TextSink",
    "sentry": "odibi_core.sinks.sentry_sink:SentrySink",
}
"""The family table: one line a sink, loaded when first asked for."""
