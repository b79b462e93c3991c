"""The workers of a Dask cluster as the place where the steps of one run work."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event, Lock
from typing import Any, Final

from distributed import KilledWorker, wait

from odibi_core.errors import STOPS, NotSendableError, StepTimeoutError, WorkerLostError
from odibi_core.events.clock import monotonic, new_id
from odibi_core.executors.base import Held, Home, Work
from odibi_core.executors.dask_cluster import Cluster, stop_worker
from odibi_core.executors.dask_worker import SOON_S, Failed, Made, one_of, report_of, work_here
from odibi_core.executors.pickling import loads
from odibi_core.executors.sending import Sent, sent_frame, sent_work

_ALL: Final = "all"
"""Dask's own topic of events, with those of workers that end."""
_LOOK_S: Final = 0.1
"""Seconds between two looks at a task, whose messages may be lost with a connection."""
_END_S: Final = 5.0


class _HeldFuture(Held):
    """A frame on a worker."""

    def __init__(self, future: Any) -> None:
        self.future = future


class _Call:
    """A step that works on the cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.report: tuple[bytes, Sequence[str]] | None = None
        """Pickled, and the names of the frames that were made."""
        self.worker: str | None = None
        """The worker that began it."""
        self.began = 0.0
        self.ending: str | None = None
        """How the worker ended that began it, or may have."""
        self.may_move = False
        """True if its worker ended before it can have begun."""
        self.is_over = False
        self.has_news = Event()
        """Set once the function ended, or the worker did."""

    def patience(self, timeout_s: float | None) -> float:
        """Return how many seconds to wait for a message, until the next look at the task."""
        if timeout_s is None or self.worker is None:
            return _LOOK_S
        return max(0.001, min(_LOOK_S, self.began + timeout_s - monotonic()))

    def is_late(self, timeout_s: float | None) -> bool:
        return timeout_s is not None and self.worker is not None and monotonic() - self.began >= timeout_s


class DaskPlace:
    """The steps of one run on a cluster, over a connection of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self.shared = True
        self.batch_s = 0.1
        self._cluster = cluster
        self._client: Any = None
        self._home: Home | None = None
        self._lock = Lock()
        self._calls: dict[str, _Call] = {}
        """Those of which a frame is still needed, too."""
        self._futures: dict[str, Any] = {}
        self._freed: deque[Any] = deque()
        """Frames that are released right after the next step is sent: a worker gets one message in 5 ms."""
        self._workers: dict[str, int] = {}
        """The workers that began a step, and how many each runs at the same time."""
        self._lines: Counter[str] = Counter()
        """The lines of the record that each worker sent."""
        self._killed = False

    def open(self, home: Home) -> None:
        self._home = home
        client = self._cluster.connect()
        self._client = client
        client.subscribe_topic(client.id, self._receive)
        client.subscribe_topic(_ALL, self._receive)

    def _receive(self, event: tuple[float, Any]) -> Any:
        """Take a message of a worker, or of the scheduler, in the thread of the connection."""
        about = event[1]
        if not isinstance(about, Mapping):
            return None
        kind, call = about.get("odibi"), self._calls.get(about.get("key", ""))
        if about.get("action") == "remove-worker":
            return self._lose(str(about.get("worker")), about)
        if kind == "line" and self._home is not None:
            self._lines[about["worker"]] += 1
            self._home.receive([about["line"]])
        elif kind in ("began", "report", "failed"):
            self._workers[about["worker"]] = about["threads"]
            if call is None:
                return None
            call.worker, call.began = about["worker"], call.began or monotonic() - SOON_S
            if kind == "report" and not call.is_over:
                call.report, call.is_over = (about["report"], about["names"]), True
            if kind != "began":
                call.has_news.set()
        return None

    def _lose(self, worker: str, about: Mapping[str, Any]) -> Any:
        """Cancel the steps that a lost worker had begun: another attempt is for their policy to decide, not for Dask.

        Steps that it cannot have begun, because it was busy with others, and lost frames go to another worker. The
        message of a start is lost with a worker that ends at once, so that the others count as begun.
        """
        tasks = [key for key in map(str, about.get("processing-tasks", ())) if key in self._calls]
        running = [key for key in tasks if self._is_running(key)]
        # Also a call that took too long: its task is cancelled, and its function still runs.
        busy = sum(call.worker == worker and not call.is_over for call in list(self._calls.values()))
        is_full = busy >= self._workers.get(worker, busy + 1)
        cancelled = []
        for key in running:
            call = self._calls[key]
            if is_full and call.worker != worker:
                call.may_move = True
            else:
                call.ending = f"ended while step {call.name!r} ran on it"
                if call.worker != worker:
                    call.ending = f"ended, and step {call.name!r} may have begun on it"
                call.worker = worker
                cancelled.append(self._futures[key])
            call.has_news.set()
        lost = [*about.get("lost-computed-tasks", ()), *(key for key in tasks if key not in running)]
        again = sorted({self._calls[key].name for key in lost if key in self._calls})
        if self._home is not None and (worker in self._workers or running or again):
            self._workers.pop(worker, None)
            self._home.worker_lost(worker, again)
        return self._client.cancel(cancelled, asynchronous=True) if cancelled else None

    def _is_running(self, key: str) -> bool:
        call = self._calls.get(key)
        return call is not None and not call.is_over and key in self._futures

    def call(
        self, work: Work, frames: Mapping[str, Any], task: Any, *, timeout_s: float | None = None
    ) -> tuple[dict[str, Held], Any]:
        name, message = sent_work(work, task)
        call = _Call(name)
        values = [
            value.future if isinstance(value, _HeldFuture) else sent_frame(value, key) for key, value in frames.items()
        ]
        future, report = self._done(call, (message, list(frames), values), timeout_s)
        outputs = call.report[1] if call.report is not None else ()
        call.report = None  # a map holds ten thousand calls until it ends
        if len(outputs) == 1:
            return {outputs[0]: _HeldFuture(future)}, report
        held: dict[str, Held] = {
            name: _HeldFuture(self._client.submit(one_of, future, name, pure=False)) for name in outputs
        }
        self._drop(future.key)
        return held, report

    def _done(self, call: _Call, work: tuple[Sent, list[str], list[Any]], timeout_s: float | None) -> tuple[Any, Any]:
        """Return the future and the report of a call; submit it once more if its worker ended before it began."""
        message, names, values = work
        while True:
            key = f"{call.name}-{new_id(32)}"
            with self._lock:
                if self._killed:
                    raise WorkerLostError("the workers of the run have ended")
                self._calls[key] = call
                future = self._futures[key] = self._client.submit(
                    work_here, message, self._client.id, key, names, *values, key=key, pure=False
                )
            self._free()
            is_done = call.may_move = False
            call.has_news.clear()
            try:
                self._wait(call, future, timeout_s)
                if call.ending is not None or not (call.may_move and _is_killed(future)):
                    report = self._report(call, future)
                    is_done = True
                    return future, report
            finally:
                if not is_done:
                    self._drop(key)
                call.is_over = is_done

    def _wait(self, call: _Call, future: Any, timeout_s: float | None) -> None:
        """Wait for the report of a task, which arrives before its end, or for its end, whatever it is.

        Raises:
            StepTimeoutError: It took too long.
        """
        with self._client.as_current():
            while call.report is None and not future.done():
                try:
                    if call.has_news.wait(call.patience(timeout_s)) and call.report is None:
                        wait(future, timeout=call.patience(timeout_s))
                except TimeoutError:
                    pass
                except STOPS:
                    raise
                except BaseException as error:
                    if not future.done():  # the task was cancelled, or is lost
                        raise WorkerLostError(f"step {call.name!r} lost its connection: {error}") from error
                self._free()
                if call.is_late(timeout_s) and call.report is None and not future.done():
                    raise self._late(call, future, timeout_s)

    def _late(self, call: _Call, future: Any, timeout_s: float | None) -> StepTimeoutError:
        """Cancel a task that takes too long, and end its worker if that belongs to the run."""
        future.cancel()
        text = f"took longer than its timeout_s of {timeout_s:g} s"
        if self._cluster.is_own and call.worker is not None and stop_worker(self._client, call.worker):
            return StepTimeoutError(f"{text} and its worker process was ended")
        return StepTimeoutError(
            f"{text}; its task is cancelled, but a function that runs cannot be stopped, and may still run on the "
            f"worker {call.worker}"
        )

    def _report(self, call: _Call, future: Any) -> Any:
        """Return the report of a task that ended.

        Raises:
            BaseException: The failure of the step.
            WorkerLostError: Its worker ended, or the task was cancelled.
        """
        if call.report is None and future.status == "finished":  # its message was lost with a connection
            call.report = self._client.submit(report_of, future, pure=False).result()
        if call.report is not None:
            return loads(call.report[0])
        if future.status == "error":
            error = future.exception()
            if isinstance(error, Failed):
                raise error.sent.restored()
            if isinstance(error, KilledWorker):
                raise WorkerLostError(_ended(call)) from error
            raise NotSendableError(f"step {call.name!r} or a frame that it takes cannot be sent: {error}") from error
        if call.ending is not None:
            raise WorkerLostError(_ended(call))
        raise WorkerLostError(
            f"the task of step {call.name!r} is {future.status}; its scheduler is gone, or another client cancelled it"
        )

    def fetch(self, held: Held) -> Any:
        assert isinstance(held, _HeldFuture)
        try:
            made = self._client.gather(held.future)
        except STOPS:
            raise
        except BaseException as error:
            raise WorkerLostError(f"a frame is lost with its worker: {error}") from error
        assert isinstance(made, Made)
        (value,) = made.frames.values()
        return value

    def release(self, held: Held) -> None:
        if isinstance(held, _HeldFuture):
            self._freed.append(held.future)

    def _free(self) -> None:
        with suppress(IndexError):
            while True:
                future = self._freed.popleft()
                self._drop(future.key)
                with suppress(Exception):
                    future.release()

    def _drop(self, key: str) -> None:
        with self._lock:
            self._calls.pop(key, None)
            future = self._futures.pop(key, None)
        if future is not None:
            with suppress(Exception):
                future.release()

    def kill(self) -> None:
        """Cancel all tasks; on workers that are not the run's own, running functions continue."""
        self._killed = True
        futures = list(self._futures.values())
        if self._client is not None and futures:
            with suppress(Exception):
                self._client.cancel(futures)

    def close(self) -> None:
        self._killed = True
        client, self._client = self._client, None
        if client is not None and self._home is not None:
            self._end_in_workers(client, self._home)
            for topic in (client.id, _ALL):  # else the scheduler sends to a connection that is closed
                with suppress(Exception):
                    client.unsubscribe_topic(topic)
        self._cluster.close(client)
        with self._lock:
            self._calls.clear()
            self._futures.clear()
            self._freed.clear()

    def _end_in_workers(self, client: Any, home: Home) -> None:
        """Let each worker flush what it recorded, and receive the lines that did not arrive."""
        for worker in sorted(self._workers):
            lines: Sequence[bytes] = ()
            with suppress(Exception):
                lines = client.sync(
                    client._run, home.end_in_worker, home.run_id, self._lines[worker],
                    workers=[worker], on_error="ignore", callback_timeout=_END_S,
                ).get(worker, ())  # fmt: skip
            if lines:
                home.receive(lines)


def _is_killed(future: Any) -> bool:
    return future.status == "error" and isinstance(future.exception(), KilledWorker)


def _ended(call: _Call) -> str:
    return f"the worker {call.worker} {call.ending or f'ended while step {call.name!r} ran on it'}"
