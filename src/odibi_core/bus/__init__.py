"""The event bus: builds, sanitizes and delivers every event, and the subscriptions to it.

`bus` is the bus, `event_builder` makes its events, `subscriptions` has its handlers and their filters, `hooks` delivers
to hooks, `built_in_hooks` has the ready-made ones, `subscriber_group` the sinks of several buses, and `worker_queue` a
bounded queue with threads.
"""

from odibi_core.bus.built_in_hooks import (
    create_alert_hook,
    create_cache_stats_hook,
    create_log_rotation_hook,
    create_metrics_export_hook,
    create_summary_hook,
)
from odibi_core.bus.bus import EventBus, Sink
from odibi_core.bus.subscriber_group import SubscriberGroup
from odibi_core.bus.subscriptions import AutomationHook, EventPriority, RegisteredHook, Subscription, name_of

__all__ = [
    "AutomationHook",
    "EventBus",
    "EventPriority",
    "RegisteredHook",
    "Sink",
    "SubscriberGroup",
    "Subscription",
    "create_alert_hook",
    "create_cache_stats_hook",
    "create_log_rotation_hook",
    "create_metrics_export_hook",
    "create_summary_hook",
    "name_of",
]
