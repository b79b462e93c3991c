"""`Positions`: which events of each run a system has, saved in the store."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.events import Event
from odibi_core.store.runs import RunStore

FOLDER: Final = "shipped"


class Position(msgspec.Struct):
    """The last event of each writer of a run that was taken, and the state of the run's files when all were."""

    writers: dict[str, int] = {}
    files: str = ""
    """Empty while not all events of these files were taken."""

    def has(self, event: Event) -> bool:
        """Return whether an event was taken."""
        return event.seq <= self.writers.get(event.writer_id, -1)

    def pass_over(self, event: Event) -> None:
        """Count an event as taken."""
        self.writers[event.writer_id] = max(event.seq, self.writers.get(event.writer_id, -1))


class Positions:
    """The positions of one system in one store; each run has a small file, which is replaced in one step.

    Args:
        root: The folder of the store.
        target: The name of the system.
        address: Its address: another one begins anew.
    """

    def __init__(self, root: Path, target: str, address: str) -> None:
        self._folder = root / FOLDER / f"{target}-{zlib.crc32(address.encode()):08x}"

    def of(self, run: str) -> Position:
        """Return the position in a run, by the name of its folder; a damaged file is the beginning of the run."""
        try:
            return msgspec.json.decode(self._path(run).read_bytes(), type=Position)
        except (OSError, msgspec.DecodeError):
            return Position()

    def save(self, run: str, position: Position) -> None:
        """Save a position. Raises `OSError`."""
        private_files.write_atomic(self._path(run), msgspec.json.encode(position))

    def forget(self) -> None:
        """Begin anew with every run."""
        for path in self._folder.glob("*.json"):
            path.unlink(missing_ok=True)

    def _path(self, run: str) -> Path:
        return self._folder / f"{run}.json"


def files_of(store: RunStore, run_id: str) -> str:
    """Return a text that changes when the run gets another event: its segments and their sizes."""
    parts = [f"{path.name}:{path.stat().st_size}" for path in store.segments(run_id) if path.exists()]
    entry = store.cold.find(store.folder(run_id).name)
    return ",".join([*parts, *(["compacted"] if entry is not None else [])])
