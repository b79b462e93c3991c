"""Notes of which worker process began which call, for a worker that ends before it can report anything.

Each worker of this machine has one file in a folder of the run, with the key of the call that it works on. A note costs
one write to an open file, and no message.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final

from odibi_core._state import STATE
from odibi_core.events.clock import process_id

_OPEN: Final = 8
"""Folders whose files stay open: those of runs that use this worker side by side."""


class _Files:
    def __init__(self) -> None:
        self.by_folder: OrderedDict[str, int | None] = OrderedDict()

    def of(self, folder: str) -> int | None:
        """Return the descriptor of the file of this process; None if it does not see the folder."""
        if folder not in self.by_folder:
            descriptor = None
            with suppress(OSError):
                path = os.path.join(folder, str(process_id()))
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            self.by_folder[folder] = descriptor
            while len(self.by_folder) > _OPEN:
                _, oldest = self.by_folder.popitem(last=False)
                if oldest is not None:
                    os.close(oldest)
        return self.by_folder[folder]


_files: Final = STATE.part(_Files)


def note_begin(folder: str, key: str, worker: str) -> bool:
    """Note that this process begins a call; return False if it does not see the folder. Keys have one length."""
    descriptor = _files.of(folder)
    if descriptor is None:
        return False
    with suppress(OSError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, f"{key} {worker}".encode())
        return True
    return False


def began_on(folder: str, key: str) -> str | None:
    """Return the name of the worker that began a call last, if it is known."""
    with suppress(OSError):
        for path in Path(folder).iterdir():
            found, _, worker = path.read_text(errors="replace").partition(" ")
            if found == key:
                return worker
    return None
