"""The right to build an entry: of the processes that need one key, one builds it and the others wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Final

import msgspec

from odibi_core import private_files
from odibi_core.errors import StoreError
from odibi_core.events.clock import host_name, monotonic, process_id
from odibi_core.store.locks import exclusive

_PAUSE_S: Final = 0.05
_NAME_LENGTH: Final = 3
"""Keys share 4,096 files of locks, because a lock file cannot be removed safely while others may wait for it."""


class Owner(msgspec.Struct, frozen=True):
    """The process that holds the lock of a key."""

    host: str
    pid: int
    run_id: str
    step: str


class Right(msgspec.Struct, frozen=True):
    """The right to build: `held` is False without the lock, with the reason; `owner` is the one that had it before."""

    held: bool
    reason: str = ""
    owner: Owner | None = None
    waited_s: float = 0.0


@contextmanager
def building(root: Path, key: str, owner: tuple[str, str], wait_s: float, stopped: Event) -> Iterator[Right]:
    """Hold the lock of a key. The kernel frees the lock of a process that was killed, and the next one gets it.

    Args:
        root: The folder of the cache.
        key: The key.
        owner: The run and the step, for those that wait.
        wait_s: Seconds to wait for another process; then the right is not held, and the step runs all the same.
        stopped: Ends the wait.
    """
    folder, name = root / "locks", f"{key[:_NAME_LENGTH]}.lock"
    began, before = monotonic(), None
    with ExitStack() as stack:
        held, reason = False, ""
        while True:
            try:
                held = stack.enter_context(exclusive(folder, name))
            except (StoreError, OSError) as error:
                reason = str(error)
                break
            if held or stopped.is_set() or monotonic() - began >= wait_s:
                break
            before = before or _owner(folder / f"{name}.owner")
            stack.close()
            stopped.wait(_PAUSE_S)
        waited_s = monotonic() - began
        if held:
            _sign(folder / f"{name}.owner", Owner(host_name(), process_id(), *owner))
        elif not reason:
            reason = f"another process still builds the entry after {waited_s:.0f} s"
        yield Right(held, reason, before, waited_s)


def _owner(path: Path) -> Owner | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Owner)
    except (OSError, msgspec.MsgspecError):
        return None


def _sign(path: Path, owner: Owner) -> None:
    with suppress(OSError):
        private_files.write_atomic(path, msgspec.json.encode(owner))
