"""The sources of steps: one file for each text, named after its hash, in `<root>/sources/`."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core._state import STATE
from odibi_core.errors import SourceTextNotFoundError

FOLDER: Final = "sources"
_HASH: Final = re.compile("[0-9a-f]{64}")
_MOST_KNOWN: Final = 100_000


class _Stored:
    """By folder of sources: its state, and the hashes that this process found or stored there."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[tuple[int, int], set[str]]] = {}


_stored: Final = STATE.part(_Stored)


class SourceStore:
    """The sources under one root. A text that is stored already is not written again."""

    def __init__(self, root: str | Path) -> None:
        self.folder = Path(root) / FOLDER

    def add(self, content_hash: str, text: str) -> bool:
        """Store a text by its hash, unless it is stored; return False if it cannot be written."""
        known = self._known()
        if content_hash in known:
            return True
        file = self.path(content_hash)
        try:
            os.utime(file)  # it is in use: a concurrent clean-up keeps what is young
        except OSError:
            if not self._write(file, text):
                return False
        known.add(content_hash)
        if (state := self._state()) is not None:
            _stored.known[str(self.folder)] = state, known
        return True

    def read(self, content_hash: str) -> str:
        """Return the text of a hash.

        Raises:
            SourceTextNotFoundError: There is none, or it does not have this hash.
        """
        if not _HASH.fullmatch(content_hash):
            raise SourceTextNotFoundError(
                f"a source's hash must be 64 hexadecimal digits, got {content_hash!r:.80}; "
                "take it from the plan of a run"
            )
        try:
            found = self.path(content_hash).read_bytes()
        except OSError as error:
            raise SourceTextNotFoundError(f"the source {content_hash[:12]}… is not in {self.folder}: {error}") from None
        if sha256(found).hexdigest() != content_hash:
            raise SourceTextNotFoundError(f"the source {content_hash[:12]}… is damaged: its content has another hash")
        return found.decode("utf-8", "replace")

    def text_of(self, content_hash: str) -> str | None:
        """Return the text of a hash; None if it is not stored."""
        try:
            return self.read(content_hash)
        except SourceTextNotFoundError:
            return None

    def path(self, content_hash: str) -> Path:
        """Return the file of a hash."""
        return self.folder / content_hash[:2] / f"{content_hash}.txt"

    def _known(self) -> set[str]:
        """Return the sources that this process knows to be stored, as long as the folder is unchanged.

        A clean-up changes the time of the folder, and so does another process that stores a source.
        """
        state, known = _stored.known.get(str(self.folder), (None, set()))
        is_same = state is not None and state == self._state()
        return known if is_same and len(known) < _MOST_KNOWN else set()

    def _state(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.folder)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    @staticmethod
    def _write(file: Path, text: str) -> bool:
        try:
            private_files.make_folder(file.parent)
            return private_files.create_atomic(file, text.encode()) or file.exists()
        except OSError:
            return False


def read_source(root: str | Path, content_hash: str) -> str:
    """Return the source that a run's plan names by `source_hash`.

    Args:
        root: The folder of the store.
        content_hash: The hash.

    Raises:
        SourceTextNotFoundError: There is none, or it is damaged.
    """
    return SourceStore(root).read(content_hash)
