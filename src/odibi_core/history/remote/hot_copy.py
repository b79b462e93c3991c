"""The copy of hot segments: parts become lines of local segments again."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.history.remote.objects import Found, Objects
from odibi_core.history.remote.parts import HOT, Part, next_part, path_of, read_part_name, unpack

_AT_ONCE: Final = 16
"""Objects that are fetched at the same time."""

Parts = list[tuple[str, Part]]


class HotCopy:
    """Appends the parts of a shared store to the segments of a local copy.

    The size of a local segment is the position up to which it was copied, so that a copy may be interrupted anywhere.
    """

    def __init__(self, root: Path, objects: Objects, lost_after_s: float) -> None:
        self.root = root
        self.objects = objects
        self.lost_after_s = lost_after_s
        self.damaged = 0
        self.incomplete = 0

    def fetch(self, found: Iterable[Found]) -> None:
        """Fetch what is new among these objects."""
        segments: dict[str, Parts] = defaultdict(list)
        alive: dict[str, float] = {}
        sources: list[str] = []
        for each in found:
            part = read_part_name(each.name)
            if part is not None:
                segments[part.file].append((each.name, part))
            area, run_id = _area_of(each.name)
            if area == "runs":
                alive[run_id] = max(each.modified, alive.get(run_id, 0.0))
            elif area == "sources" and not self._source(each.name).exists():
                sources.append(each.name)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._fetch_source, sources))
            list(pool.map(lambda each: self._fetch_segment(*each), segments.items()))
        for run_id, moment in alive.items():
            self._set_lease(run_id, moment)

    def _fetch_segment(self, file: str, parts: Parts) -> None:
        path = path_of(self.root, file)
        size = path.stat().st_size if path.exists() else 0
        while (following := next_part(parts, size)) is not None:
            name, part = following
            try:
                lines = unpack(self.objects.read(name), part.end - part.start)
            except ValueError:
                self.damaged += 1
                parts.remove(following)
                continue
            except FileNotFoundError:  # compacted meanwhile: a batch has it
                parts.remove(following)
                continue
            self._append(path, lines[size - part.start :])
            size = part.end
        if any(part.end > size for _, part in parts):
            self.incomplete += 1

    def _append(self, path: Path, lines: bytes) -> None:
        if not path.exists():
            private_files.make_folder(path.parent)
            with suppress(FileExistsError):
                os.close(private_files.create(path, os.O_WRONLY))
        with suppress(FileNotFoundError):  # the run was marked here as lost, and is not
            (path.parent / "lost.jsonl").unlink()
        with path.open("ab") as segment:
            segment.write(lines)

    def _source(self, name: str) -> Path:
        return self.root / Path(*name.split("/")[2:])

    def _fetch_source(self, name: str) -> None:
        with suppress(FileNotFoundError):
            private_files.write_atomic(self._source(name), self.objects.read(name))

    def _set_lease(self, run_id: str, moment: float) -> None:
        """Note until when a run counts as alive without a new sign of life: the time of the file `lease`."""
        folder = self.root / "runs" / run_id
        if folder.is_dir():
            lease = folder / "lease"
            with suppress(FileExistsError):
                os.close(private_files.create(lease, os.O_WRONLY))
            os.utime(lease, (moment + self.lost_after_s,) * 2)


def _area_of(name: str) -> tuple[str, str]:
    """Return the area and the run of an object's name; two empty texts for a foreign name."""
    parts = name.split("/")
    if len(parts) != 5 or parts[0] != HOT or any(part.startswith(".") for part in parts):
        return "", ""
    return parts[2], parts[3]
