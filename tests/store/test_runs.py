"""Runs: found by any part of their id, and marked lost once, by the first reader, never while they live."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from odibi_core.errors import RunNotFoundError
from odibi_core.events import kinds, sanitize_text
from odibi_core.events.clock import host_name, process_start
from odibi_core.redaction.redactor import configure
from odibi_core.store import runs
from odibi_core.store.runs import RunStore
from odibi_core.testing import FakeClock, an_event


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "store")


def begun(store: RunStore, name: str = "nightly", *, ended: bool = False, **about: Any) -> str:
    """A run with a start event, of this process by default."""
    clock = FakeClock()
    run_id = store.new_run_id(name, clock.now())
    journal = store.open(run_id)
    fields = {
        "pipeline_name": name,
        "pid": os.getpid(),
        "host": host_name(),
        "process_start": process_start(),
        **about,
    }
    journal(an_event("pipeline_start", run_id=run_id, timestamp=clock.now(), writer_id="w", seq=0, **fields))
    if ended:
        journal(
            an_event(
                "pipeline_complete",
                run_id=run_id,
                timestamp=clock.now(),
                writer_id="w",
                seq=1,
                status="success",
            )
        )
    journal.close()
    return run_id


def dead_process() -> dict[str, Any]:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    about = {"pid": child.pid, "process_start": process_start(child.pid)}
    child.communicate(b"\n")
    return about


def lost_events(store: RunStore, run_id: str) -> int:
    return [event.event_type for event in store.read(run_id)].count(kinds.RUN_LOST)


def test_making_a_store_touches_nothing(store: RunStore) -> None:
    """The folder comes with the first run; an empty store has no runs and the message names the fix."""
    assert (store.ids(), store.rows(), store.root.exists()) == ([], [], False)
    with pytest.raises(RunNotFoundError, match="run a pipeline first"):
        store.find()


def test_ids_sort_by_time_to_the_microsecond(store: RunStore) -> None:
    """Runs of different pipelines begun within one second: the latest is the latest."""
    clock, made = FakeClock(), []
    for name in ("zebra", "apple", "mango", "a-b-c", "../x"):
        made.append(store.new_run_id(name, clock.now()))
        store.open(made[-1]).close()
        clock.advance(0.000_002)
    clock.advance(3)
    made.append(store.new_run_id("again", clock.now()))
    store.open(made[-1]).close()
    assert store.ids() == made
    assert store.find() == store.find("latest") == made[-1]


def test_a_run_is_found_by_id_part_of_it_or_its_pipelines_name(store: RunStore) -> None:
    """A name means its latest run; what fits several is refused; what fits none gets the nearest."""
    first, second = begun(store, "nightly", ended=True), begun(store, "weekly report", ended=True)
    assert store.find(first) == first
    assert store.find("nightly") == first
    assert store.find("weekly report") == second
    assert store.find(second[-5:]) == second
    with pytest.raises(RunNotFoundError, match="could be any of 2 runs"):
        store.find("2026")
    with pytest.raises(RunNotFoundError, match="the nearest is nightly"):
        store.find("nightli")
    with pytest.raises(RunNotFoundError):
        store.find("../../etc")


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "a\nb", "", "x" * 300, "\ud800", "ü", ".."])
def test_any_name_stays_inside_the_store(name: str, store: RunStore) -> None:
    """A pipeline's name, and a foreign id, are data and never a path."""
    run_id = begun(store, name, ended=True)
    assert store.folder(run_id).parent == store.folder(name).parent == store.root / "runs"
    assert store.find(name or None) == store.ids()[0]
    assert len(store.rows()) == 1


def test_a_dead_run_is_declared_lost_once(store: RunStore) -> None:
    """By reading: the row has the status, and reading again adds nothing."""
    run_id = begun(store, **dead_process())
    assert [row["status"] for row in store.rows()] == ["lost"]
    assert store.detect_lost(run_id) is False
    assert [row["status"] for row in store.rows()] == ["lost"]
    assert lost_events(store, run_id) == 1
    lost = list(store.read(run_id))[-1]
    assert (lost.status, lost.level, lost.run_id) == ("lost", "error", run_id)
    assert not [path for path in (store.folder(run_id) / "events").iterdir() if path.suffix != ".jsonl"]


def look(root: Path, run_id: str, results: Any) -> None:
    results.put(RunStore(root).detect_lost(run_id))


def test_several_that_look_at_once_declare_it_once(store: RunStore) -> None:
    """Exactly one of six processes is the one."""
    run_id = begun(store, **dead_process())
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    lookers = [context.Process(target=look, args=(store.root, run_id, results)) for _ in range(6)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join(30)
    assert sorted(results.get(timeout=10) for _ in lookers) == [False] * 5 + [True]
    assert lost_events(store, run_id) == 1


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"host": "another-machine", "pid": 2**22 + 1},
        {"pid": None},
        {"pid": "x"},
        {"process_start": None},
        {"pid": True},
    ],
)
def test_a_living_or_unknown_run_is_never_declared_lost(about: dict[str, Any], store: RunStore) -> None:
    """One that lives, one of another machine, one without a process id."""
    run_id = begun(store, **about)
    assert [row["status"] for row in store.rows()] == ["running"]
    assert store.detect_lost(run_id) is False
    assert lost_events(store, run_id) == 0


def test_a_pid_that_another_process_has_now_is_not_the_run(store: RunStore) -> None:
    """Pid and start time together name a process."""
    begun(store, process_start=(process_start() or 0) - 3600)
    assert [row["status"] for row in store.rows()] == ["lost"]


def test_a_run_that_ended_while_we_looked_is_not_lost(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was running when it was read, and its process gone afterwards: an event in between counts."""
    run_id = begun(store, **dead_process())
    stale = store._fold(run_id)
    journal = store.open(run_id)
    journal(
        an_event(
            "pipeline_complete",
            run_id=run_id,
            timestamp=FakeClock().now() + timedelta(seconds=1),
            status="success",
        )
    )
    journal.close()
    real, answers = store._fold, [stale]
    monkeypatch.setattr(store, "_fold", lambda run: answers.pop() if answers else real(run))
    assert store.detect_lost(run_id) is False
    assert [row["status"] for row in store.rows()] == ["success"]


def test_a_store_that_cannot_be_written_is_still_read(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run stays as it is recorded; nothing raises."""
    begun(store, **dead_process())

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert [row["status"] for row in store.rows()] == ["running"]


def test_strange_things_in_the_folder_are_passed_over(store: RunStore) -> None:
    """Files, folders without a journal, an empty journal."""
    run_id = begun(store, ended=True)
    (store.root / "runs" / "file").write_text("x")
    (store.root / "runs" / "empty").mkdir()
    (store.root / "runs" / "20990101T000000-none-0" / "events").mkdir(parents=True)
    assert [row["run_id"] for row in store.rows()] == [run_id]


def test_no_name_makes_an_id_that_redaction_would_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the same in every event, also where a name's digits and our own together are what a rule hides."""
    configure(patterns=["4111-1111-1{8}"])
    monkeypatch.setattr(runs, "new_id", lambda length: "1" * length)
    moment = FakeClock().now().replace(microsecond=0x11111)
    run_id = RunStore(tmp_path).new_run_id("x-4111-1111", moment)
    assert run_id == f"{moment:%Y%m%dT%H%M%S}-pipeline-11111111"
    assert sanitize_text(run_id) == run_id
