"""`RecordShipping`: the lines of recorded runs, sent to a system once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from odibi_core.delivery import Outcome, Receiver
from odibi_core.events import Event
from odibi_core.events.kinds import SEVERITY
from odibi_core.log_shipping.live import is_sent
from odibi_core.log_shipping.positions import Position, Positions, files_of
from odibi_core.store.runs import RunStore, start_of
from odibi_core.store.segments import ReadErrors

BATCH: Final = 500
_UNKNOWN: Final = datetime.max.replace(tzinfo=UTC)
"""A run without any time is shipped."""
Send = Callable[[Receiver[Event], list[Event]], Outcome]


@dataclass(slots=True)
class Shipped:
    """The result: `read == sent + refused.total() + unsent`."""

    runs: int = 0
    """Runs that had something to send."""
    read: int = 0
    """Lines that were not sent before."""
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Lines that the system refused for good, by reason."""
    unsent: int = 0
    """Lines that it did not take; the next call sends them."""
    problem: str = ""
    """Why it did not take lines, or refused some: the last reason."""
    unreadable: int = 0
    """Lines of the record that could not be read."""


class RecordShipping:
    """The lines of recorded runs on their way to one system.

    Each batch is sent before its position is saved: a killed process sends the last batch again.

    Args:
        store: The store.
        receiver: The system.
        positions: The events that it has.
        send: Sends a batch, with retries.
        level: The lowest level.
        on_sent: Called with the result after each batch.
    """

    def __init__(
        self,
        store: RunStore,
        receiver: Receiver[Event],
        positions: Positions,
        send: Send,
        *,
        level: str = "info",
        on_sent: Callable[[Shipped], object] = lambda shipped: None,
    ) -> None:
        self._store, self._receiver, self._positions, self._send = store, receiver, positions, send
        self._rank = SEVERITY[level]
        self._on_sent = on_sent
        self.result = Shipped()

    def ship(self, run_ids: Iterable[str]) -> Shipped:
        """Send the runs one after the other; the first batch that is not taken ends it.

        Raises:
            OSError: A position cannot be saved.
        """
        errors = ReadErrors()
        for run_id in run_ids:
            before = self.result.read
            is_taken = self._ship_run(run_id, errors)
            self.result.runs += self.result.read > before
            if not is_taken:
                break
        self.result.unreadable = errors.torn + errors.unreadable
        return self.result

    def _ship_run(self, run_id: str, errors: ReadErrors) -> bool:
        name, files = self._store.folder(run_id).name, files_of(self._store, run_id)
        position = self._positions.of(name)
        if position.files == files:
            return True
        batch: list[Event] = []
        for event in self._store.read(run_id, errors):
            if position.has(event):
                continue
            batch.append(event)
            if len(batch) >= BATCH and not self._ship_batch(name, position, batch):
                return False
            batch = batch if len(batch) < BATCH else []
        is_taken = self._ship_batch(name, position, batch)
        if is_taken:
            position.files = files
            self._positions.save(name, position)
        return is_taken

    def _ship_batch(self, name: str, position: Position, events: list[Event]) -> bool:
        batch = [event for event in events if is_sent(event, self._rank)]
        result = self.result
        if batch:
            result.read += len(batch)
            outcome = self._send(self._receiver, batch)
            result.problem = outcome.detail or result.problem
            if outcome.is_unsent:
                result.unsent += len(batch)
                self._on_sent(result)
                return False
            lost = min(len(batch), outcome.refused)
            result.sent += len(batch) - lost
            if lost:
                result.refused[outcome.reason or "refused"] += lost
        for event in events:
            position.pass_over(event)
        if batch:
            self._positions.save(name, position)
            self._on_sent(result)
        return True


def runs_since(store: RunStore, since: datetime | None) -> list[str]:
    """Return the ids of the runs that recorded something at or after a time, the oldest first."""
    return [run_id for run_id in store.ids() if since is None or _last_of(store, run_id) >= since]


def _last_of(store: RunStore, run_id: str) -> datetime:
    """Return a time not before the last event of a run: of its files, its entry in a batch, or its start."""
    times = [path.stat().st_mtime for path in store.segments(run_id) if path.exists()]
    found = [datetime.fromtimestamp(time, UTC) for time in times]
    entry = store.cold.find(store.folder(run_id).name)
    found += [at for at in (entry[1].ended, entry[1].started) if at is not None] if entry is not None else []
    start = start_of(run_id)
    return max([*found, *([start] if start else [])], default=_UNKNOWN)
