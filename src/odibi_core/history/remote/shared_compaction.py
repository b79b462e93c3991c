"""Compaction of a shared store: runs of hosts that are gone, and small batches, become large batches.

Any host may do it, also two at once: each writes batches of its own names, and readers decide alike which one counts.
The steps are those of a local compaction, in a copy, and then:

    1. note the batch as begun            `pending.json` of the copy
    2. upload its Parquet files
    3. upload its manifest                the batch exists from here on
    4. remove the parts and batches that it has
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from odibi_core import private_files
from odibi_core.errors import StoreError
from odibi_core.history.compaction import CompactionReport, Options, compact
from odibi_core.history.remote.address import Address
from odibi_core.history.remote.cold_copy import MANIFESTS
from odibi_core.history.remote.hot_copy import run_of
from odibi_core.history.remote.mirror import Fetch, locked, mirror_folder, read_state, write_state
from odibi_core.history.remote.objects import Objects, open_objects
from odibi_core.settings.sections import Store as StoreSettings
from odibi_core.store.manifest import Manifest, encode_manifest, read_manifest
from odibi_core.store.runs import RunStore

ADOPT_AFTER_S: Final = 7 * 86_400.0
"""A run whose host shipped nothing for so long is compacted here; until then its own host may do it."""
_PENDING: Final = "pending.json"


class SharedReport(msgspec.Struct, frozen=True):
    """The result of the compaction of a shared store."""

    compaction: CompactionReport
    uploaded: int = 0
    """Batches."""
    removed: int = 0
    """Objects."""


def compact_shared(
    address: Address,
    settings: StoreSettings | None = None,
    options: Options | None = None,
    *,
    adopt_after_s: float = ADOPT_AFTER_S,
) -> SharedReport:
    """Compact a shared store, through a copy of its own in the cache.

    Raises:
        RemoteStoreError: The shared store cannot be reached. A batch that was begun is removed the next time.
        StoreError: The copy cannot be written, or another process of this machine compacts the shared store.
    """
    settings = settings or StoreSettings()
    root = mirror_folder(address, settings, "-compact")
    with locked(root) as is_mine:
        if not is_mine:
            raise StoreError(f"another process of this machine compacts {address}; wait for it")
        return _Compaction(root, open_objects(address), address, settings).run(options, adopt_after_s)


class _Compaction:
    """A compaction in the copy at `root`, whose lock is held."""

    def __init__(self, root: Path, objects: Objects, address: Address, settings: StoreSettings) -> None:
        self.root = root
        self.objects = objects
        self.state = read_state(root, address)
        self.settings = settings
        self.store = RunStore(root)
        self._names: set[str] = set()
        """The batches of the shared store."""

    def run(self, options: Options | None, adopt_after_s: float) -> SharedReport:
        """Bring the copy up to date, compact it, upload the new batches, and remove the needless objects."""
        self._names = {Path(each.name).stem for each in self.objects.find(MANIFESTS)}
        self._undo_pending()
        self.state.listing.forget()  # parts of all days may be needless
        fetch = Fetch(self.root, self.objects, self.state, self.settings, adopt_after_s)
        fetch.run(None)
        write_state(self.root, self.state)
        self._names = {Path(each.name).stem for each in self.objects.find(MANIFESTS)}
        report = compact(self.store, options or Options(grace_s=0.0))
        new = [each for each in self.store.cold.manifests() if each.batch not in self._names]
        if new:
            new[-1] = self._replacing(new[-1], [each for each, _ in fetch.cold.choice.partly])
        for manifest in new:
            self._upload(manifest)
        return SharedReport(report, len(new), self._remove(fetch))

    def _undo_pending(self) -> None:
        """Remove the files of a batch that was begun and has no manifest."""
        with suppress(FileNotFoundError, StoreError):
            manifest = read_manifest(self.root / _PENDING)
            if manifest.batch not in self._names:
                self.objects.remove([file.path for file in manifest.files.values()])
            (self.root / _PENDING).unlink()

    def _replacing(self, manifest: Manifest, others: list[Manifest]) -> Manifest:
        """Add the batches that two compactors made at once, if all of their runs are in others now."""
        runs = self.store.cold.runs()
        done = [each.batch for each in others if all(entry.run_id in runs for entry in each.runs)]
        changed = replace(manifest, replaces=sorted({*manifest.replaces, *done}))
        private_files.write_atomic(self.root / MANIFESTS / f"{manifest.batch}.json", encode_manifest(changed))
        return changed

    def _upload(self, manifest: Manifest) -> None:
        content = encode_manifest(manifest)
        private_files.write_atomic(self.root / _PENDING, content)
        for file in manifest.files.values():
            self.objects.upload(file.path, self.root / file.path)
        self.objects.write(f"{MANIFESTS}/{manifest.batch}.json", content)
        (self.root / _PENDING).unlink(missing_ok=True)

    def _remove(self, fetch: Fetch) -> int:
        """Remove needless batches, the manifest first, and the parts of runs that are in a batch."""
        choice = fetch.cold.choice
        replaced = {name for each in self.store.cold.manifests() for name in each.replaces}
        known = [*choice.whole, *(each for each, _ in choice.partly)]
        needless = [each for each in known if each.batch in replaced] + choice.needless
        names = [f"{MANIFESTS}/{each.batch}.json" for each in needless]
        names += [file.path for each in needless for file in each.files.values()]
        done = {run_id for run_id in self.store.cold.runs() if not self.store.segments(run_id)}
        names += [each.name for each in fetch.found if run_of(each.name) in done]
        self.objects.remove(names)
        return len(names)
