"""Time, ids, and the names of machine, program and process: nothing else reads or makes them."""

from __future__ import annotations

import math
import os
import sys
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol

from msgspec import to_builtins

from odibi_core import _fork


class Clock(Protocol):
    """A source of time; `odibi_core.testing.FakeClock` is the one for tests."""

    def now(self) -> datetime:
        """Return the wall clock, aware and in UTC: for timestamps, never for durations."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back: for durations, never for timestamps."""
        ...


class SystemClock:
    """The clocks of the machine."""

    def now(self) -> datetime:
        """Return the wall clock, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.perf_counter()


SYSTEM = SystemClock()
monotonic = time.perf_counter
thread_time = time.thread_time
epoch_ns = time.time_ns


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Return a time as text of one width, which sorts as times do: `2026-11-21T04:05:06.123456Z`."""
    written = str(to_builtins(moment if moment.tzinfo is UTC else moment.astimezone(UTC)))
    return written if moment.microsecond else f"{written[:-1]}.000000Z"


def read_iso(value: object) -> datetime | None:
    """Return an aware time of an ISO 8601 text, in UTC if it names no zone; None for any other value."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def new_id(length: int = 12) -> str:
    """Return a random id of `length` hexadecimal digits, which redaction leaves alone."""
    return as_id(os.urandom((length + 1) // 2).hex()[:length])


def as_id(digits: str) -> str:
    """Return hexadecimal digits changed so that they look like no secret.

    The first is a number, because two letters may begin an account; every eighth is a letter, because so many numbers
    in a row may be a card.
    """
    first = str(int(digits[0], 16) % 10)
    return "".join(
        "abcdef"[int(digit, 16) % 6] if place % 8 == 7 else digit for place, digit in enumerate(first + digits[1:])
    )


def sleep(seconds: float) -> None:
    """Wait so many seconds; a test finds every call of this function."""
    time.sleep(seconds)


@cache
def host_name() -> str:
    """Return the name of this machine."""
    if hasattr(os, "uname"):  # as `socket` does, without its import
        return os.uname().nodename
    import socket

    return socket.gethostname()


def program_name() -> str:
    """Return the name of the program: its script or folder, or the module of `python -m`."""
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), Path(str(getattr(main, "__file__", None) or "python"))
    if spec is not None and spec.name != "__main__":
        return str(spec.name).removesuffix(".__main__")
    if file.stem != "__main__":
        return file.stem
    try:
        return file.absolute().parent.name
    except OSError:  # the working directory is gone
        return file.parent.name or "python"


def process_id() -> int:
    """Return the id of this process; never cached, because a fork changes it."""
    return os.getpid()


def boot_id() -> str:
    """Return an id that the machine has from its start to its stop; empty if it is not known."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def process_start(pid: int | None = None) -> float | None:
    """Return when a process started, in seconds since the epoch.

    The system uses a pid again; pid and start time together name one process.

    Args:
        pid: The process; by default this one.

    Returns:
        None if the process is not alive, NaN if it is and access to its start is denied.
    """
    if pid in (None, os.getpid()) and (started := _own_start()) is not None:
        return started
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.AccessDenied:
        return math.nan
    except (psutil.Error, ValueError, OverflowError):  # the last two: no number that a process can have
        return None


def resident_memory_mb() -> float | None:
    """Return the resident size of this process in mebibytes: a system call, too slow for every event."""
    try:
        resident = _own_resident()
        if resident is None:
            import psutil

            resident = psutil.Process().memory_info().rss
        return round(resident / 2**20, 3)
    except Exception:
        return None


def resident_memory_of_mb(pid: int) -> float | None:
    """Return the resident size of a process of this machine in mebibytes; None if it is gone or out of reach."""
    import psutil

    try:
        return round(float(psutil.Process(pid).memory_info().rss) / 2**20, 3)
    except (psutil.Error, ValueError, OverflowError):
        return None


# On Linux without psutil, whose import takes longer than the rest of a program's start. Both read the same files.
# None if there is no such file.


def _own_start() -> float | None:
    try:
        after_name = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        booted = Path("/proc/stat").read_bytes().partition(b"\nbtime ")[2].split(maxsplit=1)[0]
        return int(after_name[19]) / os.sysconf("SC_CLK_TCK") + int(booted)
    except (OSError, AttributeError, IndexError, ValueError):
        return None


_STATM_FIELDS = 7
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
_statm: list[int] = []
"""A descriptor that stays open: opening takes four times as long as reading (benchmark: an empty node of a chain).

If the program closed and reused it, reading fails or does not find the seven fields of the file; it is opened again.
"""


def _own_resident() -> int | None:
    for _ in range(2):
        try:
            if not _statm:
                _statm.append(os.open("/proc/self/statm", os.O_RDONLY))
            pages = os.pread(_statm[0], 128, 0).split()
            if len(pages) == _STATM_FIELDS:
                return int(pages[1]) * _PAGE_SIZE
        except (OSError, AttributeError, IndexError, ValueError):
            pass  # no such file, or a descriptor that the program uses for another file: it is not closed
        _statm.clear()
    return None


def _after_fork() -> None:
    """Close the descriptor in the child: it shows the memory of the parent."""
    if _own_resident() is not None:  # still the file that was opened here
        os.close(_statm.pop())


_fork.in_child(_after_fork)
