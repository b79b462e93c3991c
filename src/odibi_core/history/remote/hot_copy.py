"""The copy of hot segments: parts become lines of local segments again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.history.remote.late import has_bytes, write_late
from odibi_core.history.remote.leases import open_segment, set_lease
from odibi_core.history.remote.objects import Found, Objects
from odibi_core.history.remote.parts import HOT, Part, next_part, path_of, read_part_name, unpack
from odibi_core.store.manifest import RunEntry
from odibi_core.store.runs import RunStore

_AT_ONCE: Final = 16
"""Objects that are fetched at the same time."""

Parts = list[tuple[str, Part]]


class HotCopy:
    """Appends the parts of a shared store to the segments of a local copy.

    The size of a local segment is the position up to which it was copied, so that a copy may be interrupted anywhere.
    """

    def __init__(
        self, root: Path, objects: Objects, lost_after_s: float, cold: Mapping[str, tuple[str, RunEntry]] | None = None
    ) -> None:
        self.root = root
        self.objects = objects
        self.lost_after_s = lost_after_s
        self.cold = cold or {}
        """The runs that are read from batches."""
        self.damaged = 0
        self.incomplete = 0
        self.changed: set[str] = set()
        """Runs of the copy that got further lines."""

    def fetch(self, found: Iterable[Found], checked: dict[str, str] | None = None) -> None:
        """Fetch what is new among these objects.

        Args:
            found: The objects.
            checked: Parts of runs in batches that were compared with the batch, each with its batch; it is updated.
        """
        segments: dict[str, Parts] = defaultdict(list)
        late: dict[str, Parts] = defaultdict(list)
        checked = {} if checked is None else checked
        alive: dict[str, float] = {}
        sources: list[str] = []
        for each in found:
            part = read_part_name(each.name)
            if part is not None and (run_id := _run_of(part.file)) not in self.cold:
                segments[part.file].append((each.name, part))
            elif part is not None and self._may_be_late(part, checked.get(each.name)):
                late[run_id].append((each.name, part))
            area, run_id = _area_of(each.name)
            if area == "runs":
                alive[run_id] = max(each.modified, alive.get(run_id, 0.0))
            elif area == "sources" and not self._source(each.name).exists():
                sources.append(each.name)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._fetch_source, sources))
            list(pool.map(lambda each: self._fetch_segment(*each), segments.items()))
        for run_id, parts in late.items():
            self._fetch_late(run_id, parts, checked)
        for run_id, moment in alive.items():
            set_lease(self.root / "runs" / run_id, moment + self.lost_after_s)

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

    def _may_be_late(self, part: Part, checked: str | None) -> bool:
        """Return true if a part of a run in a batch may have events that the batch lacks."""
        batch, entry = self.cold[_run_of(part.file)]
        return checked != batch and not has_bytes(entry, part.file.rpartition("/")[2], part.end)

    def _fetch_late(self, run_id: str, parts: Parts, checked: dict[str, str]) -> None:
        """Compare parts with the events of their run, and add the lines that it lacks."""
        lines: list[bytes] = []
        for name, part in parts:
            try:
                lines += unpack(self.objects.read(name), part.end - part.start).split(b"\n")
            except ValueError:
                self.damaged += 1
            except FileNotFoundError:  # its host removed it: the batch has it
                pass
            checked[name] = self.cold[run_id][0]
        self.changed.add(run_id)
        write_late(dict.fromkeys(lines), RunStore(self.root).read(run_id), self.root / "runs" / run_id / "events")

    def _append(self, path: Path, lines: bytes) -> None:
        if path.parent.is_dir() and path.parent.parent.parent.name == "runs":
            self.changed.add(path.parent.parent.name)
        with open_segment(path) as segment:
            segment.write(lines)

    def _source(self, name: str) -> Path:
        return self.root / Path(*name.split("/")[2:])

    def _fetch_source(self, name: str) -> None:
        with suppress(FileNotFoundError):
            private_files.write_atomic(self._source(name), self.objects.read(name))


def silent(found: Iterable[Found], since: float) -> list[Found]:
    """Return the objects of runs of which nothing is newer than `since`, in seconds since the epoch."""
    newest: dict[str, float] = defaultdict(float)
    kept = []
    for each in found:
        area, run_id = _area_of(each.name)
        if area == "runs":
            newest[run_id] = max(newest[run_id], each.modified)
            kept.append((run_id, each))
    return [each for run_id, each in kept if newest[run_id] <= since]


def _run_of(file: str) -> str:
    """Return the run of a segment; an empty text for notes."""
    area, _, rest = file.partition("/")
    return rest.partition("/")[0] if area == "runs" else ""


def run_of(name: str) -> str:
    """Return the run of an object's name; an empty text for another object."""
    area, run_id = _area_of(name)
    return run_id if area == "runs" else ""


def _area_of(name: str) -> tuple[str, str]:
    """Return the area and the run of an object's name; two empty texts for a foreign name."""
    parts = name.split("/")
    if len(parts) != 5 or parts[0] != HOT or any(part.startswith(".") for part in parts):
        return "", ""
    return parts[2], parts[3]
