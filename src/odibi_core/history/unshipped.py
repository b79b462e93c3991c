"""The runs of a store that its shared store does not have yet, which may not be pruned."""

from __future__ import annotations

from odibi_core.store.runs import NOTES, RunStore


class Unshipped:
    """A set of the runs that a shared store lacks, by the notes of what was shipped to it.

    Args:
        store: The local store.
        url: The address of the shared store.

    Raises:
        ConfigurationError: The address is none.
    """

    def __init__(self, store: RunStore, url: str) -> None:
        from odibi_core.history.remote.address import read_address
        from odibi_core.history.remote.shipped import ShippedNames

        self._store = store
        self._shipped = ShippedNames(store.root, read_address(url))
        self._names = self._shipped.names

    def notes(self) -> set[str]:
        """Return the names of the files of notes of which the shared store lacks a part."""
        from odibi_core.history.remote.parts import segments_in

        files = segments_in(self._store.root / NOTES, NOTES)
        return {path.name for path, file in files if self._shipped.end_of(file) < path.stat().st_size}

    def __contains__(self, run_id: str) -> bool:
        found = self._store.cold.find(run_id)
        if found is not None:
            return f"manifests/{found[0].batch}.json" not in self._names
        from odibi_core.history.remote.shipment import ended_mark

        return ended_mark(self._store, run_id) not in self._names
