"""The runs that run now, of every process that writes into the store, and those whose process died."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.history.stores import START, events_of, write_run, write_runs

from odibi_core.events import Event
from odibi_core.events.clock import host_name, process_start, utc_now
from odibi_core.history.live import LiveRuns
from odibi_core.store.runs import RunStore

YEARS = timedelta(days=3650)


def running(run_id: str, ago: timedelta, **about: Any) -> list[Event]:
    """Return the first events of a run that began so long ago: its step `clean` is open."""
    about = {"pid": os.getpid(), "host": host_name(), "process_start": process_start(), **about}
    shift = utc_now() - ago - START
    events = events_of(run_id, run_id.split("-")[1], status="running", **about)[:6]
    return [replace(each, timestamp=each.timestamp + shift) for each in events]


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """A store of four good runs of `daily` and one that failed."""
    write_runs(tmp_path, 5)
    return RunStore(tmp_path)


def test_a_run_is_shown_with_its_open_step_and_the_usual_durations(store: RunStore) -> None:
    """Rows and memory as far as they are known; the next poll reads the lines that came since."""
    run_id = "20260601T040000-daily-00000001"
    first = running(run_id, timedelta(seconds=40))
    write_run(store.root, run_id, first)
    live = LiveRuns(store)
    (run,) = live.poll()
    assert (run.pipeline_name, run.status, run.steps, run.done) == ("daily", "running", 2, 1)
    assert 40_000 <= (run.elapsed_ms or 0) < 60_000
    assert run.usual_ms == pytest.approx(21.5)
    assert (run.rows_read, run.rows_published, run.errors, run.is_here) == (100, None, 0, True)
    assert (run.memory_mb or 0) > 10
    (step,) = run.open_steps
    assert (step.name, step.usual_ms) == ("clean", 2.0)
    kinds = [event.event_type for event in live.lines(run_id)]
    assert kinds == ["pipeline_start", "node_start", "node_complete", "node_start"]
    later = events_of(run_id, status="failed")[7:]
    write_run(store.root, run_id, [replace(each, timestamp=utc_now()) for each in later])
    assert live.poll() == [], "it ended, and ended runs were not asked for"


def test_a_new_run_appears_and_an_ended_one_stays_as_long_as_asked(store: RunStore) -> None:
    """The running ones come first; another pipeline is left out if one is asked for."""
    live = LiveRuns(store, timedelta(minutes=10), "daily")
    assert live.poll() == []
    write_run(store.root, run_id := "20260601T040000-daily-00000001", running(run_id, timedelta(seconds=90)))
    write_run(store.root, other := "20260601T040000-other-00000001", running(other, timedelta(seconds=9)))
    (run,) = live.poll()
    assert 85 < (run.quiet_s or 0) < 120
    ends = [replace(each, timestamp=utc_now()) for each in events_of(run_id, status="failed")[7:]]
    write_run(store.root, run_id, ends)
    (run,) = live.poll()
    assert (run.status, run.errors, run.error, run.open_steps) == ("failed", 1, "clean: row 0 is bad", [])
    assert len(LiveRuns(store, YEARS, "daily").poll()) == 6


def test_a_run_whose_process_died_is_lost(store: RunStore) -> None:
    """At the first poll or at a later one; its open step is no longer open."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    about = {"pid": process.pid, "process_start": process_start(process.pid)}
    write_run(store.root, run_id := "20260601T040000-daily-00000001", running(run_id, timedelta(seconds=5), **about))
    live = LiveRuns(store)
    assert [run.status for run in live.poll()] == ["running"]
    process.kill()
    process.wait()
    live.poll()
    for runs in (live.poll(), LiveRuns(store).poll()):
        assert [(run.status, run.open_steps, run.errors) for run in runs] == [("lost", [], 0)]


def test_a_run_of_another_host_is_not_judged_by_its_pid(store: RunStore) -> None:
    """The pid may be free here; without a lease that ended, the run counts as running."""
    write_run(
        store.root, run_id := "20260601T040000-daily-00000001",
        running(run_id, timedelta(seconds=5), pid=2**22 + 1, host="elsewhere"),
    )  # fmt: skip
    live = LiveRuns(store)
    live.poll()
    assert [(run.status, run.host, run.is_here) for run in live.poll()] == [("running", "elsewhere", False)]
