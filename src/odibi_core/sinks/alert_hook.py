"""A hook that raises an alert when nodes failed."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from odibi_core.errors import ConfigurationError
from odibi_core.events import kinds, sanitize_value


class AlertHook:
    """Prints an alert and says `alert_raised` on the bus when at least `threshold_failed` nodes failed.

    Registered for `pipeline_complete` it hears `pipeline_error` too, and an error of the run itself is an alert
    however few nodes failed.
    """

    __name__ = "alert"
    hears_also = (kinds.PIPELINE_ERROR,)

    def __init__(self, threshold_failed: int, stream: TextIO | None) -> None:
        if (
            isinstance(threshold_failed, bool)
            or not isinstance(threshold_failed, int)
            or threshold_failed < 1
        ):
            raise ConfigurationError(
                f"threshold_failed is a number of nodes, 1 or more; given was {sanitize_value(threshold_failed)!r:.200}"
            )
        self.threshold_failed = threshold_failed
        self._stream = stream
        self._bus: Any = None

    def joined(self, bus: Any) -> None:
        """Where to say the alert."""
        self._bus = bus

    def __call__(self, event: dict[str, Any]) -> None:
        failed = event.get("failed_count") or 0
        ended_badly = event.get("event_type") == kinds.PIPELINE_ERROR and not failed
        if failed < self.threshold_failed and not ended_badly:
            return
        name = event.get("pipeline_name", "unnamed")
        message = f"ALERT: pipeline {name} failed: {event.get('error_message') or f'{failed} nodes failed'}"
        print(message, file=self._stream or sys.stdout, flush=True)
        if self._bus is not None:
            fields = {"rule": "failed_nodes", "pipeline_name": name, "failed_count": failed}
            fields |= {"threshold": self.threshold_failed, "run_id": event.get("run_id")}
            self._bus.publish(kinds.ALERT_RAISED, message, level="error", fields=fields)


def create_alert_hook(threshold_failed: int = 1, *, stream: TextIO | None = None) -> AlertHook:
    """`bus.register_hook("pipeline_complete", create_alert_hook(threshold_failed=1))`."""
    return AlertHook(threshold_failed, stream)
