"""The budget of what is measured on data: the time that statistics, or matches of joins, may take of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from odibi_core.events.clock import SYSTEM, Clock, thread_time

SHARE: Final = 0.01
"""Of the time since the start of the run."""
LINEAGE_SHARE: Final = 0.01
"""The share of column lineage by content, which has a budget of its own."""
FLOOR_S: Final = 0.01
"""Seconds that a run may always spend on statistics; with less, fewer causes are named (benchmark: causes)."""
_FASTEST: Final = 0.2
_SLOWEST: Final = 20.0


class Budget:
    """The time that a run has spent on a kind of measurement, against the time since its start.

    Args:
        clock: The clock.
        share: The share of the time since the start; by default `SHARE`.
        floor_s: Seconds that may always be spent, however short the run is; by default `FLOOR_S`.
        parts: One measurement may take this part of what is left, so that later ones have some too, among them that of
            the output of the run.
        busy: The clock of what is spent: the processor time of the thread. A busy machine makes a run longer, but its
            statistics no more expensive.
    """

    def __init__(
        self,
        clock: Clock = SYSTEM,
        *,
        share: float | None = None,
        floor_s: float | None = None,
        parts: int = 3,
        busy: Callable[[], float] = thread_time,
    ) -> None:
        self._clock = clock
        self._busy = busy
        self._began = clock.monotonic()
        self._share = share
        self._floor_s = floor_s
        self._parts = parts
        self.spent_s = 0.0
        self.pace = 1.0
        """The time that measurements took, in units of the time that was expected."""

    def busy_s(self) -> float:
        """Return the seconds that this thread has worked, for differences."""
        return self._busy()

    def allowance_s(self) -> float:
        """Return the time that the next measurement may take, 0 if nothing is left."""
        share = SHARE if self._share is None else self._share
        floor_s = FLOOR_S if self._floor_s is None else self._floor_s
        allowed = max(floor_s, share * (self._clock.monotonic() - self._began))
        return max(0.0, allowed - self.spent_s) / self._parts

    def spend(self, took_s: float, expected_s: float = 0.0) -> None:
        """Count the time that a measurement took, and learn the pace from it."""
        self.spent_s += took_s
        if expected_s > 0:
            seen = min(2 * self.pace, took_s / expected_s)  # one interruption by the system is no slow machine
            self.pace = min(_SLOWEST, max(_FASTEST, (2 * self.pace + seen) / 3))
