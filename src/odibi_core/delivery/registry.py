"""The deliveries of this process: their counts, and one bounded end for all of them."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from weakref import WeakSet

from odibi_core._state import STATE
from odibi_core.delivery.exit_time import END_WITHIN_S, left_at_exit
from odibi_core.events.clock import monotonic
from odibi_core.process_end import before_child_ends

if TYPE_CHECKING:
    from odibi_core.delivery.delivery import Delivery

OnCount: TypeAlias = Callable[[str, dict[str, str], int], object]
"""Called with a counter (`export_sent`), its labels (`exporter`, `reason`) and the number to add."""


class _Deliveries:
    """The open deliveries of this process, and the receiver of their counts."""

    def __init__(self) -> None:
        self.open: WeakSet[Delivery[Any]] = WeakSet()
        self.on_count: OnCount | None = None


_here: Final = STATE.part(_Deliveries)


def deliveries() -> list[Delivery[Any]]:
    """Return the deliveries of this process, by name."""
    return sorted(_here.open, key=lambda each: each.name)


def register(delivery: Delivery[Any]) -> None:
    """Close a delivery at the end of the process, unless `close_all` was called before."""
    _here.open.add(delivery)
    atexit.unregister(close_all_at_exit)
    atexit.register(close_all_at_exit)


def close_all(timeout: float = END_WITHIN_S) -> bool:
    """Send what waits, and close every delivery, within `timeout` seconds for all together.

    Returns:
        True if nothing was left in memory; what a spool holds is sent by the next process.
    """
    deadline = monotonic() + timeout
    open_ones = deliveries()
    for delivery in open_ones:
        delivery.begin_close(timeout)
    ends = [delivery.close(max(0.0, deadline - monotonic())) for delivery in open_ones]  # each, also after a failed one
    return all(ends)


def close_all_at_exit() -> None:
    """Close every delivery in the time that is left of the end of the program."""
    close_all(left_at_exit())


def report_counts_to(on_count: OnCount | None) -> None:
    """Pass the changes of all counts to a function from now on; None ends it."""
    _here.on_count = on_count


def report(counter: str, labels: dict[str, str], number: int) -> None:
    """Pass on a change of a count. Never raises: the thread of a delivery calls it."""
    if _here.on_count is not None and number:
        with suppress(Exception):
            _here.on_count(counter, labels, number)


before_child_ends(close_all)
