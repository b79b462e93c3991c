"""The promises of threads beyond those of every executor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.families.test_executors import PATIENCE, SHAPES, Work, within_patience

from odibi_core.executors.threads import ThreadsExecutor


def test_tasks_run_at_the_same_time() -> None:
    """Tasks that are ready together, at the start or later, meet at a barrier that none passes alone."""
    first, second = threading.Barrier(3), threading.Barrier(4)

    def execute(task: int) -> list[int]:
        if task < 3:
            first.wait(PATIENCE)
            return [3, 4, 5, 6] if task == 0 else []
        second.wait(PATIENCE)
        return []

    within_patience(lambda: ThreadsExecutor(4).run([0, 1, 2], execute))


def test_no_more_workers_than_asked_for() -> None:
    """And none that has nothing to do: a chain needs one thread."""
    for workers, shape, most in [(3, "wide", 3), (8, "chain", 1), (8, "one", 1)]:
        work = Work(SHAPES[shape])
        ThreadsExecutor(workers).run(work.roots, work)
        assert len(set(work.threads.values())) <= most


def test_threads_end_with_the_run() -> None:
    """When `run` returns, its threads are gone; an exception changes nothing about that."""
    work = Work(SHAPES["layers"])
    ThreadsExecutor(4).run(work.roots, work)

    def fail(task: int) -> list[int]:
        raise LookupError

    with pytest.raises(LookupError):
        ThreadsExecutor(4).run([1, 2, 3, 4], fail)
    assert [t for t in threading.enumerate() if t.name.startswith("odibi-worker")] == []


def test_abandon() -> None:
    """`run` returns while a task is at it still; its successors are not begun, its thread ends with it."""
    executor = ThreadsExecutor(3)
    begun, go = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []
    done = []

    def execute(task: int) -> list[int]:
        threads.append(threading.current_thread())
        if task == 1:
            assert begun.wait(PATIENCE)
            executor.cancel(abandon=True)
        elif task == 2:
            begun.set()
            go.wait(PATIENCE)
        done.append(task)
        return [1, 2] if task == 0 else [9]

    within_patience(lambda: executor.run([0], execute))
    assert len(threads) == 3
    assert 2 not in done
    go.set()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert 9 not in done


def test_fewer_threads_than_wished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a second thread the first does all the work; when there is none at all, `run` raises."""
    given = 1
    start = threading.Thread.start

    def meagre(thread: threading.Thread) -> None:
        nonlocal given
        if thread.name.startswith("odibi-worker"):
            if not given:
                raise RuntimeError("can't start new thread")
            given -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", meagre)
    work = Work(SHAPES["layers"])
    ThreadsExecutor(4).run(work.roots, work)
    assert len(work.done) == len(SHAPES["layers"])
    with pytest.raises(RuntimeError, match="new thread"):
        ThreadsExecutor(4).run([0], Work([[]]))


INTERRUPTED = """
import signal, sys, threading
from odibi_core.executors.threads import ThreadsExecutor

# A program that a shell put into the background begins with the signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def execute(task):
    print("begun", task, flush=True)
    threading.Event().wait(60)
    return [task + 10]

try:
    ThreadsExecutor(2).run([0], execute)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
def test_an_interrupt_reaches_the_caller_at_once() -> None:
    """Ctrl-C while a step runs is raised from `run`, and the step does not keep the process alive."""
    source = Path(__file__).resolve().parents[2] / "src"
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun 0\n"
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
    assert rest == "interrupted\n"
    assert process.returncode == 7
