"""A hook that raises an alert when nodes failed."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from odibi_core.errors import ConfigurationError
from odibi_core.events import kinds, sanitize_value


class AlertHook:
    """Hook that prints an alert and emits `alert_raised` if at least `threshold_failed` nodes failed.

    Registered for `pipeline_complete`, it also handles `pipeline_error`. An error of the run itself is always an alert.
    """

    __name__ = "alert"
    also_handles = (kinds.PIPELINE_ERROR,)

    def __init__(self, threshold_failed: int = 1, *, stream: TextIO | None = None) -> None:
        if isinstance(threshold_failed, bool) or not isinstance(threshold_failed, int) or threshold_failed < 1:
            raise ConfigurationError(
                f"threshold_failed must be a number of nodes, at least 1; got {sanitize_value(threshold_failed)!r:.200}"
            )
        self.threshold_failed = threshold_failed
        self._stream = stream
        self._bus: Any = None

    def joined(self, bus: Any) -> None:
        """Keep the bus on which the alert is emitted."""
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


create_alert_hook = AlertHook
