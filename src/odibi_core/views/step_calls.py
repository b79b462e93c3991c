"""The calls of one step that is called many times: each counted once, in bounded memory."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final

from odibi_core.events import Event, kinds
from odibi_core.views.values import count, number, text

_FAILED: Final = (kinds.NODE_FAILED, "node_error")


class StepCalls:
    """The calls of a step, by the number of each call in its process.

    `call_in_run` marks numbers of the whole run: one process may begin such a call and another one end it.
    """

    __slots__ = ("_ended", "_open", "duration_ms", "first_failure", "last_end", "rows", "states")

    def __init__(self) -> None:
        self._open: set[tuple[Any, int]] = set()
        self._ended: dict[Any, _Numbers] = {}
        self.states: Counter[str] = Counter()
        self.duration_ms = 0.0
        self.rows: int | None = 0
        self.first_failure: Event | None = None
        self.last_end: datetime | None = None

    @property
    def total(self) -> int:
        """The number of calls that began."""
        return sum(self.states.values()) + len(self._open)

    @property
    def is_open(self) -> bool:
        """True if a call has not ended."""
        return bool(self._open)

    def begin(self, event: Event, call: int) -> None:
        """Count the start of a call."""
        writer = _writer_of(event)
        if call not in self._ended.setdefault(writer, _Numbers()):
            self._open.add((writer, call))

    def finish(self, event: Event, call: int) -> bool:
        """Count the end of a call; return False if it was counted before."""
        writer = _writer_of(event)
        ended = self._ended.setdefault(writer, _Numbers())
        if call in ended:
            return False
        ended.add(call)
        self._open.discard((writer, call))
        failed = event.event_type in _FAILED
        state = event.status if event.status in ("cancelled", "skipped") else "failed" if failed else "success"
        self.states[state] += 1 + (count(event.fields.get("folded_calls")) or 0)
        self.duration_ms += number(event.duration_ms) or 0.0
        self.last_end = max(self.last_end or event.timestamp, event.timestamp)
        if state == "failed" and self.first_failure is None:
            self.first_failure = event
        rows = None if failed else count(event.row_count)
        if state == "success":
            self.rows = None if rows is None or self.rows is None else self.rows + rows
        return True


def _writer_of(event: Event) -> str | None:
    return None if event.fields.get("call_in_run") else text(event.writer_id)


class _Numbers:
    """A set of numbers that holds nearly all from 1 on."""

    __slots__ = ("_beyond", "_until")

    def __init__(self) -> None:
        self._until = 0
        self._beyond: set[int] = set()

    def __contains__(self, value: int) -> bool:
        return value <= self._until or value in self._beyond

    def add(self, value: int) -> None:
        self._beyond.add(value)
        while self._until + 1 in self._beyond:
            self._until += 1
            self._beyond.remove(self._until)
