"""The only place that reads time, makes ids, or asks the machine who we are."""

from __future__ import annotations

import math
import os
import sys
import time
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from msgspec import to_builtins

from odibi_core import _fork


class Clock(Protocol):
    """Where time comes from; `odibi_core.testing.FakeClock` is the one for tests."""

    def now(self) -> datetime:
        """The wall clock, aware and in UTC: for timestamps, never for durations."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: for durations, never for timestamps."""
        ...


class SystemClock:
    """The machine's own clocks; without a Python function in between, since every event asks."""

    now = staticmethod(partial(datetime.now, UTC))
    monotonic = staticmethod(time.perf_counter)


SYSTEM = SystemClock()
monotonic = time.perf_counter
epoch_ns = time.time_ns


def utc_now() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """A timestamp as text of one width, so that texts sort as times do: `2026-11-21T04:05:06.123456Z`."""
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
    """A random id of `length` hexadecimal digits, which redaction leaves alone."""
    return as_id(os.urandom((length + 1) // 2).hex()[:length])


def as_id(digits: str) -> str:
    """Hexadecimal digits that look like no secret, whatever they add up to.

    The first is a number, since two letters may begin an account's; every eighth is a letter, since so many numbers in
    a row may be a card's.
    """
    first = str(int(digits[0], 16) % 10)
    return "".join(
        "abcdef"[int(digit, 16) % 6] if place % 8 == 7 else digit
        for place, digit in enumerate(first + digits[1:])
    )


def sleep(seconds: float) -> None:
    """Wait: here, so that a test can find every place that does."""
    time.sleep(seconds)


@cache
def host_name() -> str:
    """This machine's name."""
    if hasattr(os, "uname"):  # what `socket` would ask, at a quarter of a module
        return os.uname().nodename
    import socket

    return socket.gethostname()


def program_name() -> str:
    """What this program is called by whoever started it: its script or folder, or the module of `python -m`."""
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
    """This process; asked each time, since a fork changes it."""
    return os.getpid()


def process_start(pid: int | None = None) -> float | None:
    """When process `pid` (default: this one) started, in seconds since the epoch; None when it is not alive.

    A pid alone is reused by the system; pid and start time together name one process. NaN when it lives, but we
    may not know since when.
    """
    if pid is None and (started := _own_start()) is not None:
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
    """This process's resident size in mebibytes; a system call, so ask now and then and not at every line."""
    try:
        resident = _own_resident()
        if resident is None:
            import psutil

            resident = psutil.Process().memory_info().rss
        return round(resident / 2**20, 3)
    except Exception:
        return None


# What Linux says of this process without psutil, whose import takes longer than the rest of a program's start. The
# figures are the same: both read them here. None where there is no such file.


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
"""A descriptor that stays open, since opening takes four times as long as reading (benchmark: an empty node of a
chain). One that the program closed and reused fails to be read, or to have the file's seven fields, and is opened anew.
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
            pass  # not this system's, or no longer our file: it may be another's by now, and is not closed
        _statm.clear()
    return None


def _after_fork() -> None:
    """In the child: the descriptor shows the parent's memory."""
    if _own_resident() is not None:  # it is still ours to close
        os.close(_statm.pop())


_fork.in_child(_after_fork)
