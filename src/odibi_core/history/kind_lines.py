"""The lines of one run, grouped by the kind of their event; those of a large run in temporary files."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

MEMORY: Final = 32 << 20
"""Bytes of lines in memory."""
_MAX_FILES: Final = 64
_OTHERS: Final = ""
"""Stands for the kinds without a file of their own."""


class KindLines:
    """Collects lines, and moves them to a file kind by kind, those of one kind in their order."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lines: dict[str, list[bytes]] = {}
        self._size = 0
        self._files: dict[str, IO[bytes]] = {}
        self._stack = ExitStack()

    def add(self, kind: str, line: bytes) -> None:
        """Add a line, without its end."""
        self._lines.setdefault(kind, []).append(line)
        self._size += len(line)
        if self._size > MEMORY:
            self._spill()

    def move_to(self, file: IO[bytes]) -> None:
        """Write all lines to a file, and begin again."""
        if self._files:
            self._spill()
        for _, spilled in sorted(self._files.items()):
            spilled.seek(0)
            shutil.copyfileobj(spilled, file, 1 << 20)
        for _, lines in sorted(self._lines.items()):
            file.write(b"\n".join([*lines, b""]))
        self.close()

    def close(self) -> None:
        """Delete all lines."""
        self._stack.close()
        self._files.clear()
        self._lines.clear()
        self._size = 0

    def _new_file(self) -> IO[bytes]:
        return self._stack.enter_context(tempfile.TemporaryFile(dir=self._folder))

    def _spill(self) -> None:
        for kind, lines in sorted(self._lines.items()):
            name = kind if kind in self._files or len(self._files) < _MAX_FILES else _OTHERS
            if name not in self._files:
                self._files[name] = self._new_file()
            self._files[name].write(b"\n".join([*lines, b""]))
        self._lines.clear()
        self._size = 0
