"""The manifest of a batch: its runs and files. A batch exists from the moment that its manifest has its name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from odibi_core.errors import StoreError

VERSION: Final = 1
"""Of the layout. A store with a batch of a later version is read and not changed."""
_HEAD: Final = 512


class SegmentEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A segment that a batch contains: its name, its bytes, and the checksum of its first bytes.

    They distinguish a segment that compaction has not deleted yet from one that a later writer created under its name.
    """

    name: str
    bytes: int
    head: str

    @classmethod
    def of(cls, path: Path) -> SegmentEntry:
        """Return the entry of a file. Raises `OSError`."""
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = file.seek(0, 2)
        return cls(path.name, size, _digest(head))


class RunEntry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A run of a batch. `run_id` is the name of its folder; `torn` and `unreadable` count lines of its journal."""

    run_id: str
    pipeline_name: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    events: int = 0
    torn: int = 0
    unreadable: int = 0
    status: str | None = None
    segments: tuple[SegmentEntry, ...] = ()
    """Those whose files may still be there."""

    def holds(self, path: Path) -> bool:
        """Return whether the batch contains this segment. Raises `OSError`."""
        return any(each.name == path.name for each in self.segments) and SegmentEntry.of(path) in self.segments


class FileEntry(msgspec.Struct, frozen=True):
    """A Parquet file: its path from the root of the store, its rows, its bytes, and the checksum of its content."""

    path: str
    rows: int
    bytes: int
    checksum: str

    def is_intact(self, root: Path) -> bool:
        """Return whether the file has the content that was written. Raises `OSError`."""
        path = root / self.path
        return path.stat().st_size == self.bytes and checksum_of(path) == self.checksum


class FieldEntry(msgspec.Struct, frozen=True, gc=False):
    """A field of the table `logs`: its name, its column, the column's type, and the number of its values.

    `column` is empty for a field in `_rest`, the JSON object of fields without a column. `type` is one of
    `history.schema.Type`; of a field with values of several kinds it is text.
    """

    name: str
    column: str
    type: str
    count: int


class Manifest(msgspec.Struct, frozen=True):
    """The content of `manifests/<batch>.json`. A file is found under the name of its table."""

    version: int
    batch: str
    created: datetime
    runs: list[RunEntry]
    files: dict[str, FileEntry]
    fields: list[FieldEntry]
    replaces: list[str] = []
    unlisted_fields: int = 0
    """Fields that are in no entry of `fields`, because there are too many; their values are in `_rest`."""


class DamagedError(StoreError):
    """A file of the store is not what was written."""


class NewerError(StoreError):
    """A newer version of odibi-core wrote a manifest, in a form that this one cannot read."""


_decode_version: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_decode: Final = msgspec.json.Decoder(Manifest)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a file.

    Raises:
        DamagedError: The file is no manifest.
        NewerError: A newer version wrote it, in a form that this one cannot read.
        OSError: It cannot be read.
    """
    content = path.read_bytes()
    try:
        return _decode.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if _version_of(content) > VERSION:
            raise NewerError(f"{path} was written by a newer version of odibi-core; update to read it") from None
        raise DamagedError(f"{path} is damaged: {error}") from None


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the content of a manifest's file."""
    return msgspec.json.encode(manifest)


def active(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the manifests that no other one replaces, the oldest first."""
    found = sorted(manifests, key=lambda manifest: manifest.batch)
    replaced = {batch for manifest in found for batch in manifest.replaces}
    return [manifest for manifest in found if manifest.batch not in replaced]


def checksum_of(path: Path) -> str:
    """Return the checksum of a file's content. Raises `OSError`."""
    sum_ = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sum_.update(block)
    return sum_.hexdigest()


def _version_of(content: bytes) -> int:
    try:
        return msgspec.json.decode(_decode_version.decode(content)["version"], type=int)
    except (msgspec.DecodeError, KeyError, UnicodeDecodeError, RecursionError):
        return 0


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=8).hexdigest()
