"""The names of the objects that a store has shipped, so that the next shipment begins behind them.

Only a saving: without the file everything is shipped again, under the same names and with the same content.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from odibi_core import private_files
from odibi_core.history.remote.address import Address
from odibi_core.history.remote.parts import read_part_name

_TRIM_AT: Final = 10_000
"""Names: a longer list is rewritten without the runs that are no longer hot."""


class ShippedNames:
    """The names in `<root>/shipped/<address>.txt`, one a line; several processes may append to it.

    A half line of a killed process joins the next one, and both count as not shipped.
    """

    def __init__(self, root: Path, address: Address) -> None:
        self.path = root / "shipped" / f"{address.label}.txt"
        self.names: set[str] = set()
        self._ends: dict[str, int] = {}
        self._parts: dict[str, list[str]] = {}
        with suppress(OSError):
            for name in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
                self._know(name)

    def end_of(self, file: str) -> int:
        """Return the byte up to which a segment was shipped."""
        return self._ends.get(file, 0)

    def parts_of(self, run_id: str) -> list[str]:
        """Return the names of the parts of a run."""
        return self._parts.get(run_id, []).copy()

    def add(self, name: str) -> None:
        """Note an object that the shared store has; `OSError` if that cannot be written."""
        self._know(name)
        private_files.make_folder(self.path.parent)
        self._append(f"{name}\n".encode())

    def forget(self, names: Iterable[str]) -> None:
        """Forget parts that were removed from the shared store, until the next start of a process."""
        for name in names:
            part = read_part_name(name)
            if part is not None:
                self._parts.pop(part.file.split("/")[1], None)

    def trim(self, hot: Iterable[str]) -> None:
        """Rewrite a long list without parts of runs that are not hot; what another process adds meanwhile is lost."""
        kept = set(hot)
        old = [name for run_id, names in self._parts.items() if run_id not in kept for name in names]
        if len(old) > _TRIM_AT:
            self.names.difference_update(old)
            private_files.write_atomic(self.path, "".join(f"{name}\n" for name in sorted(self.names)))

    def _append(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND
        with suppress(FileExistsError):
            os.close(private_files.create(self.path, flags))
        descriptor = os.open(self.path, flags)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _know(self, name: str) -> None:
        self.names.add(name)
        part = read_part_name(name)
        if part is None:
            return
        if part.start <= self.end_of(part.file):
            self._ends[part.file] = max(self.end_of(part.file), part.end)
        if part.file.startswith("runs/"):
            self._parts.setdefault(part.file.split("/")[1], []).append(name)
