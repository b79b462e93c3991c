"""The import path `odibi_core.event_bus`: the event bus and its hooks, which are in `bus`."""

from odibi_core.bus import (
    AutomationHook,
    EventBus,
    EventPriority,
    RegisteredHook,
    create_alert_hook,
    create_cache_stats_hook,
    create_log_rotation_hook,
    create_metrics_export_hook,
    create_summary_hook,
)

__all__ = [
    "AutomationHook",
    "EventBus",
    "EventPriority",
    "RegisteredHook",
    "create_alert_hook",
    "create_cache_stats_hook",
    "create_log_rotation_hook",
    "create_metrics_export_hook",
    "create_summary_hook",
]
