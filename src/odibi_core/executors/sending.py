"""The work of a step in a worker of a cluster, and the values that go there and come back."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core.engines.duckdb_turn import is_relation
from odibi_core.engines.packing import pack, unpack
from odibi_core.errors import NotSendableError
from odibi_core.executors.base import Batch, Work
from odibi_core.executors.pickling import dumps, loads

_FRAMES: Final = frozenset({"pandas", "polars", "pyarrow", "numpy", "duckdb", "_duckdb"})
"""Libraries whose values can be sent from one worker to another, objects in their columns apart."""
_PLAIN: Final = frozenset({str, bytes, int, float, bool, type(None)})


class Sent:
    """A pickled value of the process of the run. Each task gets a copy of its own."""

    __slots__ = ("data", "name")

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name

    def __repr__(self) -> str:  # a cluster logs the arguments of a task that fails
        return f"<{self.name}: {len(self.data)} bytes>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sent, (self.data, self.name)

    def value(self) -> Any:
        """Return the value."""
        return restored(loads(self.data))


def sent_work(work: Work, task: Any) -> tuple[str, Sent]:
    """Return the name of a step, and its work as it is sent.

    Raises:
        NotSendableError: It cannot be pickled.
    """
    name = str(getattr(getattr(task, "step", None), "name", "") or work.__name__)
    return name, Sent(dumps((work, task), f"step {name!r}"), f"step {name}")


def sent_frame(value: Any, name: str) -> Sent:
    """Return a frame of this process as it is sent.

    Raises:
        NotSendableError: It cannot be pickled.
    """
    return Sent(dumps(portable(value), f"{name!r}, a {type(value).__name__},"), f"frame {name!r}")


def work_of(
    sent: Sent, frames: Mapping[str, Any], where: str, *, as_sent: bool = False
) -> tuple[dict[str, Any], bytes]:
    """Do the work of a step in a worker; return the frames that it made, and its pickled report.

    Args:
        sent: The work, from `sent_work`.
        frames: Frames by logical name; one that was sent is restored.
        where: The worker, for messages.
        as_sent: Return values of other modules than those of frames as `Sent`: a worker that has not yet the path of
            the program cannot load them.

    Raises:
        BaseException: The failure of the step.
        NotSendableError: The work cannot be loaded here, or a frame that it made cannot be sent.
    """
    work, task = _loaded(sent, where)
    made, report = work(
        {name: value.value() if isinstance(value, Sent) else value for name, value in frames.items()}, task
    )
    checked = {name: _sendable(name, value) for name, value in made.items()}
    return checked if as_sent else made, dumps(report, "the report of the step")


def _loaded(sent: Sent, where: str) -> Any:
    try:
        return sent.value()
    except ImportError as error:
        raise NotSendableError(
            f"{sent.name} cannot be loaded on the worker {where}: {error}; install its package there"
        ) from error


def _sendable(name: str, value: Any) -> Any:
    """Return a value as another worker can get it: `Sent`, unless it is a frame of plain columns, which always can.

    Raises:
        NotSendableError: It cannot be pickled.
    """
    kind = type(value)
    if kind is Batch:
        return Batch((position, _sendable(name, each)) for position, each in value)
    library = kind.__module__.partition(".")[0]
    has_objects = (
        library in ("pandas", "polars")
        and kind.__name__ == "DataFrame"
        and any(str(each).casefold() == "object" for each in value.dtypes)
    )
    if has_objects or not (kind in _PLAIN or library in _FRAMES):
        return Sent(dumps(value, f"{name!r}, a {kind.__name__},"), name)
    return value


class _Packed(NamedTuple):
    """A value as the content of a file that `pack` wrote, and the name of that file."""

    data: bytes
    file: str


def portable(value: Any) -> Any:
    """Return a value in a form that can be pickled: that of a DuckDB relation is Arrow."""
    if type(value) is Batch:
        return Batch((position, portable(each)) for position, each in value)
    if not is_relation(value):
        return value
    with tempfile.TemporaryDirectory(prefix="odibi-frames-") as folder:
        path = pack(value, Path(folder) / "frame")
        return _Packed(path.read_bytes(), path.name)


def restored(value: Any) -> Any:
    """Return the value that `portable` made portable, or that was sent."""
    if isinstance(value, Sent):
        return value.value()
    if type(value) is Batch:
        return Batch((position, restored(each)) for position, each in value)
    if not isinstance(value, _Packed):
        return value
    with tempfile.TemporaryDirectory(prefix="odibi-frames-") as folder:
        (path := Path(folder) / value.file).write_bytes(value.data)
        return unpack(path)  # its mapping of the file stays valid without a name
