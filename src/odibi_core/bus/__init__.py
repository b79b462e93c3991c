"""The event bus: builds, sanitizes and delivers every event, and the subscriptions to it.

`bus` is the bus, `hooks` the registered handlers, `built_in_hooks` the ready-made ones, `worker_queue` a bounded queue
with threads for slow handlers.
"""

from odibi_core.bus.built_in_hooks import (
    create_alert_hook,
    create_cache_stats_hook,
    create_log_rotation_hook,
    create_metrics_export_hook,
    create_summary_hook,
)
from odibi_core.bus.bus import EventBus, Sink
from odibi_core.bus.hooks import AutomationHook, EventPriority, RegisteredHook

__all__ = [
    "AutomationHook",
    "EventBus",
    "EventPriority",
    "RegisteredHook",
    "Sink",
    "create_alert_hook",
    "create_cache_stats_hook",
    "create_log_rotation_hook",
    "create_metrics_export_hook",
    "create_summary_hook",
]
