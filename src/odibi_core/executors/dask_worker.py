"""The part of the executor `dask` that runs on the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from dask.sizeof import sizeof
from distributed import get_worker

from odibi_core.executors.base import send_line
from odibi_core.executors.sending import Sent, portable, restored, work_of
from odibi_core.executors.sent_errors import SentError, sent_error

SOON_S: Final = 0.02
"""Seconds after which a step that still runs reports that it began."""


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


class _Start:
    """The message that a step began, which is sent after `SOON_S`, unless the step is over.

    Dask holds a message back that follows another one at once, so that of a short step would delay its end.
    """

    def __init__(self, send: Callable[[Any], object], about: Mapping[str, Any], loop: Any) -> None:
        self.is_over = False
        self._send = send
        self._about = about
        loop.add_callback(loop.call_later, SOON_S, self._after_a_moment)

    def _after_a_moment(self) -> None:
        if not self.is_over:
            self._send({"odibi": "began", **self._about})


def work_here(call: Sent, topic: str, key: str, names: list[str], *values: Sent | Made) -> Made:
    """Do the work of a step, and send its report to the process of the run, which does not wait for more.

    Dask's own message of the end of the task follows it, some milliseconds later on each part of the way.

    Raises:
        Failed: The work failed.
    """
    worker = get_worker()
    send = partial(worker.log_event, topic)
    about = {"key": key, "worker": worker.address, "threads": worker.state.nthreads}
    start = _Start(send, about, worker.loop)
    token = send_line.set(lambda line: send({"odibi": "line", "worker": worker.address, "line": line}))
    try:
        frames = {
            name: next(iter(value.frames.values())) if isinstance(value, Made) else value
            for name, value in zip(names, values, strict=True)
        }
        made, report = work_of(call, frames, worker.address)
    except BaseException as error:
        send({"odibi": "failed", **about})
        raise Failed(sent_error(error)) from None
    finally:
        start.is_over = True
        send_line.reset(token)
    send({"odibi": "report", **about, "report": report, "names": list(made)})
    return Made(made, report)


def one_of(made: Made, name: str) -> Made:
    """Return one of several frames as a result of its own, so that each can be released alone."""
    return Made({name: made.frames[name]}, b"")


def report_of(made: Made) -> tuple[bytes, list[str]]:
    """Return the pickled report and the names of the frames of a step whose message was lost."""
    return made.report, list(made.frames)
