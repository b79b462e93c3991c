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
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from shutil import rmtree
from threading import Thread
from typing import Any, Final, NamedTuple

from odibi_core.engines.frame import is_frame
from odibi_core.engines.packing import NotPackableError, pack, unpack
from odibi_core.events.clock import new_id
from odibi_core.executors.pickling import dumps, loads
from odibi_core.executors.sent_errors import SentError, sent_error

_PICKLED: Final = ".pickle"
_SMALL: Final = 64 * 1024
"""Bytes of a pickle that travels with the message; a file costs about a millisecond."""


class Kept(NamedTuple):
    """A value on its way: a small one as its pickle, any other in a file in the folder of the run's frames."""

    path: str
    pickled: bytes | None = None


class Done(NamedTuple):
    """The answer to a call: `frames` by name and the report, or the error."""

    frames: dict[str, Kept]
    report: Any
    error: SentError | None = None


def keep(value: Any, name: str, folder: Path) -> Kept:
    """Keep a value for another process: a frame as Arrow if that is exact, any other value pickled.

    Raises:
        NotSendableError: The value cannot be pickled either.
        OSError: The file cannot be written.
    """
    path = folder / new_id(32)
    if is_frame(value):
        with suppress(NotPackableError):
            return Kept(str(pack(value, path)))
    data = dumps(value, f"{name!r}, a {type(value).__name__},")
    if len(data) <= _SMALL:
        return Kept("", data)
    path = path.with_suffix(_PICKLED)
    path.write_bytes(data)
    return Kept(str(path))


def load(kept: Kept) -> Any:
    """Return the value that `keep` kept."""
    if kept.pickled is not None:
        return loads(kept.pickled)
    path = Path(kept.path)
    return loads(path.read_bytes()) if path.suffix == _PICKLED else unpack(path)


def _done(call: bytes, folder: Path) -> Done:
    """Do one call; its failure is an answer too."""
    try:
        work, frames, task = loads(call)
        made, report = work({name: load(kept) for name, kept in frames.items()}, task)
        done = Done({name: keep(value, name, folder) for name, value in made.items()}, report)
        pickle.dumps(done)
        return done
    except BaseException as error:
        return Done({}, None, sent_error(error))


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
            answer = pickle.dumps(_done(call, self._folder))
            with suppress(OSError):
                self._connection.send_bytes(answer)


def main() -> None:
    """Serve the connection whose descriptor is the last argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the process of the run decides
    connection = Connection(int(sys.argv[-1]))
    start: Mapping[str, Any] = json.loads(connection.recv_bytes())
    sys.argv[:] = start["argv"]
    _Calls(connection, Path(start["folder"])).serve()
