"""The folder of a cache: one folder for each entry, with its frames and a manifest.

An entry is written aside and appears by one rename, so it is there whole or not at all. Frames have a checksum each,
which is verified before one is used. The time of the manifest is that of the last use. Nothing is pickled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, NamedTuple

import msgspec

from odibi_core import private_files
from odibi_core.cache.files import content_of
from odibi_core.cache.key import FORMAT, Key
from odibi_core.engines.digests import Digest, NotDigestibleError
from odibi_core.engines.fingerprint import fingerprint
from odibi_core.engines.packing import NotPackableError, pack, unpack
from odibi_core.errors import EngineError
from odibi_core.events.clock import iso, new_id, utc_now

MANIFEST: Final = "manifest.json"
"""The last file of an entry that is written."""
_KEY_LENGTH: Final = 32
_ABANDONED_S: Final = 24 * 3600.0
"""A draft that is older belongs to no living writer."""


class Frame(msgspec.Struct, frozen=True):
    """A frame of an entry: its file, its bytes and their checksum."""

    file: str
    bytes: int
    checksum: str

    @property
    def fingerprint(self) -> str:
        """The identity of its content for the steps that take it."""
        return f"entry {self.checksum} {self.file.partition('.')[2]}"

    @property
    def library(self) -> str:
        return self.file.split(".")[1]

    @property
    def name(self) -> str:
        """A name for the file that no other content has."""
        return f"{self.checksum}.{Path(self.file).name}"


class Entry(msgspec.Struct, frozen=True):
    """The manifest of an entry. `frames` are by logical name, `seconds` the time that the step took."""

    key: str
    step: str
    pipeline: str
    run_id: str
    created: str
    seconds: float
    frames: dict[str, Frame]
    parts: dict[str, str]
    shown: dict[str, str]
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        return sum(frame.bytes for frame in self.frames.values())


class _Sealed(msgspec.Struct):
    """A manifest in its file, with a checksum of its own."""

    entry: msgspec.Raw
    checksum: str


class Missing(NamedTuple):
    """There is no usable entry; `reason` is empty if there never was one."""

    reason: str


class Made(NamedTuple):
    """An entry and its frames."""

    entry: Entry
    frames: dict[str, Any]


class About(NamedTuple):
    """The facts of an entry besides its key; the names are redacted."""

    step: str
    pipeline: str
    run_id: str
    seconds: float


class CacheFolder:
    """The entries of a cache in one folder, which any number of processes use at the same time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries = root / "entries"
        self._drafts = root / "drafts"
        self._steps = root / "steps"

    def load(self, key: str) -> Made | Missing:
        """Return an entry with its frames, each verified. A damaged one is removed. Never raises."""
        try:
            entry = self.entry(key)
            frames = {name: self._frame(key, frame) for name, frame in entry.frames.items()}
        except FileNotFoundError:
            if (self._entries / key[:2] / key).is_dir():
                return self._damaged(key, "a file of it is gone")
            return Missing("")
        except _FormatError as error:
            return Missing(str(error))
        except (EngineError, msgspec.MsgspecError) as error:
            return self._damaged(key, str(error))
        except OSError as error:
            return Missing(f"the entry cannot be read: {error.strerror or error}")
        with suppress(OSError):  # a read-only cache: its entries are used, and their age is that of their first use
            os.utime(self._folder(key) / MANIFEST)
        return Made(entry, frames)

    def entry(self, key: str) -> Entry:
        """Return the manifest of an entry.

        Raises:
            FileNotFoundError: There is none.
            EngineError: It is damaged, or of another version of the cache.
        """
        return decoded((self._folder(key) / MANIFEST).read_bytes(), key)

    def files(self, key: str) -> dict[str, Path]:
        """Return the files of an entry by names that their content decides; the manifest is the last one.

        Raises:
            FileNotFoundError: There is no such entry.
            EngineError: It is damaged, or of another version of the cache.
        """
        folder = self._folder(key)
        frames = self.entry(key).frames.values()
        return {frame.name: folder / Path(frame.file).name for frame in frames} | {MANIFEST: folder / MANIFEST}

    def receive(self, key: str, manifest: bytes, download: Callable[[str, Path], object]) -> None:
        """Add an entry of another cache. `download(name, path)` writes a file of it, by its name of `files`.

        Raises:
            EngineError: The manifest is damaged, or of another version of the cache.
            OSError: The entry cannot be written, or a file of it is gone; nothing is left.
        """
        entry = decoded(manifest, key)
        with self._draft(key) as draft:
            for frame in entry.frames.values():
                download(frame.name, draft / Path(frame.file).name)
            private_files.write_atomic(draft / MANIFEST, manifest)
            self._publish(draft, key)
        self._note_latest(entry)

    def _frame(self, key: str, frame: Frame) -> Any:
        path = self._folder(key) / Path(frame.file).name
        self._check(path, frame)
        return unpack(path)

    def _check(self, path: Path, frame: Frame) -> None:
        if path.stat().st_size != frame.bytes or content_of(str(path)) != frame.checksum:
            raise EngineError(f"the checksum of {frame.file!r} is wrong")

    def _damaged(self, key: str, why: str) -> Missing:
        self.remove(key)
        return Missing(f"the entry was damaged and is removed: {why}")

    def store(self, key: Key, made: Mapping[str, Any], about: About) -> Entry | None:
        """Store the frames of a step; return None if another process has stored an entry of the key before.

        Raises:
            NotPackableError: A frame has no exact form on disk; nothing is stored.
            OSError: The entry cannot be written; nothing is left of it.
        """
        with self._draft(key.hash) as draft:
            frames = {}
            for place, (name, value) in enumerate(made.items()):
                path = _packed_exactly(name, value, draft / str(place))
                frames[name] = Frame(path.name, path.stat().st_size, content_of(str(path)))
            entry = Entry(
                key.hash, about.step, about.pipeline, about.run_id, iso(utc_now()), about.seconds, frames,
                key.parts, key.shown,
            )  # fmt: skip
            text = msgspec.json.encode(entry)
            sealed = msgspec.json.encode({"entry": msgspec.Raw(text), "checksum": Digest().bytes(text).hex()})
            private_files.write_atomic(draft / MANIFEST, sealed)
            if not self._publish(draft, key.hash):
                return None
        self._note_latest(entry)
        return entry

    @contextmanager
    def _draft(self, key: str) -> Iterator[Path]:
        """Yield a new folder, of which nothing is left afterwards but what was published."""
        draft = self._drafts / f"{key}.{new_id(8)}"
        private_files.make_folder(draft)
        try:
            yield draft
        finally:
            rmtree(draft, ignore_errors=True)

    def _publish(self, draft: Path, key: str) -> bool:
        """Make a draft the entry; return False if there is one by now."""
        target = self._folder(key)
        private_files.make_folder(target.parent)
        try:
            os.rename(draft, target)
        except OSError:
            if target.is_dir():
                return False
            raise
        return True

    def latest(self, pipeline: str, step: str) -> Entry | None:
        """Return the latest manifest of a step, also if its frames are evicted. Never raises."""
        try:
            return msgspec.json.decode(self._step_file(pipeline, step).read_bytes(), type=Entry)
        except (OSError, msgspec.MsgspecError):
            return None

    def _note_latest(self, entry: Entry) -> None:
        with suppress(OSError):
            private_files.write_atomic(self._step_file(entry.pipeline, entry.step), msgspec.json.encode(entry))

    def _step_file(self, pipeline: str, step: str) -> Path:
        return self._steps / f"{Digest().bytes(pipeline, step).hex()}.json"

    def all_keys(self) -> Iterator[str]:
        """Yield the keys of all entries, usable or not."""
        for folder in _listed(self._entries):
            yield from (name for name in _listed(self._entries / folder) if len(name) == _KEY_LENGTH)

    def entries(self) -> Iterator[Entry]:
        """Yield the manifests that can be read."""
        for key in self.all_keys():
            with suppress(OSError, EngineError):
                yield self.entry(key)

    def last_used(self, key: str) -> float:
        """Return the time of the last use, in seconds since 1970; 0 if it is unknown."""
        try:
            return (self._folder(key) / MANIFEST).stat().st_mtime
        except OSError:
            return 0.0

    def size(self, key: str) -> int:
        """Return the bytes that an entry takes."""
        folder, total = self._folder(key), 0
        for name in _listed(folder):
            with suppress(OSError):
                total += (folder / name).stat().st_size
        return total

    def verify(self, key: str) -> str | None:
        """Return what is wrong with an entry; None if each byte of it is as it was written. Nothing is removed."""
        try:
            for frame in self.entry(key).frames.values():
                self._check(self._folder(key) / Path(frame.file).name, frame)
        except (OSError, EngineError) as error:
            return str(error)
        return None

    def remove(self, key: str) -> None:
        """Remove an entry: it is renamed first, so that no reader finds a part of it. Never raises."""
        aside = self._drafts / f"{key}.{new_id(8)}"
        with suppress(OSError):
            private_files.make_folder(self._drafts)
            os.rename(self._folder(key), aside)
            rmtree(aside, ignore_errors=True)

    def prune(self, most_bytes: float) -> list[str]:
        """Remove the entries that were not used for longest, until all take at most so many bytes; return their keys.

        Drafts that a killed process left are removed too.
        """
        for name in _listed(self._drafts):
            with suppress(OSError):
                if utc_now().timestamp() - (self._drafts / name).stat().st_mtime > _ABANDONED_S:
                    rmtree(self._drafts / name, ignore_errors=True)
        by_age = sorted(self.all_keys(), key=self.last_used)
        sizes = {key: self.size(key) for key in by_age}
        total, removed = sum(sizes.values()), []
        for key in by_age:
            if total <= most_bytes:
                break
            self.remove(key)
            total -= sizes[key]
            removed.append(key)
        return removed

    def _folder(self, key: str) -> Path:
        return self._entries / key[:2] / key


def decoded(manifest: bytes, key: str) -> Entry:
    """Return the entry that a manifest describes.

    Raises:
        EngineError: It is damaged, of another key, or of another version of the cache.
    """
    try:
        sealed = msgspec.json.decode(manifest, type=_Sealed)
        if Digest().bytes(bytes(sealed.entry)).hex() != sealed.checksum:
            raise EngineError("the checksum of its manifest is wrong")
        format = msgspec.json.decode(sealed.entry).get("format")
        if format != FORMAT:
            raise _FormatError(f"the entry has format {format} and not {FORMAT}")
        entry = msgspec.json.decode(sealed.entry, type=Entry)
    except msgspec.MsgspecError as error:
        raise EngineError(f"its manifest cannot be read: {error}") from error
    if entry.key != key:
        raise EngineError("its manifest is that of another key")
    return entry


def _packed_exactly(name: str, value: Any, path: Path) -> Path:
    """Pack a value and compare the returned one with it; NotPackableError if they differ."""
    packed = pack(value, path)
    try:
        is_same = fingerprint(unpack(packed), nan_bits=False) == fingerprint(value, nan_bits=False)
    except NotDigestibleError as error:
        raise NotPackableError(f"output {name!r}: {error}") from error
    if not is_same:
        raise NotPackableError(f"output {name!r} would come back changed, such as in the metadata of its index")
    return packed


class _FormatError(EngineError):
    """An entry has the format of another version."""


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


__all__ = ["About", "CacheFolder", "Entry", "Frame", "Made", "Missing", "NotPackableError"]
