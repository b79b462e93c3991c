"""Slow work behind a queue: bounded, counted, and no hang holds anything up."""

from __future__ import annotations

import logging
import threading

import pytest

from odibi_core.bus.worker_queue import WorkerQueue


def test_everything_accepted_runs_once() -> None:
    """By several workers."""
    done: list[int] = []
    jobs = WorkerQueue(workers=3)
    assert all(jobs.put(done.append, n) for n in range(500))
    assert jobs.close(10)
    assert sorted(done) == list(range(500))
    assert (jobs.accepted, jobs.done, jobs.dropped, jobs.failed) == (500, 500, 0, 0)


def test_what_is_over_the_bound_is_dropped_and_counted() -> None:
    """accepted + dropped is what was put, to the unit; what was accepted runs."""
    go, taken = threading.Event(), threading.Event()
    jobs = WorkerQueue(workers=1, bound=5)

    def hold() -> None:
        taken.set()
        go.wait(10)

    jobs.put(hold)
    assert taken.wait(10)
    kept = [jobs.put(int) for _ in range(8)]
    assert kept == [True] * 5 + [False] * 3
    assert (jobs.accepted, jobs.dropped) == (6, 3)
    go.set()
    assert jobs.close(10)
    assert jobs.done == 6


def test_a_call_that_raises_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """And its worker goes on."""
    jobs = WorkerQueue(workers=1, name="mine")
    done: list[int] = []
    with caplog.at_level(logging.ERROR, "odibi_core"):
        jobs.put(lambda: 1 / 0)
        jobs.put(done.append, 1)
        assert jobs.drain(10)
    assert (jobs.failed, done) == (1, [1])
    assert "mine" in caplog.text


def test_a_call_that_hangs_does_not_hold_up_who_closes() -> None:
    """`close` returns False; the threads are daemons."""
    forever = threading.Event()
    jobs = WorkerQueue(workers=1)
    jobs.put(forever.wait, 60)
    assert jobs.close(0.05) is False
    forever.set()


def test_after_close_it_can_be_used_again() -> None:
    """With new threads: also where the old ones hung when it was closed."""
    forever, done = threading.Event(), threading.Event()
    jobs = WorkerQueue(workers=2)
    for _ in range(2):
        jobs.put(forever.wait, 60)
    assert jobs.close(0.05) is False
    for _ in range(5):
        jobs.put(int)
    jobs.put(done.set)
    assert done.wait(10)
    forever.set()
    assert jobs.close(10)


def test_where_no_thread_can_be_begun_the_caller_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """As at the program's end with Python 3.12; afterwards threads do it as ever."""

    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    done: list[threading.Thread] = []
    jobs = WorkerQueue(workers=2)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none)
        for _ in range(3):
            assert jobs.put(lambda: done.append(threading.current_thread()))
        assert done == [threading.current_thread()] * 3
        assert jobs.drain(0)
    jobs.put(lambda: done.append(threading.current_thread()))
    assert jobs.close(10)
    assert done[3] is not threading.current_thread()
    assert (jobs.accepted, jobs.done, jobs.dropped, jobs.failed) == (4, 4, 0, 0)
