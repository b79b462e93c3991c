"""The workers of a Ray cluster as the place where the steps of one run work."""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from shutil import rmtree
from threading import Condition, Thread
from typing import Any, Final

import ray
from ray import exceptions as failures

from odibi_core.errors import STOPS, ConfigurationError, NotSendableError, StepTimeoutError, WorkerLostError
from odibi_core.events.clock import new_id
from odibi_core.executors.base import Held, Home, Work
from odibi_core.executors.began import began_on
from odibi_core.executors.pickling import loads
from odibi_core.executors.ray_connection import Connection, other_nodes
from odibi_core.executors.ray_kept import KeptWorkers
from odibi_core.executors.ray_worker import BEGAN, Answer, Inbox, Order, begin_and_work, one_of, program_here, work_here
from odibi_core.executors.sending import restored, sent_frame, sent_work

_END_S: Final = 5.0
_UNKNOWN: Final = "unknown"
_ENDED: Final = (failures.WorkerCrashedError, failures.NodeDiedError, failures.OutOfMemoryError, failures.RayActorError)


class _HeldRef(Held):
    """A frame in the object store of a node: that of the worker that ran its step."""

    def __init__(self, ref: Any, step: str, worker: str) -> None:
        self.ref = ref
        self.step = step
        self.worker = worker


class _Call:
    """A step that works on the cluster."""

    def __init__(self, name: str, takes: Sequence[_HeldRef]) -> None:
        self.name = name
        self.key = new_id(32)
        self.takes = takes
        self.task: Any = None
        """By which Ray cancels it."""
        self.worker: str | None = None
        """The worker that began it, if it reported that."""
        self.made: Any = None


class RayPlace:
    """The steps of one run on a cluster.

    Args:
        connection: The connection of the process.
        task_options: The needs of each step, as `ray.remote` takes it.
        keep_workers: Hold the processes until the end of the run.

    Raises:
        ConfigurationError: Ray does not take one of the options.
    """

    def __init__(self, connection: Connection, task_options: Mapping[str, Any], *, keep_workers: bool = False) -> None:
        self.shared = True
        self.batch_s = 0.1
        self._connection = connection
        self._plain = _remote(work_here, task_options, num_returns=2)
        self._timed = _remote(begin_and_work, task_options, num_returns="streaming")
        self._kept = KeptWorkers(task_options) if keep_workers else None
        self._one_of = _remote(one_of, {"num_cpus": 0})
        self._named: dict[tuple[Any, str], Any] = {}
        """The tasks under the names of the steps, which are the names in Ray's own views."""
        self._program = b""
        self._home: Home | None = None
        self._inbox: Any = None
        self._reader: Thread | None = None
        self._changed = Condition()
        self._calls: dict[str, _Call] = {}
        self._folder = ""
        self._lost: set[str] = set()
        self._killed = False

    def open(self, home: Home) -> None:
        self._home, self._program = home, program_here()
        self._connection.open()
        try:
            self._folder = tempfile.mkdtemp(prefix="odibi-ray-")
            if other_nodes():
                self._open_inbox(home)
        except BaseException:
            self.close()
            raise

    def _open_inbox(self, home: Home) -> None:
        self._inbox = ray.remote(num_cpus=0, max_restarts=0)(Inbox).remote()
        self._reader = Thread(target=self._read, args=(self._inbox, home), name="odibi-inbox", daemon=True)
        self._reader.start()

    def _read(self, inbox: Any, home: Home) -> None:
        """Record the lines that arrive; those that are lost on the way come with the answer of their step."""
        with suppress(Exception):
            while (lines := ray.get(inbox.take.remote())) is not None:
                for line in lines:
                    if line.startswith(BEGAN):
                        self._began(line)
                home.receive([line for line in lines if not line.startswith(BEGAN)])

    def _began(self, message: bytes) -> None:
        key, _, worker = message.removeprefix(BEGAN).decode().partition(" ")
        call = self._calls.get(key)
        if call is not None:
            call.worker = worker

    def call(
        self, work: Work, frames: Mapping[str, Any], task: Any, *, timeout_s: float | None = None
    ) -> tuple[dict[str, Held], Any]:
        name, message = sent_work(work, task)
        call = _Call(name, [value for value in frames.values() if isinstance(value, _HeldRef)])
        assert self._home is not None
        values = [value.ref if isinstance(value, _HeldRef) else sent_frame(value, key) for key, value in frames.items()]
        order = Order(self._home.run_id, self._home.flush_in_worker, message, list(frames), call.key, self._folder)
        sent = pickle.dumps((self._program, pickle.dumps(order, protocol=5)), protocol=5)
        arguments = (sent, self._inbox, *values)
        try:
            answer = self._answer(call, arguments, timeout_s)
        finally:
            with self._changed:
                self._calls.pop(call.key, None)
                self._changed.notify_all()
        if answer.lines:
            self._home.receive(answer.lines)
        if answer.error is not None:
            raise answer.error.restored()
        made = [call.made]
        if len(answer.names) != 1:
            made = [self._one_of.remote(call.made, index) for index in range(len(answer.names))]
        held = (_HeldRef(ref, name, answer.worker) for ref in made)
        return dict(zip(answer.names, held, strict=True)), loads(answer.report)

    def _answer(self, call: _Call, arguments: tuple[Any, ...], timeout_s: float | None) -> Answer:
        """Submit a step and wait for its answer.

        Raises:
            WorkerLostError: Its worker ended, a frame is lost, or the task was cancelled.
            StepTimeoutError: It took too long.
            NotSendableError: It cannot be loaded, or a frame that it takes.
        """
        try:
            if self._kept is not None:
                return self._by_kept(self._kept, call, arguments, timeout_s)
            if timeout_s is None:
                answer, call.made = self._begin(call, self._plain, arguments)
            else:
                stream = self._begin(call, self._timed, arguments)
                call.worker = ray.get(next(stream))  # the timeout counts from here
                if not ray.wait([stream], timeout=timeout_s)[0]:
                    raise self._late(call, timeout_s)
                call.made = next(stream)
                answer = next(stream, call.made)  # a task that failed has one more value, which raises
            found: Answer = loads(ray.get(answer))
            return found
        except failures.RayError as error:
            raise self._failure(call, error) from error

    def _by_kept(
        self, workers: KeptWorkers, call: _Call, arguments: tuple[Any, ...], timeout_s: float | None
    ) -> Answer:
        """Return the answer of a process that the run holds; one that gives none is ended."""
        with self._changed:
            self._calls[call.key] = call
        kept, found = workers.take(), None
        call.worker = kept.name
        try:
            answer, call.made = kept.process.work.remote(*arguments)
            if timeout_s is not None and not ray.wait([answer], timeout=timeout_s)[0]:
                raise _too_long(timeout_s)
            found = loads(ray.get(answer))
            return found  # type: ignore[no-any-return]
        finally:
            if found is None:
                workers.end(kept)
            else:
                workers.give_back(kept)

    def _begin(self, call: _Call, function: Any, arguments: tuple[Any, ...]) -> Any:
        with self._changed:
            if self._killed:
                raise WorkerLostError("the workers of the run have ended")
            self._calls[call.key] = call
            named = self._named.get((function, call.name))
            if named is None:
                named = self._named[function, call.name] = function.options(name=call.name)
            begun = named.remote(*arguments)
            call.task = begun[0] if isinstance(begun, list) else begun
            return begun

    def _late(self, call: _Call, timeout_s: float) -> StepTimeoutError:
        """End the worker process of a task that takes too long: it runs no other one."""
        with suppress(Exception):
            ray.cancel(call.task, force=True)
        return _too_long(timeout_s)

    def fetch(self, held: Held) -> Any:
        assert isinstance(held, _HeldRef)
        try:
            return _changeable(restored(ray.get(held.ref)))
        except STOPS:
            raise
        except BaseException as error:
            raise WorkerLostError(f"{self._lose_frame(held)}: {_first_line(error)}") from error

    def release(self, held: Held) -> None:
        if isinstance(held, _HeldRef):
            held.ref = None  # Ray frees a value that has no reference

    def kill(self) -> None:
        """End the worker processes of all steps that run."""
        self._killed = True
        if self._kept is not None:
            self._kept.end_all()
        for call in list(self._calls.values()):
            with suppress(Exception):
                ray.cancel(call.task, force=True)

    def close(self) -> None:
        self._killed = True
        with self._changed:  # a thread that waits for Ray must not see the end of the connection
            self._changed.wait_for(lambda: not self._calls, _END_S)
        if self._inbox is not None and self._reader is not None:
            with suppress(Exception):
                self._inbox.end.remote()
                self._reader.join(_END_S)
                ray.kill(self._inbox)
            self._inbox = None
        if self._kept is not None:
            self._kept.end_all()
        self._connection.close()
        if self._folder:
            rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def _failure(self, call: _Call, error: failures.RayError) -> Exception:
        """Return the error of a step whose task did not end as tasks end."""
        if isinstance(error, _ENDED):
            worker = call.worker or began_on(self._folder, call.key)
            self._lose(worker or _UNKNOWN)
            at = f"the worker {worker}" if worker else "a worker of the Ray cluster"
            return WorkerLostError(f"{at} ended while step {call.name!r} ran on it: {_first_line(error)}")
        if isinstance(error, failures.ObjectLostError):
            lost = [held for held in call.takes if held.ref.hex() == error.object_ref_hex] or call.takes
            return WorkerLostError(f"step {call.name!r} cannot begin: {'; '.join(map(self._lose_frame, lost))}")
        if isinstance(error, failures.RayTaskError):
            cause = getattr(error, "cause", error)
            return NotSendableError(f"step {call.name!r} or a frame that it takes cannot be sent: {_first_line(cause)}")
        return WorkerLostError(f"the task of step {call.name!r} is lost: {_first_line(error) or type(error).__name__}")

    def _lose_frame(self, held: _HeldRef) -> str:
        """Publish that a node ended, and return what was lost with it."""
        self._lose(held.worker)
        return f"the frame of step {held.step!r} is lost with the node of the worker {held.worker}"

    def _lose(self, worker: str) -> None:
        """Publish the end of a worker, once."""
        if self._home is not None and not self._killed and (worker == _UNKNOWN or worker not in self._lost):
            self._lost.add(worker)
            self._home.worker_lost(worker, ())


def _remote(function: Callable[..., Any], options: Mapping[str, Any], **more: Any) -> Any:
    """Return a function as a task of Ray that is never tried again: the retries of its step decide."""
    own = {"max_retries": 0, **more}
    if taken := sorted(own.keys() & options.keys() | {"name", "retry_exceptions"} & options.keys()):
        raise ConfigurationError(f"task_options must not have {', '.join(taken)}: a step has retries of its own")
    try:
        return ray.remote(**options, **own)(function)
    except (TypeError, ValueError, AssertionError) as error:
        raise ConfigurationError(f"task_options must be options of ray.remote, got {options!r}: {error}") from error


def _too_long(timeout_s: float) -> StepTimeoutError:
    return StepTimeoutError(f"took longer than its timeout_s of {timeout_s:g} s and its worker process was ended")


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]


def _changeable(value: Any) -> Any:
    """Return a value that this process may change: the arrays of pandas and numpy are in memory that Ray shares."""
    for library, kind in (("pandas", "DataFrame"), ("pandas", "Series"), ("numpy", "ndarray")):
        module = sys.modules.get(library)
        if module is not None and isinstance(value, getattr(module, kind)):
            return value.copy()
    return value
