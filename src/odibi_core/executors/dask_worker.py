"""The part of the executor `dask` that runs on the workers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from dask.sizeof import sizeof
from distributed import get_worker

from odibi_core.engines.duckdb_turn import is_relation
from odibi_core.engines.packing import pack, unpack
from odibi_core.errors import NotSendableError
from odibi_core.executors.base import send_line
from odibi_core.executors.pickling import dumps, loads
from odibi_core.executors.sent_errors import SentError, sent_error

_FRAMES: Final = frozenset({"pandas", "polars", "pyarrow", "numpy", "duckdb", "_duckdb"})
"""Libraries whose values Dask sends between workers, objects in their columns apart."""
_PLAIN: Final = frozenset({str, bytes, int, float, bool, type(None)})


class Sent:
    """A pickled value of the process of the run. Each task gets a copy of its own."""

    __slots__ = ("data", "name")

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name

    def __repr__(self) -> str:  # Dask logs the arguments of a task that fails
        return f"<{self.name}: {len(self.data)} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sent, (self.data, self.name)

    def value(self) -> Any:
        """Return the value."""
        return _restored(loads(self.data))


class Made:
    """The frames that a step made, by logical name, and its pickled report; it stays on the worker."""

    __slots__ = ("frames", "report")

    def __init__(self, frames: Mapping[str, Any], report: bytes) -> None:
        self.frames = frames
        self.report = report

    def __repr__(self) -> str:
        return f"<frames: {', '.join(self.frames)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, ({name: portable(value) for name, value in self.frames.items()}, self.report)


def _made(frames: dict[str, Any], report: bytes) -> Made:
    return Made({name: _restored(value) for name, value in frames.items()}, report)


@sizeof.register(Made)  # type: ignore[untyped-decorator]
def _size(made: Made) -> int:
    return len(made.report) + sum(map(int, map(sizeof, made.frames.values())))


class _Packed(NamedTuple):
    """A value as the content of a file that `pack` wrote, and the name of that file."""

    data: bytes
    file: str


def portable(value: Any) -> Any:
    """Return a value in a form that can be pickled: that of a DuckDB relation is Arrow."""
    if not is_relation(value):
        return value
    with tempfile.TemporaryDirectory(prefix="odibi-frames-") as folder:
        path = pack(value, Path(folder) / "frame")
        return _Packed(path.read_bytes(), path.name)


def _restored(value: Any) -> Any:
    if not isinstance(value, _Packed):
        return value
    with tempfile.TemporaryDirectory(prefix="odibi-frames-") as folder:
        (path := Path(folder) / value.file).write_bytes(value.data)
        return unpack(path)  # its mapping of the file stays valid without a name


class Failed(Exception):
    """The failure of a step, with the description that was made where it was raised."""

    def __init__(self, sent: SentError) -> None:
        super().__init__(sent)
        self.sent = sent

    def __repr__(self) -> str:
        return self.sent.message

    __str__ = __repr__


def work_here(call: Sent, topic: str, key: str, names: list[str], *values: Sent | Made) -> Made:
    """Do the work of a step, and send its report to the process of the run.

    The report arrives before Dask's own message of the end of the task, because both go the same way.

    Raises:
        Failed: The work failed.
    """
    worker = get_worker()
    send = partial(worker.log_event, topic)
    send({"odibi": "began", "key": key, "worker": worker.address, "threads": worker.state.nthreads})
    token = send_line.set(lambda line: send({"odibi": "line", "worker": worker.address, "line": line}))
    try:
        work, task = _loaded(call, worker.address)
        frames = {
            name: value.value() if isinstance(value, Sent) else next(iter(value.frames.values()))
            for name, value in zip(names, values, strict=True)
        }
        made, report = work(frames, task)
        for name, value in made.items():
            _check_sendable(name, value)
        sent = dumps(report, "the report of the step")
    except BaseException as error:
        raise Failed(sent_error(error)) from None
    finally:
        send_line.reset(token)
    send({"odibi": "report", "key": key, "report": sent, "names": list(made)})
    return Made(made, sent)


def _loaded(call: Sent, address: str) -> Any:
    try:
        return call.value()
    except ImportError as error:
        raise NotSendableError(
            f"{call.name} cannot be loaded on the worker {address}: {error}; "
            "install its package there, or send its file by Client.upload_file"
        ) from error


def _check_sendable(name: str, value: Any) -> None:
    """Raise NotSendableError if another worker could not get the value; frames of plain columns always can."""
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    has_objects = (
        library in ("pandas", "polars")
        and kind.__name__ == "DataFrame"
        and any(str(each).casefold() == "object" for each in value.dtypes)
    )
    if has_objects or not (kind in _PLAIN or library in _FRAMES):
        dumps(value, f"{name!r}, a {kind.__name__},")


def one_of(made: Made, name: str) -> Made:
    """Return one of several frames as a result of its own, so that each can be released alone."""
    return Made({name: made.frames[name]}, b"")


def report_of(made: Made) -> tuple[bytes, list[str]]:
    """Return the pickled report and the names of the frames of a step whose message was lost."""
    return made.report, list(made.frames)
