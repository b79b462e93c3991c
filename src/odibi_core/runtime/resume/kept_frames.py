"""Kept frames: the datasets that a run leaves in `<root>/runs/<id>/frames/`, as they are, and how they are read back.

They are not redacted, so a frame with a column whose name is secret or personal by the rules is not kept. They stay on
this machine: a shared store does not get them, and they are deleted with their run.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import row_count
from odibi_core.engines.frame_size import column_names, estimated_bytes
from odibi_core.engines.packing import NotPackableError, pack, unpack
from odibi_core.errors import STOPS, EngineError, StoreError
from odibi_core.events import Event, kinds
from odibi_core.redaction import is_secret_name
from odibi_core.redaction.redactor import is_plain_name
from odibi_core.settings.sections import Keep
from odibi_core.store.segments import safe_name
from odibi_core.views.values import records
from odibi_core.views.wording import plural, size

FOLDER: Final = "frames"
_MB: Final = 1 << 20
_IN_ONE_EVENT: Final = 100
"""Entries: a field has room for 64 kB."""


class KeptFrame(msgspec.Struct, frozen=True):
    """An entry of the event `frames_kept`: where a dataset is, or the reason why it was not kept."""

    dataset: str
    file: str | None = None
    """The name of its file in the folder."""
    bytes: int | None = None
    rows: int | None = None
    checksum: str | None = None
    is_unchanged: bool | None = None
    """True if it is as it was made; False if a step changed it in place since, None if that is unknown."""
    reason: str | None = None


class FrameKeeper:
    """Keeps datasets of one run, within the limits of the settings."""

    def __init__(self, folder: Path, settings: Keep) -> None:
        self.folder = folder / FOLDER
        self._most = int(settings.max_mb * _MB)
        self._left = self._most
        self._total = int(settings.total_mb * _MB)
        self.entries: dict[str, KeptFrame] = {}

    def has_room(self, taken: int) -> bool:
        """Return whether so many bytes may be kept besides what was kept."""
        return taken <= self._left

    def keep(self, key: str, frame: Any, *, is_unchanged: bool | None) -> KeptFrame:
        """Keep a dataset, unless it was kept before or must not be; return its entry. Raises only requests to stop."""
        known = self.entries.get(key)
        if known is None or (known.file is None and known.reason is None):
            known = self.entries[key] = self._kept(key, frame, is_unchanged)
        return known

    def refuse(self, key: str, reason: str) -> None:
        """Note that a dataset is not kept."""
        self.entries.setdefault(key, KeptFrame(key, reason=reason))

    def _kept(self, key: str, frame: Any, is_unchanged: bool | None) -> KeptFrame:
        rows = row_count(frame)
        reason = _refusal(frame)
        if reason is None and not self.has_room(estimated_bytes(frame) or 0):
            reason = f"it takes about {size(estimated_bytes(frame) or 0)}, and {self._limit()}"
        if reason is not None:
            return KeptFrame(key, rows=rows, reason=reason)
        path = self.folder / f"{len(self.entries):04}-{safe_name(key, 60)}"
        try:
            path = pack(frame, path)
            return self._noted(KeptFrame(key, path.name, rows=rows, is_unchanged=is_unchanged), path)
        except STOPS:
            raise
        except (NotPackableError, OSError) as error:
            return KeptFrame(key, rows=rows, reason=str(error))
        except BaseException as error:
            return KeptFrame(key, rows=rows, reason=f"it could not be written: {type(error).__name__}")

    def _noted(self, entry: KeptFrame, path: Path) -> KeptFrame:
        """Return the entry with the size of its file, which is deleted if it is too large."""
        written = path.stat().st_size
        if written > self._left:
            path.unlink()
            return KeptFrame(entry.dataset, rows=entry.rows, reason=f"it takes {size(written)}, and {self._limit()}")
        self._left -= written
        return msgspec.structs.replace(entry, bytes=written, checksum=_checksum(path))

    def _limit(self) -> str:
        return f"{size(self._left)} of the {size(self._most)} of ODIBI_KEEP__MAX_MB are left"

    def delete_oldest(self) -> list[str]:
        """Delete kept frames of the oldest other runs until all take less than the limit; return their runs."""
        runs = self.folder.parent.parent
        found = sorted(runs.glob(f"*/{FOLDER}"), key=lambda each: each.parent.name)
        sizes = {folder: _bytes_in(folder) for folder in found}
        total, deleted = sum(sizes.values()), []
        for folder in found:
            if total <= self._total:
                break
            if folder != self.folder and sizes[folder]:
                total -= sizes[folder]
                _delete(folder)
                deleted.append(folder.parent.name)
        return deleted


def _refusal(frame: Any) -> str | None:
    """Return the reason why a value must not be kept, or None."""
    secret = next((name for name in column_names(frame) if is_secret_name(name) or not is_plain_name(name)), None)
    if secret is not None:
        return f"column {secret!r} is secret or personal by its name"
    kind = type(frame)
    if kind.__name__ in ("LazyFrame", "DuckDBPyRelation"):
        return f"a {kind.__name__} is lazy, and keeping it would execute it"
    return None


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.iterdir():
        with suppress(OSError):
            total += path.stat().st_size
    return total


def _delete(folder: Path) -> None:
    from shutil import rmtree

    rmtree(folder, ignore_errors=True)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=16)).hexdigest()


def kept_frames(events: Iterable[Event]) -> dict[str, KeptFrame]:
    """Return what a run kept by dataset, from its events."""
    found: dict[str, KeptFrame] = {}
    for event in events:
        if event.event_type == kinds.FRAMES_KEPT:
            for row in records(event.fields.get("frames")):
                with suppress(msgspec.ValidationError):
                    entry = msgspec.convert(row, KeptFrame)
                    found[entry.dataset] = entry
    return found


def missing(folder: Path, entry: KeptFrame | None) -> str | None:
    """Return the reason why a dataset cannot be read back, or None; its content is not looked at."""
    if entry is None:
        return "it was not kept"
    if entry.file is None:
        return f"it was not kept: {entry.reason}"
    if Path(entry.file).name != entry.file or not (folder / FOLDER / entry.file).is_file():
        return "its file is gone: the oldest are deleted beyond ODIBI_KEEP__TOTAL_MB, and others with their run"
    return None


def load(folder: Path, entry: KeptFrame) -> Any:
    """Return a kept dataset.

    Args:
        folder: The folder of its run.
        entry: Its entry.

    Raises:
        StoreError: Its file is gone or damaged.
    """
    reason = missing(folder, entry)
    if reason is not None:
        raise StoreError(f"dataset {entry.dataset!r} cannot be loaded: {reason}")
    path = folder / FOLDER / str(entry.file)
    try:
        if _checksum(path) != entry.checksum:
            raise StoreError(f"dataset {entry.dataset!r} cannot be loaded: {path} is damaged, its checksum differs")
        return unpack(path)
    except StoreError:
        raise
    except (OSError, EngineError) as error:
        raise StoreError(f"dataset {entry.dataset!r} cannot be loaded: {error}") from error


def publish(bus: EventBus, entries: Iterable[KeptFrame], run_id: str) -> None:
    """Publish `frames_kept` with an entry for each dataset, in as many events as they need."""
    rows = [
        {name: value for name, value in msgspec.structs.asdict(each).items() if value is not None} for each in entries
    ]
    for start in range(0, len(rows), _IN_ONE_EVENT):
        chunk = rows[start : start + _IN_ONE_EVENT]
        kept = sum("file" in row for row in chunk)
        message = f"{kept} of {plural(len(chunk), 'dataset')} kept for resuming and replaying"
        bus.publish(kinds.FRAMES_KEPT, message, level="debug", fields={"run_id": run_id, "frames": chunk})
