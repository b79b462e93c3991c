"""`Source`: the store that the server reads, and its index, brought up to date at most once a second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from odibi_core.errors import STOPS, first_line
from odibi_core.events.clock import monotonic
from odibi_core.history.index import Index
from odibi_core.store.segments import safe_name

if TYPE_CHECKING:
    from odibi_core.store.runs import RunStore

Report = Callable[[str], object]
"""Takes a sentence about what is missing."""

_log = logging.getLogger("odibi_core")
QUERIES: Final = 2
"""Processes of SQL at the same time: each may have 2 GB of memory."""
_FRESH_S: Final = 1.0
"""Seconds for which an index counts as up to date."""


class Source:
    """The store of a server, for all its threads.

    Reading never writes into a run. A shared store is synchronized by a thread of its own, so that no request waits
    for the network.

    Args:
        store: The store; of a shared store the local copy.
        synchronize: Brings the copy of a shared store up to date, and reports each reason why it is not complete; None
            for a store of this machine.
        every_s: Seconds between two synchronizations.
    """

    def __init__(
        self, store: RunStore, synchronize: Callable[[Report], RunStore] | None = None, every_s: float = 10.0
    ) -> None:
        self._store = store
        self._every_s = every_s
        self._stop = threading.Event()
        self.query_slots = threading.BoundedSemaphore(QUERIES)
        self._refreshing = threading.Lock()
        self._refreshed: float | None = None
        self._unread: list[str] = []
        self._not_here: list[str] = []
        if synchronize is not None:
            threading.Thread(target=self._work, args=(synchronize,), name="odibi-serve-sync", daemon=True).start()

    @property
    def store(self) -> RunStore:
        """The store as it was last opened."""
        return self._store

    @property
    def problems(self) -> list[str]:
        """Sentences about what could not be read, or is not here yet."""
        return [*self._not_here, *self._unread]

    def find(self, wanted: str) -> str:
        """Return the id of a run, as `RunStore.find` takes it; an id is found without a list of all runs.

        Raises:
            RunNotFoundError: There is none.
        """
        store, name = self._store, safe_name(wanted, 120)
        is_id = name == wanted and ((store.folder(name) / "events").is_dir() or store.cold.find(name) is not None)
        return wanted if is_id else store.find(wanted)

    @contextmanager
    def index(self) -> Iterator[Index]:
        """Open the index of the store, not older than a second; a request never waits for more than one refresh."""
        with Index(self._store.root) as index:
            self._refresh(index)
            yield index

    def close(self) -> None:
        """End the thread that synchronizes."""
        self._stop.set()

    def _refresh(self, index: Index) -> None:
        with self._refreshing:
            if self._refreshed is not None and monotonic() - self._refreshed < _FRESH_S:
                return
            index.refresh()
            self._refreshed = monotonic()
            self._unread = [*index.problems, *self._store.cold.problems]

    def _work(self, synchronize: Callable[[Report], RunStore]) -> None:
        while not self._stop.wait(self._every_s):
            found: list[str] = []
            try:
                self._store = synchronize(found.append)
            except STOPS:
                raise
            except Exception as error:  # the copy of before is served
                _log.warning("the shared store could not be synchronized", exc_info=True)
                found.append(f"the shared store could not be synchronized: {first_line(error)}")
            self._not_here = found
