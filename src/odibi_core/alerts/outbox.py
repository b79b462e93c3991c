"""The outbox: notifications on their way to the receivers of their routes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from odibi_core.alerts.notifying import Notification
from odibi_core.alerts.rulebook import Rulebook


def send(root: Path, book: Rulebook, notifications: Sequence[Notification]) -> None:
    """Hand notifications to the deliveries of their routes."""
