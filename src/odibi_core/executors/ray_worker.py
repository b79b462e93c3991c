"""The part of the executor `ray` that runs in the workers."""

from __future__ import annotations

import os
import pickle
import sys
from asyncio import Event
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import ray

from odibi_core._state import STATE
from odibi_core.executors.base import send_line
from odibi_core.executors.began import note_begin
from odibi_core.executors.pickling import loads
from odibi_core.executors.sending import Sent, portable, restored, work_of
from odibi_core.executors.sent_errors import SentError, sent_error


def program_here() -> bytes:
    """Return the import path and the arguments of this program, for its workers."""
    return pickle.dumps((sys.path, sys.argv))


class _Program:
    """The program that this worker follows, from `program_here`, and the name of this worker."""

    def __init__(self) -> None:
        self.pickled = b""
        self.worker = ""

    def follow(self, pickled: bytes) -> None:
        """Import from the folders of a program first: Ray adds that of its main program, and its current one."""
        if pickled != self.pickled:
            path, sys.argv[:] = loads(pickled)
            sys.path[:] = [*path, *(each for each in sys.path if each not in path)]
            self.pickled = pickled


_program: Final = STATE.part(_Program)


class Order(NamedTuple):
    """The work of a step in a run, and the names of the frames that it takes. It travels pickled, as does the answer.

    Ray sends bytes as they are; its own pickling of other values is slower.
    """

    run_id: str
    flush: Callable[[str], list[bytes]]
    """`Home.flush_in_worker`."""
    work: Sent
    names: Sequence[str]
    key: str
    """Of this attempt."""
    folder: str
    """Where a worker of the machine of the run notes that it began; see `began`."""


class Answer(NamedTuple):
    """The worker, the pickled report of a step and the names of the frames that it made, or its error.

    `lines` are those of the record, if the worker does not see the folder of the run.
    """

    worker: str
    names: Sequence[str]
    report: bytes
    error: SentError | None
    lines: Sequence[bytes]


class Several(list[Any]):
    """The frames of a step that made another number of them than one."""


def where() -> str:
    """Return the name of this worker."""
    if not _program.worker:
        _program.worker = f"{ray.util.get_node_ip_address()}, process {os.getpid()}"
    return _program.worker


BEGAN: Final = b"\0"
"""The first byte of a message of the `Inbox` that is no line: the key of a call and its worker follow."""


def _report_begin(order: Order, inbox: Any) -> None:
    if not note_begin(order.folder, order.key, where()) and inbox is not None:
        inbox.put.remote(BEGAN + f"{order.key} {where()}".encode())


def work_here(pickled: bytes, inbox: Any, *values: Any) -> tuple[bytes, Any]:
    """Do the work of a step.

    Args:
        pickled: The program that `program_here` pickled, which this worker follows first, and the pickled `Order`.
        inbox: The `Inbox` of the run, if there is one.
        values: The frames that the step takes.

    Returns:
        The pickled `Answer`, which goes to the process of the run, and the frames, which stay: one itself.
    """
    program, content = pickle.loads(pickled)  # noqa: S301 (the process of the run made it)
    _program.follow(program)
    order: Order = loads(content)
    _report_begin(order, inbox)
    token = send_line.set(None if inbox is None else inbox.put.remote)
    names: list[str] = []
    frames: list[Any] = []
    report, error = b"", None
    try:
        given = {name: restored(value) for name, value in zip(order.names, values, strict=True)}
        made, report = work_of(order.work, given, where(), as_sent=True)
        frames, names = [portable(value) for value in made.values()], list(made)
    except BaseException as raised:
        error = sent_error(raised)
    finally:
        send_line.reset(token)
    answer = Answer(where(), names, report, error, order.flush(order.run_id))
    return pickle.dumps(answer, protocol=5), frames[0] if len(frames) == 1 else Several(frames)


def begin_and_work(*arguments: Any) -> Iterator[Any]:
    """Yield the name of this worker, and then what `work_here` returns, the answer last: for a step with a timeout."""
    yield where()
    answer, frames = work_here(*arguments)
    yield frames
    yield answer


class KeptProcess:
    """An actor that does the work of one step after the other."""

    def where(self) -> str:
        """Return the name of this worker."""
        return where()

    @ray.method(num_returns=2)  # type: ignore[untyped-decorator]
    def work(self, *arguments: Any) -> tuple[bytes, Any]:
        """Return what `work_here` returns."""
        return work_here(*arguments)


def one_of(made: Several, index: int) -> Any:
    """Return one of several frames as a result of its own, so that each can be released alone."""
    return made[index]


class Inbox:
    """An actor that keeps lines of the record on their way from a worker on another machine."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._changed = Event()
        self._over = False

    async def put(self, line: bytes) -> None:
        """Add a line."""
        self._lines.append(line)
        self._changed.set()

    async def end(self) -> None:
        """Take no more lines."""
        self._over = True
        self._changed.set()

    async def take(self) -> list[bytes] | None:
        """Wait for lines and return them; None after the last ones."""
        while not self._lines:
            if self._over:
                return None
            await self._changed.wait()
            self._changed.clear()
        lines, self._lines = self._lines, []
        return lines
