"""A shipment: the parts, sources, notes and batches of a local store that its shared store lacks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from odibi_core.errors import RemoteStoreError
from odibi_core.events import kinds
from odibi_core.events.clock import host_name, utc_now
from odibi_core.history.remote.objects import Objects
from odibi_core.history.remote.parts import HOT, Part, day_of, new_parts, pack, part_name, segments_in
from odibi_core.history.remote.shipped import ShippedNames
from odibi_core.history.remote.spool import spooled
from odibi_core.store.manifest import Manifest
from odibi_core.store.runs import RunStore, is_alive
from odibi_core.views.values import count, number

_HEAD: Final = 20
"""Events at the start of a run among which is the one that names its process."""


class Shipment:
    """Ships one store, without a lock: any number of processes may ship the same store at once.

    An object is noted after it is written. A shipper that is killed between the two ships the object again.
    """

    def __init__(self, root: Path, objects: Objects, notes: ShippedNames) -> None:
        self.store = RunStore(root)
        self.objects = objects
        self.notes = notes
        self.shipped = 0
        """Objects."""
        self.bytes = 0

    def all(self, running: Iterable[str] = (), ended: Iterable[str] = ()) -> None:
        """Ship everything that is left in the store.

        Args:
            running: Runs of this process. Of those and of other living processes only whole lines are shipped.
            ended: Runs of this process that have ended.

        Raises:
            RemoteStoreError: The shared store cannot be reached; the rest stays for the next shipment.
        """
        self.sources()
        self.batches()
        running, ended = set(running), set(ended)
        hot = self._hot()
        for run_id in sorted(hot, key=lambda run_id: run_id not in ended):  # those that just ended come first
            if self._mark(run_id) not in self.notes.names:
                self.run(run_id, is_over=run_id in ended or (run_id not in running and self._is_over(run_id)))
        self.log()
        self.spooled()
        self.notes.trim(hot)

    def run(self, run_id: str, *, is_over: bool = False) -> int:
        """Ship the new lines of a run; return the number of parts."""
        folder, mark = self.store.folder(run_id), self._mark(run_id)
        number = self._segments(folder / "events", f"runs/{folder.name}", is_over=is_over)
        if is_over:
            self.notes.add(mark)
        return number

    def renew(self, run_id: str) -> None:
        """Write the sign of life of a run that has recorded nothing new."""
        folder = self.store.folder(run_id).name
        self.objects.write(f"{HOT}/{day_of(utc_now())}/runs/{folder}/alive", b"")

    def log(self) -> None:
        """Ship the notes: acknowledged and muted alerts."""
        self._segments(self.store.root / "notes", "notes", is_over=False)

    def spooled(self) -> None:
        """Ship the files that wait beside the record."""
        for note, files in spooled(self.store.root):
            for name, path in files.items():
                self.objects.upload(name, path)
                self.shipped += 1
                self.bytes += path.stat().st_size
            note.unlink(missing_ok=True)

    def sources(self) -> None:
        """Ship the sources of functions and queries, which have their content's hash for a name."""
        for path in sorted(self.store.root.glob("sources/*/*.txt")):
            name = f"sources/{path.parent.name}/{path.name}"
            if name not in self.notes.names:
                self._upload(f"{HOT}/{day_of(utc_now())}/{name}", path.read_bytes(), name)

    def batches(self) -> None:
        """Ship the batches of compacted runs, each manifest after its files; then remove what they replace."""
        for manifest in self.store.cold.manifests():
            name = f"manifests/{manifest.batch}.json"
            if name in self.notes.names:
                continue
            try:
                content = (self.store.root / name).read_bytes()
                for file in manifest.files.values():
                    self._upload_file(file.path)
            except FileNotFoundError:  # merged meanwhile: the new batch is shipped the next time
                continue
            self.objects.write(name, content)
            self._remove_replaced(manifest)
            self.notes.add(name)
            self.shipped += 1
            self.bytes += len(content)

    def _upload_file(self, path: str) -> None:
        if path in self.notes.names:
            return
        self.objects.upload(path, self.store.root / path)
        self.notes.add(path)
        self.shipped += 1
        self.bytes += (self.store.root / path).stat().st_size

    def _remove_replaced(self, manifest: Manifest) -> None:
        """Remove objects of this store that a batch makes needless: parts of its runs, and batches that it merged."""
        parts = [name for entry in manifest.runs for name in self.notes.parts_of(entry.run_id)]
        merged = {f"{batch}{end}" for batch in manifest.replaces for end in (".json", ".parquet")}
        files = [name for name in self.notes.names if name.rpartition("/")[2] in merged]
        with suppress(RemoteStoreError):  # without the permission: readers leave them out
            self.objects.remove([*sorted(files), *parts])  # `manifests/` sorts before `tables/`
        self.notes.forget(parts)

    def _segments(self, folder: Path, area: str, *, is_over: bool) -> int:
        before = self.shipped
        for path, file in segments_in(folder, area):
            for part, lines in self._left_of(path, file, is_over):
                self._upload(part_name(day_of(utc_now()), part), pack(lines))
        return self.shipped - before

    def _left_of(self, path: Path, file: str, is_over: bool) -> Iterator[tuple[Part, bytes]]:
        try:
            yield from new_parts(path, file, self.notes.end_of(file), is_over=is_over)
        except FileNotFoundError:  # compacted meanwhile: its batch is shipped
            return

    def _upload(self, name: str, content: bytes, noted: str = "") -> None:
        self.objects.write(name, content)
        self.notes.add(noted or name)
        self.shipped += 1
        self.bytes += len(content)

    def _hot(self) -> list[str]:
        """Return the names of the folders of runs with segments."""
        try:
            with os.scandir(self.store.root / "runs") as entries:
                return [entry.name for entry in entries if os.path.isdir(os.path.join(entry.path, "events"))]
        except OSError:
            return []

    def _mark(self, run_id: str) -> str:
        return ended_mark(self.store, run_id)

    def _is_over(self, run_id: str) -> bool:
        """Return true for a run of this host whose process is gone, after marking it as lost if it did not end."""
        for event in islice(self.store.read(run_id), _HEAD):
            if event.event_type == kinds.PIPELINE_START:
                pid, began = count(event.fields.get("pid")), number(event.fields.get("process_start"))
                if event.fields.get("host") != host_name() or (pid is not None and is_alive(pid, began)):
                    return False
                self.store.detect_lost(run_id)
                return True
        return False


def ended_mark(store: RunStore, run_id: str) -> str:
    """Return the note that a run of this size has ended and was shipped to its end; a late event changes it."""
    segments = store.segments(run_id)
    return f"over/{run_id}/{sum(path.stat().st_size for path in segments if path.exists())}"
