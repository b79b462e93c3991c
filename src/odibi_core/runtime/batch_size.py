"""`BatchSize`: how many short items of a mapped step go to a worker in one call."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any, Final

from odibi_core.engines.frame import is_frame
from odibi_core.errors import STOPS

_MOST: Final = 256
_GROWTH: Final = 4
_MOST_BYTES: Final = 1024 * 1024


class BatchSize:
    """Grows while items are short, from one. It is used under the lock of the map, except `learn` and `restart`."""

    def __init__(self) -> None:
        self._size = 1
        self._seconds: float | None = None

    def learn(self, seconds: Sequence[float]) -> None:
        """Take the seconds that items took in a worker."""
        if seconds:
            self._seconds = sum(seconds) / len(seconds)

    def restart(self) -> None:
        """Begin with one item again, because the call of a batch failed."""
        self._size, self._seconds = 1, None

    def next(self, items: Sequence[Any], begun: int, workers: int, batch_s: float) -> int:
        """Return how many items to take next.

        Args:
            items: The items.
            begun: How many of them have begun.
            workers: Tasks that share them; each of them gets two more batches, so that they end together.
            batch_s: Seconds that a batch may take.
        """
        waiting = len(items) - begun
        if self._seconds is None or not waiting or batch_s <= 0:
            return 1
        most = int(batch_s / max(self._seconds, 1e-6))
        size = min(most, self._size * _GROWTH, waiting // (2 * workers), _MOST)
        self._size = max(1, min(size, _MOST_BYTES // _bytes_of(items[begun])) if size > 1 else 1)
        return self._size


def _bytes_of(item: Any) -> int:
    """Return the bytes of an item on its way to a worker; many if it is a frame, or cannot be sent."""
    if is_frame(item):
        return _MOST_BYTES
    try:
        return len(pickle.dumps(item))
    except STOPS:
        raise
    except BaseException:
        return _MOST_BYTES
