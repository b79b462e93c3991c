"""A store in memory: for tests, and for a view of the latest events."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from odibi_core.events import Event


class Memory:
    """The last `bound` events."""

    def __init__(self, bound: int = 100_000) -> None:
        self._events: deque[Event] = deque(maxlen=bound)
        self.accepted = 0

    def __call__(self, event: Event) -> None:
        self._events.append(event)
        self.accepted += 1

    @property
    def dropped(self) -> int:
        """The number of events that were removed to make room for later ones."""
        return self.accepted - len(self._events)

    def read(self) -> Iterator[Event]:
        """Return the events that are still kept, in the order in which they came."""
        return iter(list(self._events))

    def close(self) -> None:
        """Do nothing: the kept events stay readable."""
