"""`Notices`: one line on stderr when a receiver begins to fail, and one when it takes items again."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import Final

from odibi_core import _fork
from odibi_core.delivery.base import Outcome
from odibi_core.events.clock import monotonic
from odibi_core.events.sanitize import sanitize_text

_EVERY_S: Final = 60.0
_LONGEST_DETAIL: Final = 300


class Notices:
    """The lines about one receiver. Several deliveries to one server share them, so that its failure is one line.

    Args:
        name: Name of the receiver, such as `otlp`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Begin without a failure: at construction, and in a forked child."""
        # Reentrant: a signal handler may close a delivery while its thread holds the lock (deadlock).
        self._lock = threading.RLock()
        self._failing: set[str] = set()
        """The deliveries whose failure has a line."""
        self._shown: set[str] = set()
        """The reasons that have a line."""
        self._dropped: dict[str, int] = {}
        self._due = 0.0

    def note(self, delivery: str, outcome: Outcome, dropped: int) -> str:
        """Write a line if the outcome of a delivery asks for one; return what is wrong, or an empty text.

        Args:
            delivery: Name of the delivery.
            outcome: The result of its last attempt.
            dropped: The items that it dropped so far.
        """
        is_failure = outcome.is_unsent or outcome.refused > 0
        detail = sanitize_text((outcome.detail or outcome.reason)[:_LONGEST_DETAIL]).replace("\n", " ")
        with self._lock:
            self._dropped[delivery] = dropped
            if is_failure and delivery not in self._failing:
                self._fail(delivery, outcome, detail)
            elif not is_failure and delivery in self._failing:
                self._recover(delivery)
        return detail if is_failure else ""

    def _fail(self, delivery: str, outcome: Outcome, detail: str) -> None:
        if outcome.reason in self._shown:
            self._failing.add(delivery)
        elif self._failing or monotonic() >= self._due:
            self._failing.add(delivery)
            self._shown.add(outcome.reason)
            self._due = monotonic() + _EVERY_S
            then = "it is tried again" if outcome.is_unsent else f"{outcome.refused} dropped"
            _write(f"odibi-core: {self.name}: {detail}; {then}\n")

    def _recover(self, delivery: str) -> None:
        self._failing.discard(delivery)
        if not self._failing:
            self._shown.clear()
            _write(f"odibi-core: {self.name} is delivered again; {sum(self._dropped.values())} dropped so far\n")


def _write(line: str) -> None:
    with suppress(Exception):  # stderr may be closed
        sys.stderr.write(line)
