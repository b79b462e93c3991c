"""The part of the executor `dask` that runs on the workers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dask.sizeof import sizeof
from distributed import get_worker

from odibi_core.executors.base import send_line
from odibi_core.executors.sending import Sent, portable, restored, work_of
from odibi_core.executors.sent_errors import SentError, sent_error


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
    return Made({name: restored(value) for name, value in frames.items()}, report)


@sizeof.register(Made)  # type: ignore[untyped-decorator]
def _size(made: Made) -> int:
    return len(made.report) + sum(map(int, map(sizeof, made.frames.values())))


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
        frames = {
            name: next(iter(value.frames.values())) if isinstance(value, Made) else value
            for name, value in zip(names, values, strict=True)
        }
        made, report = work_of(call, frames, worker.address)
    except BaseException as error:
        raise Failed(sent_error(error)) from None
    finally:
        send_line.reset(token)
    send({"odibi": "report", "key": key, "report": report, "names": list(made)})
    return Made(made, report)


def one_of(made: Made, name: str) -> Made:
    """Return one of several frames as a result of its own, so that each can be released alone."""
    return Made({name: made.frames[name]}, b"")


def report_of(made: Made) -> tuple[bytes, list[str]]:
    """Return the pickled report and the names of the frames of a step whose message was lost."""
    return made.report, list(made.frames)
