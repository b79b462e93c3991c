"""The budget of statistics: the time that they may take of a run."""

from __future__ import annotations

from typing import Final

from odibi_core.events.clock import SYSTEM, Clock

SHARE: Final = 0.02
"""Of the time since the start of the run."""
FLOOR_S: Final = 0.01
"""A run may always spend this much, however short it is."""
_FASTEST: Final = 0.2
_SLOWEST: Final = 20.0


class Budget:
    """The time that a run has spent on statistics, against the time since its start.

    One frame may take a third of what is left, so that later frames, among them the output of the run, have some too.
    """

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self.spent_s = 0.0
        self.pace = 1.0
        """The time that statistics took, in units of the time that was expected."""

    def now_s(self) -> float:
        """Return seconds that never go back."""
        return self._clock.monotonic()

    def allowance_s(self) -> float:
        """Return the time that the next frame may take, 0 if nothing is left."""
        allowed = max(FLOOR_S, SHARE * (self.now_s() - self._began))
        return max(0.0, allowed - self.spent_s) / 3

    def spend(self, took_s: float, expected_s: float = 0.0) -> None:
        """Count the time that statistics took, and learn the pace from it."""
        self.spent_s += took_s
        if expected_s > 0:
            seen = min(2 * self.pace, took_s / expected_s)  # one interruption by the system is no slow machine
            self.pace = min(_SLOWEST, max(_FASTEST, (2 * self.pace + seen) / 3))
