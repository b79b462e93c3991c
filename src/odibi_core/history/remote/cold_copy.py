"""The copy of batches: their manifests, and the Parquet files of those that are read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from odibi_core import private_files
from odibi_core.errors import RemoteStoreError
from odibi_core.events import Event, encode
from odibi_core.events.clock import new_id
from odibi_core.history.remote.late import TAKEN, has_segment, late_lines
from odibi_core.history.remote.objects import FolderObjects, Found, Objects
from odibi_core.history.remote.resolution import Choice, choose
from odibi_core.store.cold import ColdStore
from odibi_core.store.manifest import (
    DamagedError,
    FileEntry,
    Manifest,
    RunEntry,
    SegmentEntry,
    checksum_of,
    encode_manifest,
    read_manifest,
)
from odibi_core.store.segments import all_segments

MANIFESTS: Final = "manifests"
_ORIGINALS: Final = "shared_manifests"
"""The folder of the manifests as they are in the shared store; those of the copy name the segments of the copy."""
_ASIDE: Final = "aside"
"""The folder of batches of which only some runs are taken."""
_AT_ONCE: Final = 8


class ColdCopy:
    """Brings the batches of a local copy in line with those of a shared store."""

    def __init__(self, root: Path, objects: Objects, limit_bytes: float) -> None:
        self.root = root
        self.limit_bytes = limit_bytes
        self.damaged = 0
        self.left_out = 0
        """Runs of batches that are not copied, because the copy would become too large."""
        self.choice = Choice([], [], [])
        self._objects = objects
        self._sources: dict[str, Objects] = {}

    def fetch(self, found: Iterable[Found], local: Path | None = None) -> bool:
        """Fetch the batches of this listing of `manifests/`, and those of a local store.

        Returns:
            True if runs of the copy are in no batch any more: their parts must be listed again.
        """
        names = {_batch_of(each.name) for each in found} - {""}
        known = dict(self._originals(names))
        if local is not None:
            known = {**{each.batch: each for each in self._of(local)}, **known}
        self.choice = choose(known.values())
        kept = list(self._within_limit(self.choice.whole))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            is_there = list(pool.map(self._fetch_files, kept))
        whole = [manifest for manifest, is_copied in zip(kept, is_there, strict=True) if is_copied]
        for manifest in whole:
            self._commit(manifest)
        for manifest, run_ids in self.choice.partly:
            self._take(manifest, run_ids)
        before = set(ColdStore(self.root).runs())
        self._remove_others({manifest.batch for manifest in whole})
        return not before <= self.entries().keys()

    def fetch_known(self, local: Path | None) -> None:
        """Bring the copy in line with the manifests that it knows and a local store, without a connection."""
        known = [Found(f"{MANIFESTS}/{path.name}", 0, 0.0) for path in (self.root / _ORIGINALS).glob("*.json")]
        with suppress(RemoteStoreError):  # a file that was not fetched before
            self.fetch(known, local)

    def entries(self) -> dict[str, tuple[str, RunEntry]]:
        """Return the runs that are read from batches, each with its batch and its entry in the shared store."""
        taken = {(manifest.batch, run_id) for manifest, run_ids in self.choice.partly for run_id in run_ids}
        batches = [*self.choice.whole, *(manifest for manifest, _ in self.choice.partly)]
        whole = {manifest.batch for manifest in self.choice.whole}
        return {
            entry.run_id: (manifest.batch, entry)
            for manifest in batches
            for entry in manifest.runs
            if manifest.batch in whole or (manifest.batch, entry.run_id) in taken
        }

    def _originals(self, names: set[str]) -> Iterator[tuple[str, Manifest]]:
        """Yield the manifests of the shared store; new ones are fetched, and those that are gone are deleted."""
        folder = self.root / _ORIGINALS
        private_files.make_folder(folder)
        for path in folder.glob("*.json"):
            if path.stem not in names:
                path.unlink(missing_ok=True)
        missing = [name for name in names if not (folder / f"{name}.json").exists()]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: self._fetch_manifest(folder, name), missing))
        for name in sorted(names):
            try:
                yield name, read_manifest(folder / f"{name}.json")
                self._sources[name] = self._objects
            except (DamagedError, OSError):
                self.damaged += 1

    def _fetch_manifest(self, folder: Path, name: str) -> None:
        with suppress(FileNotFoundError):  # replaced meanwhile
            private_files.write_atomic(folder / f"{name}.json", self._objects.read(f"{MANIFESTS}/{name}.json"))

    def _of(self, local: Path) -> list[Manifest]:
        manifests = ColdStore(local).manifests()
        self._sources |= {manifest.batch: FolderObjects(local) for manifest in manifests}
        return manifests

    def _within_limit(self, manifests: list[Manifest]) -> Iterator[Manifest]:
        """Yield the newest batches that fit into the copy."""
        left = self.limit_bytes
        for manifest in sorted(manifests, key=lambda each: each.batch, reverse=True):
            left -= sum(file.bytes for file in manifest.files.values())
            if left >= 0:
                yield manifest
            else:
                self.left_out += len(manifest.runs)

    def _fetch_files(self, manifest: Manifest) -> bool:
        """Fetch the files of a batch that are not there; return False if one is damaged, or missing."""
        files = manifest.files.values()
        return all(self._fetch_file(manifest, self.root / file.path, file) for file in files)

    def _fetch_file(self, manifest: Manifest, target: Path, entry: FileEntry) -> bool:
        with suppress(FileNotFoundError):
            if target.stat().st_size == entry.bytes:
                return True
        if not target.resolve().is_relative_to(self.root.resolve()):
            self.damaged += 1
            return False
        private_files.make_folder(target.parent)
        draft = target.with_name(f".{target.name}.{new_id(8)}.tmp")
        try:
            os.close(private_files.create(draft, os.O_WRONLY))
            self._sources[manifest.batch].download(entry.path, draft)
            if checksum_of(draft) == entry.checksum:
                os.replace(draft, target)
                return True
        except FileNotFoundError:  # replaced meanwhile: the next listing does not have the batch
            raise
        finally:
            draft.unlink(missing_ok=True)
        self.damaged += 1
        return False

    def _commit(self, manifest: Manifest) -> None:
        """Write the manifest into the copy: from then on its runs are read from its files, and from no segment."""
        target = self.root / MANIFESTS / f"{manifest.batch}.json"
        if target.exists():
            return
        held = {entry.run_id: all_segments(self._events(entry.run_id)) for entry in manifest.runs}
        unsure = [each.run_id for each in manifest.runs if not all(has_segment(each, one) for one in held[each.run_id])]
        for run_id, events in self._read(manifest, unsure):
            late_lines(held[run_id], events, self._events(run_id))
        runs = [
            replace(entry, segments=[SegmentEntry.of(path) for path in held[entry.run_id]]) for entry in manifest.runs
        ]
        private_files.write_atomic(target, encode_manifest(replace(manifest, runs=runs)))
        for run_id, paths in held.items():
            _delete(paths, self.root / "runs" / run_id)

    def _take(self, manifest: Manifest, run_ids: list[str]) -> None:
        """Write some runs of a batch as segments: its files have runs that are read from another batch."""
        wanted = [run_id for run_id in run_ids if not (self._events(run_id) / TAKEN).exists()]
        for run_id, events in self._read(manifest, wanted):
            taken, paths = list(events), all_segments(self._events(run_id))
            private_files.write_atomic(self._events(run_id) / TAKEN, b"".join(map(encode, taken)))
            late_lines(paths, taken, self._events(run_id))
            _delete(paths, self.root / "runs" / run_id)

    def _read(self, manifest: Manifest, run_ids: list[str]) -> Iterator[tuple[str, Iterator[Event]]]:
        """Yield runs of a batch with their events, before it belongs to the copy."""
        logs = manifest.files.get("logs")
        aside = self.root / _ASIDE / manifest.batch
        if not run_ids or logs is None:
            return
        try:
            if (self.root / logs.path).exists():
                private_files.make_folder((aside / logs.path).parent)
                with suppress(FileExistsError):
                    os.link(self.root / logs.path, aside / logs.path)
            if self._fetch_file(manifest, aside / logs.path, logs):
                private_files.write_atomic(aside / MANIFESTS / f"{manifest.batch}.json", encode_manifest(manifest))
                yield from ColdStore(aside).read_many(run_ids)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _events(self, run_id: str) -> Path:
        return self.root / "runs" / run_id / "events"

    def _remove_others(self, kept: set[str]) -> None:
        """Delete the batches of the copy that are not read any more, the manifest first."""
        for path in (self.root / MANIFESTS).glob("*.json"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)
        for path in self.root.glob("tables/*/*/*.parquet"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)


def _delete(paths: list[Path], folder: Path) -> None:
    """Delete segments, and the folders of their run if nothing else is in them."""
    for path in paths:
        path.unlink(missing_ok=True)
    (folder / "lease").unlink(missing_ok=True)
    for empty in (folder / "events", folder):
        with suppress(OSError):  # not empty, or not there
            empty.rmdir()


def _batch_of(name: str) -> str:
    """Return the batch of the name `manifests/<batch>.json`; an empty text for another name."""
    folder, _, file = name.partition("/")
    is_own = folder == MANIFESTS and file.endswith(".json") and "/" not in file and not file.startswith(".")
    return file.removesuffix(".json") if is_own else ""
