"""Objects whose process is killed at a step, and the child process that it happens in."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path

from odibi_core.history.remote.objects import FolderObjects


class KilledAt(FolderObjects):
    """Kills the process at the `left`th step: steps are before and after a writing, and before each removal."""

    def __init__(self, folder: Path, left: int) -> None:
        super().__init__(folder)
        self.left = left

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(self, name: str, content: bytes) -> None:
        self.step()
        super().write(name, content)
        self.step()

    def upload(self, name: str, path: Path) -> None:
        self.step()
        super().upload(name, path)
        self.step()

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            self.step()
            super().remove([name])


def is_killed(call: Callable[[], object]) -> bool:
    """Call in a child process; return whether a signal ended it."""
    child = os.fork()
    if not child:
        try:
            call()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])
