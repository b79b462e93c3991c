"""The seconds that deliveries and reports may wait at the end of the program, together."""

from __future__ import annotations

from typing import Final

from odibi_core._state import STATE
from odibi_core.events.clock import monotonic

END_WITHIN_S: Final = 1.3
"""Of the two seconds that receivers without an answer may cost, the rest loads exporters and ends the interpreter."""


class _Exit:
    """The end of this process; None before it."""

    def __init__(self) -> None:
        self.by: float | None = None


_exit: Final = STATE.part(_Exit)


def left_at_exit() -> float:
    """Return the seconds that are left at the exit of the program, which begins with the first call.

    Without a common bound, each receiver that is down would add its own.
    """
    if _exit.by is None:
        _exit.by = monotonic() + END_WITHIN_S
    return max(0.0, _exit.by - monotonic())
