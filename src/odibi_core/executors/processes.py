"""An executor that runs steps in worker processes of this machine; their frames stay in files that all of them map."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from shutil import rmtree
from threading import Lock
from typing import Any, Final

from odibi_core.errors import ConfigurationError, StepTimeoutError, WorkerLostError
from odibi_core.executors.base import Held, Home, Work, worker_command
from odibi_core.executors.pickling import dumps, loads
from odibi_core.executors.threads import ThreadsExecutor
from odibi_core.executors.worker import INLINE, Call, Done, Kept, keep, load

_END_S: Final = 5.0
_MOST_INLINE: Final = 32 * 1024 * 1024
"""Bytes of small frames that this process holds for its workers; more of them go to files."""


class ProcessesExecutor(ThreadsExecutor):
    """Runs steps in at most `max_workers` processes, which are started on demand and end with the run.

    A worker is a fresh interpreter: it has neither the globals of this process nor its main program. One that dies
    fails the attempt of its step, and another one takes its place.
    """

    name = "processes"

    def __init__(self, max_workers: int = 4) -> None:
        super().__init__(max_workers)
        if sys.platform == "win32":
            raise ConfigurationError("executor must be 'inline' or 'threads' on Windows, got 'processes'")
        self._processes = self.place = ProcessPlace()

    def cancel(self, *, abandon: bool = False) -> None:
        super().cancel(abandon=abandon)
        if abandon:
            self._processes.kill()


class _HeldFile(Held):
    """A frame in a file, or a small one as its pickle."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    @property
    def inline(self) -> int:
        return len(self.kept.pickled or b"")


class ProcessPlace:
    """The worker processes of one run, and the folder with their frames."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._idle: deque[_Worker] = deque()
        self._workers: set[_Worker] = set()
        self._folder: Path | None = None
        self._closed = False
        self._inline = 0
        self.shared = False
        self.batch_s = 0.0

    def open(self, home: Home) -> None:
        """Do nothing: workers start on demand."""

    def call(
        self, work: Work, frames: Mapping[str, Any], task: Any, *, timeout_s: float | None = None
    ) -> tuple[dict[str, Held], Any]:
        folder = self._frames_folder()
        sent = {name: _kept(value, name, folder) for name, value in frames.items()}
        inline = INLINE if self._inline < _MOST_INLINE else 0
        message = dumps(Call(work, sent, task, inline), f"step {getattr(getattr(task, 'step', None), 'name', '')!r}")
        worker = self._take()
        try:
            done = worker.ask(message, timeout_s)
        except BaseException:
            self._discard(worker)
            raise
        self._idle.append(worker)
        if done.error is not None:
            raise done.error.restored()
        made = {name: _HeldFile(kept) for name, kept in done.frames.items()}
        self._count(sum(held.inline for held in made.values()))
        return dict(made), done.report

    def _count(self, size: int) -> None:
        if size:
            with self._lock:
                self._inline += size

    def _frames_folder(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="odibi-frames-"))
            return self._folder

    def _take(self) -> _Worker:
        """Return an idle worker that is alive, or a new one."""
        while self._idle:
            with suppress(IndexError):
                worker = self._idle.popleft()
                if worker.is_alive():
                    return worker
                self._discard(worker)
        worker = _Worker(self._frames_folder())
        with self._lock:
            self._workers.add(worker)
            closed = self._closed
        if closed:
            self._discard(worker)
            raise WorkerLostError("the workers of the run have ended")
        return worker

    def _discard(self, worker: _Worker) -> None:
        worker.kill()
        with self._lock:
            self._workers.discard(worker)

    def fetch(self, held: Held) -> Any:
        assert isinstance(held, _HeldFile)
        return load(held.kept)

    def release(self, held: Held) -> None:
        if not isinstance(held, _HeldFile):
            return
        self._count(-held.inline)
        path, held.kept = held.kept.path, Kept("")
        if path:
            with suppress(OSError):
                Path(path).unlink()

    def kill(self) -> None:
        """End the workers at once, whatever they do."""
        self._closed = True
        for worker in list(self._workers):
            worker.kill()

    def close(self) -> None:
        self._closed = True
        with self._lock:
            workers, self._workers = self._workers, set()
            folder, self._folder = self._folder, None
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.join()
        if folder is not None:
            rmtree(folder, ignore_errors=True)


def _kept(value: Any, name: str, folder: Path) -> Kept:
    return value.kept if isinstance(value, _HeldFile) else keep(value, name, folder)


class _Worker:
    """One worker process and the connection to it, used by one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._connection, its_end = Pipe()
        with its_end:
            self._process = subprocess.Popen(
                [*worker_command("odibi_core.executors.worker"), str(its_end.fileno())],
                stdin=subprocess.DEVNULL, pass_fds=[its_end.fileno()],
            )  # fmt: skip
        start = {"folder": str(folder), "argv": sys.argv}
        with suppress(OSError):  # it has ended already: the first call reports that
            self._connection.send_bytes(json.dumps(start).encode())

    def is_alive(self) -> bool:
        return self._process.poll() is None and not self._connection.poll()  # an end of file can be read at once

    def ask(self, message: bytes, timeout_s: float | None) -> Done:
        """Send a call and wait for its answer.

        Raises:
            WorkerLostError: The process ended.
            StepTimeoutError: There is no answer after `timeout_s` seconds.
        """
        try:
            self._connection.send_bytes(message)
            if timeout_s is not None and not wait([self._connection], timeout_s):
                raise StepTimeoutError(f"took longer than its timeout_s of {timeout_s:g} s and its process was ended")
            done: Done = loads(self._connection.recv_bytes())
            return done
        except (EOFError, ConnectionError) as error:
            raise WorkerLostError(f"the worker process {self._process.pid} {self._ending()}") from error

    def _ending(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(_END_S)
            return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return "closed its connection"

    def kill(self) -> None:
        """End the process at once. Never raises."""
        with suppress(OSError):
            self._process.kill()
        self.join()

    def end(self) -> None:
        """Let the process end after its present call. Never raises."""
        with suppress(OSError):
            self._connection.send_bytes(b"")

    def join(self) -> None:
        """Wait for the end of the process, for a bounded time. Never raises."""
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
