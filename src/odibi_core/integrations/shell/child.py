"""`Child`: a command as a shell would start it, with its output passed through byte for byte.

An output of this process that is a terminal is one for the command too, so that it writes at once and in color.
"""

from __future__ import annotations

import errno
import os
import selectors
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Final, NamedTuple

from odibi_core.integrations.shell import terminal

CANNOT_RUN: Final = 126
NOT_FOUND: Final = 127
"""The exit codes of a shell for a command that is not executable, and for one that is not there."""
IDLE_S: Final = 1.0
_CHUNK: Final = 64 * 1024

Take = Callable[[str, bytes], object]
"""Called with the name of a stream and bytes of it; with no bytes at its end, and with no name if all are idle."""


class Ended(NamedTuple):
    """The end of a command: its exit code as a shell has it, the signal that ended it, and what it used."""

    code: int
    signal: str | None
    usage: Any
    """The `rusage` of the command and of the processes that it waited for."""


class _Stream(NamedTuple):
    name: str
    source: int
    target: int


class Child:
    """A process that runs a command.

    Its standard error and its standard output are one stream, `output`, if they are the same file: their order is kept.

    Raises:
        OSError: The command is not there, or cannot be executed.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], mask: set[Any]) -> None:
        self._lock = Lock()
        self._ended: Ended | None = None
        self._selector = selectors.DefaultSelector()
        wake, self._wake = os.pipe()
        self._selector.register(wake, selectors.EVENT_READ)
        streams, actions, ends = _channels()
        try:
            self.pid = _spawn(list(command), dict(environment), actions, mask)
        finally:
            for end in ends:
                os.close(end)
        for stream in streams:
            self._selector.register(stream.source, selectors.EVENT_READ, stream)
        self._open = {stream.source: stream for stream in streams}
        Thread(target=self._wait, name="odibi-exec-wait", daemon=True).start()

    def send(self, number: int) -> bool:
        """Send a signal to the process; return False if it has ended."""
        with self._lock:  # otherwise another process may have its id
            if self._ended is not None:
                return False
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            return True

    def resize(self) -> None:
        """Pass on the size of the terminal."""
        for stream in list(self._open.values()):
            terminal.resize(stream.source, stream.target)

    def run(self, take: Take) -> Ended:
        """Pass the output through until the process has ended; return its end."""
        while self._ended is None:
            self._pass_on(take, IDLE_S)
        while self._pass_on(take, 0):
            pass  # output that it left in the pipes
        return self._ended

    def pass_on_rest(self) -> None:
        """Pass on the output of processes that the command started and left, until the last one closes it."""
        while self._open:
            self._pass_on(lambda name, data: None, None)

    def _pass_on(self, take: Take, within_s: float | None) -> bool:
        """Pass on the output that comes within a time; return whether there was some."""
        ready = [key.data for key, _ in self._selector.select(within_s) if key.data is not None]
        for stream in ready:
            data = _read(stream.source)
            if not data or not _write(stream.target, data):
                self._selector.unregister(stream.source)
                del self._open[stream.source]
                os.close(stream.source)  # the command gets SIGPIPE, as without a process in between
            take(stream.name, data)
        if not ready:
            take("", b"")
        return bool(ready)

    def _wait(self) -> None:
        """Wait for the process, and keep its id until its end is known here."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            _, status, usage = os.wait4(self.pid, 0)
            code = os.waitstatus_to_exitcode(status)
            self._ended = Ended(code if code >= 0 else 128 - code, _name_of(-code) if code < 0 else None, usage)
        os.close(self._wake)


def _channels() -> tuple[list[_Stream], list[Any], list[int]]:
    """Return the streams to pass on, the actions that connect the command to them, and its ends of them."""
    targets = [number for number in (1, 2) if _status(number) is not None]
    if len(targets) == 2 and _is_same(1, 2):
        groups = {"output": targets}
    else:
        groups = {("stdout", "stderr")[number - 1]: [number] for number in targets}
    streams, actions, ends = [], [], []
    for name, numbers in groups.items():
        source, end = terminal.open_like(numbers[0]) if os.isatty(numbers[0]) else os.pipe()
        streams.append(_Stream(name, source, numbers[0]))
        actions += [(os.POSIX_SPAWN_DUP2, end, number) for number in numbers]
        ends.append(end)
    return streams, actions, ends


def _status(number: int) -> os.stat_result | None:
    try:
        return os.fstat(number)
    except OSError:
        return None  # closed: it is closed for the command too


def _is_same(one: int, other: int) -> bool:
    return os.path.samestat(os.fstat(one), os.fstat(other))


def _spawn(command: list[str], environment: dict[str, str], actions: list[Any], mask: set[Any]) -> int:
    """Start a process as a shell does: a script without an interpreter is one of `sh`."""
    ignored = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ")]  # Python ignores them
    options: dict[str, Any] = {"file_actions": actions, "setsigmask": mask, "setsigdef": ignored}
    try:
        return os.posix_spawnp(command[0], command, environment, **options)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        found = shutil.which(command[0]) or command[0]
        return os.posix_spawn("/bin/sh", ["sh", found, *command[1:]], environment, **options)


def _read(source: int) -> bytes:
    try:
        return os.read(source, _CHUNK)
    except OSError:
        return b""  # Linux: the last process closed the terminal


def _write(target: int, data: bytes) -> bool:
    """Write all bytes; return False if the reader is gone or the disk is full."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:
            _wait_for_room(target)
        except OSError:
            return False
    return True


def _wait_for_room(target: int) -> None:
    with selectors.SelectSelector() as selector:
        selector.register(target, selectors.EVENT_WRITE)
        selector.select()


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # a real-time signal


def needs() -> str | None:
    """Return the reason for which this system cannot run a `Child`; None if it can."""
    return None if hasattr(os, "posix_spawnp") and hasattr(os, "waitid") else f"{sys.platform} has no posix_spawn"
