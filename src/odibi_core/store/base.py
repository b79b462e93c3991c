"""The shape of a store: a sink that can give back what it took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from odibi_core.events import Event


class Store(Protocol):
    """Takes events, and gives them back in the order in which they were said."""

    def __call__(self, event: Event) -> None:
        """Keep it; when this returns it is kept as surely as the store promises. Never raises."""
        ...

    def read(self) -> Iterator[Event]:
        """Everything kept so far."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...
