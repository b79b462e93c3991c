"""The contract of a store: a sink that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from odibi_core.events import Event


class Store(Protocol):
    """A sink that keeps events, and returns them in the order in which it received them."""

    def __call__(self, event: Event) -> None:
        """Keep an event. Called by the bus, in any thread, one event at a time. Never raises."""
        ...

    def read(self) -> Iterator[Event]:
        """Return the events kept so far. May be called at any time, also after `close`."""
        ...

    def close(self) -> None:
        """Release the files. May be called twice; a later event is dropped and counted, or opens the file again."""
        ...
