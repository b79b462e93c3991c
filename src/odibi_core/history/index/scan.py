"""The hot runs of a store as they are on disk: their names, and whether their segments have grown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from odibi_core.errors import StoreError
from odibi_core.events.clock import utc_now
from odibi_core.store.locks import is_in_use

SETTLED_AFTER_S: Final = 900.0
"""A run that has ended is not looked at any more once nothing was written for so long.

Worker processes may write for some time after the end of their run.
"""


def hot_names(root: Path) -> set[str]:
    """Return the names of the folders of runs."""
    return set(_names(root / "runs"))


def batch_names(root: Path) -> set[str]:
    """Return the names of the manifests; each is written once and never changed."""
    return {name for name in _names(root / "manifests") if name.endswith(".json")}


def _names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        return


class Segments:
    """The segments of one run, as they are at this moment."""

    def __init__(self, root: Path, name: str) -> None:
        sizes: list[tuple[str, int]] = []
        self._paths: list[Path] = []
        self.written = 0.0
        """The time of the last write, in seconds since 1970."""
        try:
            with os.scandir(root / "runs" / name / "events") as entries:
                for entry in entries:
                    if entry.name.endswith(".jsonl"):
                        found = entry.stat()
                        sizes.append((entry.name, found.st_size))
                        self._paths.append(Path(entry.path))
                        self.written = max(self.written, found.st_mtime)
        except OSError:  # the run was moved or deleted in between
            sizes = []
        self.size = sum(size for _, size in sizes)
        self.signature = ",".join(str(size) for _, size in sorted(sizes))
        """The sizes of the segments, which only grow; empty if there is none."""

    @property
    def is_still(self) -> bool:
        """True if nothing was written for some time."""
        return utc_now().timestamp() - self.written > SETTLED_AFTER_S

    @property
    def have_writer(self) -> bool:
        """True if a process has one of them open for writing; False if that is unknown."""
        try:
            return any(is_in_use(path) for path in self._paths)
        except (StoreError, OSError):
            return False
