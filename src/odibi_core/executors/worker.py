"""The program of a worker process.

It does one call after the other for the process of the run, at the other end of an inherited connection, until an
empty message. If the connection ends without one, that process was killed, and the worker ends at once.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from math import prod
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from shutil import rmtree
from threading import Thread
from typing import Any, Final, NamedTuple

from odibi_core.engines.frame import is_frame
from odibi_core.engines.packing import NotPackableError, pack, unpack
from odibi_core.errors import NotSendableError
from odibi_core.events.clock import new_id
from odibi_core.executors.base import Work
from odibi_core.executors.pickling import dumps, loads
from odibi_core.executors.sent_errors import SentError, sent_error

_PICKLED: Final = ".pickle"
INLINE: Final = 64 * 1024
"""Bytes of a pickle that travels with the message; a file costs about a millisecond."""
_FEW_CELLS: Final = 8 * 1024
"""Cells of a frame that is tried as a pickle; the size of a pickle is known once it is made."""


class Kept(NamedTuple):
    """A value on its way: a small one as its pickle, any other in a file in the folder of the run's frames."""

    path: str
    pickled: bytes | None = None


class Call(NamedTuple):
    """A call of `work(frames, task)`; `inline` are the bytes of a frame that may come back with the answer."""

    work: Work
    frames: dict[str, Kept]
    task: Any
    inline: int


class Done(NamedTuple):
    """The answer to a call: `frames` by name and the report, or the error."""

    frames: dict[str, Kept]
    report: Any
    error: SentError | None = None


def keep(value: Any, name: str, folder: Path, inline: int = INLINE) -> Kept:
    """Keep a value for another process: a frame as Arrow if that is exact, any other value and a small frame pickled.

    Args:
        value: The value.
        name: Its name, for errors.
        folder: The folder for files.
        inline: Bytes that may travel with the message.

    Raises:
        NotSendableError: The value cannot be pickled either.
        OSError: The file cannot be written.
    """
    path, shown = folder / new_id(32), f"{name!r}, a {type(value).__name__},"
    if is_frame(value):
        if inline and _has_few_cells(value):
            with suppress(NotSendableError):
                data = dumps(value, shown)
                if len(data) <= inline:
                    return Kept("", data)
        with suppress(NotPackableError):
            return Kept(str(pack(value, path)))
    data = dumps(value, shown)
    if len(data) <= inline:
        return Kept("", data)
    path = path.with_suffix(_PICKLED)
    path.write_bytes(data)
    return Kept(str(path))


def _has_few_cells(frame: Any) -> bool:
    shape = getattr(frame, "shape", None)  # a lazy frame has none, or none that is known
    return type(shape) is tuple and all(type(each) is int for each in shape) and prod(shape) <= _FEW_CELLS


def load(kept: Kept) -> Any:
    """Return the value that `keep` kept."""
    if kept.pickled is not None:
        return loads(kept.pickled)
    path = Path(kept.path)
    return loads(path.read_bytes()) if path.suffix == _PICKLED else unpack(path)


def _answer(message: bytes, folder: Path) -> bytes:
    """Do one call and return its answer; a failure is one too."""
    try:
        call: Call = loads(message)
        made, report = call.work({name: load(kept) for name, kept in call.frames.items()}, call.task)
        frames = {name: keep(value, name, folder, call.inline) for name, value in made.items()}
        return pickle.dumps(Done(frames, report), protocol=5)
    except BaseException as error:
        return pickle.dumps(Done({}, None, sent_error(error)), protocol=5)


class _Calls:
    """The calls that arrive, read in a thread of its own, which also sees the end of the process of the run."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        Thread(target=self._read, name="odibi-calls", daemon=True).start()

    def _read(self) -> None:
        with suppress(EOFError, OSError):
            while call := self._connection.recv_bytes():
                self._waiting.put(call)
            self._waiting.put(None)
            return
        # The process of the run was killed: nothing else ends this one, and nothing else removes its frames.
        rmtree(self._folder, ignore_errors=True)
        os._exit(1)

    def serve(self) -> None:
        """Do one call after the other, in the main thread, until an empty message."""
        while (call := self._waiting.get()) is not None:
            answer = _answer(call, self._folder)
            with suppress(OSError):
                self._connection.send_bytes(answer)


def main() -> None:
    """Serve the connection whose descriptor is the last argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the process of the run decides
    connection = Connection(int(sys.argv[-1]))
    start: Mapping[str, Any] = json.loads(connection.recv_bytes())
    sys.argv[:] = start["argv"]
    _Calls(connection, Path(start["folder"])).serve()
