"""The part of the executor `ray` that runs in the workers."""

from __future__ import annotations

import os
from asyncio import Event
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import ray

from odibi_core.executors.base import send_line
from odibi_core.executors.sending import Sent, portable, restored, work_of
from odibi_core.executors.sent_errors import SentError, sent_error


class Answer(NamedTuple):
    """The pickled report of a step and the names of the frames that it made, or its error.

    `lines` are those of the record, if the worker does not see the folder of the run.
    """

    names: Sequence[str]
    report: bytes
    error: SentError | None
    lines: Sequence[bytes]


class Several(list[Any]):
    """The frames of a step that made another number of them than one."""


def where() -> str:
    """Return the name of this worker."""
    return f"{ray.util.get_node_ip_address()}, process {os.getpid()}"


Flush: TypeAlias = Callable[[str], list[bytes]]


def work_here(run_id: str, flush: Flush, call: Sent, inbox: Any, names: list[str], *values: Any) -> tuple[Answer, Any]:
    """Do the work of a step; return the answer, which goes to the process of the run, and the frames, which stay."""
    send = None if inbox is None else inbox.put.remote
    token = send_line.set(send)
    names_made: list[str] = []
    made, report, error = None, b"", None
    try:
        frames = {name: restored(value) for name, value in zip(names, values, strict=True)}
        frames_made, report = work_of(call, frames, where())
        names_made = list(frames_made)
        made = [portable(value) for value in frames_made.values()]
    except BaseException as raised:
        error = sent_error(raised)
    finally:
        send_line.reset(token)
    answer = Answer(names_made, report, error, flush(run_id))
    return answer, made[0] if made is not None and len(made) == 1 else Several(made or ())


def begin_and_work(*arguments: Any) -> Iterator[Any]:
    """Yield the name of this worker, and then what `work_here` returns: for a step with a timeout."""
    yield where()
    yield from work_here(*arguments)


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
