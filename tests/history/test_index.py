"""The index of a store: a cache that answers what the records answer."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.history.stores import START, events_of, write_run, write_runs

from odibi_core import observe
from odibi_core.events.clock import host_name, process_id, process_start, utc_now
from odibi_core.history.compaction import Options, compact
from odibi_core.history.figures import run_figures
from odibi_core.history.index import Index, RunFilter, scan
from odibi_core.history.index.database import FILE
from odibi_core.history.index.refreshing import Refresh
from odibi_core.history.rows import as_dicts, tables_of
from odibi_core.history.rows.tables import ROW_TABLES
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors
from odibi_core.testing import an_event


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def refreshed(root: Path) -> Index:
    index = Index(root)
    index.refresh()
    return index


def expected_runs(root: Path) -> list[dict[str, Any]]:
    """The rows of `runs`, newest first, computed from the records without an index."""
    store, found = RunStore(root), []
    for run_id in store.ids():
        errors = ReadErrors()
        found += as_dicts("runs", tables_of(store.read(run_id, errors), errors)["runs"])
    return sorted(found, key=lambda row: (row["started"], row["run_id"]), reverse=True)


def check_equals_records(root: Path) -> None:
    """The index has the runs that the store has, with the same cells."""
    with refreshed(root) as index:
        assert index.runs() == expected_runs(root)
        for row in index.runs():
            read = list(RunStore(root).read(row["run_id"]))
            tables = tables_of(read, ReadErrors())
            assert index.tables(row["run_id"]) == tables
            known = {each.run_id: each for each in index.figures(row["pipeline_name"], last=100)}
            if row["status"] != "running":
                assert known[row["run_id"]] == run_figures(tables)
        for table in ROW_TABLES:
            rows = [row for run in reversed(index.runs()) for row in index.tables(run["run_id"])[table]]
            assert list(index.hot_rows(table)) == rows


def test_the_index_answers_what_the_records_answer(root: Path) -> None:
    """Lists, rows and figures are those of the records; a second refresh changes nothing."""
    write_runs(root, 7, params={"day": 1})
    check_equals_records(root)
    check_equals_records(root)


def test_the_check_sees_a_stale_index(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: an index that does not look at the sizes of segments is found."""
    write_run(root, "r1", events_of("r1", status="running"))
    check_equals_records(root)
    monkeypatch.setattr("odibi_core.history.index.refreshing.Segments", lambda *_: scan.Segments(root, "r0"))
    write_run(root, "r1", events_of("r1")[-1:])
    with pytest.raises(AssertionError):
        check_equals_records(root)


def test_new_grown_ended_and_pruned_runs(root: Path) -> None:
    """Each change of the store is in the index after the next refresh."""
    *begun, end = events_of("r1")
    write_run(root, "r1", begun)
    check_equals_records(root)
    write_run(root, "r1", [end], "events.p7.jsonl")
    write_run(root, "r2", events_of("r2", day=1, status="failed"))
    check_equals_records(root)
    shutil.rmtree(root / "runs" / "r1")
    check_equals_records(root)
    with Index(root) as index:
        assert [row["run_id"] for row in index.runs()] == ["r2"]
        assert index.nodes("daily", "load", last=9)[0]["run_id"] == "r2"
        assert len(index.nodes("daily", "load", last=9)) == 1


def test_a_run_of_a_dead_process_is_lost(root: Path) -> None:
    """A running run without a process is marked, and one with a living process is not."""
    here: dict[str, Any] = {"host": host_name(), "pid": process_id(), "process_start": process_start()}
    alive = process_start() or 0.0
    about: dict[str, Any] = {"host": host_name(), "pid": 2**22 + 7, "process_start": 1.0}
    write_run(root, "dead", events_of("dead", status="running", **about))
    late = int(alive // 86400) - int(START.timestamp() // 86400) + 1
    write_run(root, "alive", events_of("alive", day=late, status="running", **here))
    with refreshed(root) as index:
        assert {row["run_id"]: row["status"] for row in index.runs()} == {"dead": "lost", "alive": "running"}
    check_equals_records(root)


def test_a_run_that_the_index_has_as_running_is_lost_when_its_process_is_gone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written by a process that was killed; the next refresh looks for it."""
    here: dict[str, Any] = {"host": host_name(), "pid": process_id(), "process_start": process_start()}
    write_run(root, "r1", events_of("r1", day=(utc_now() - START).days, status="running", **here))
    with refreshed(root) as index:
        assert index.runs()[0]["status"] == "running"
        for module in ("odibi_core.history.index.refreshing", "odibi_core.store.runs"):
            monkeypatch.setattr(f"{module}.process_start", lambda _: None)
        index.refresh()
        assert index.runs()[0]["status"] == "lost"


def test_a_settled_run_is_not_looked_at(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended some time ago costs a refresh nothing but its name."""
    (name,) = write_runs(root, 1)
    os.utime(root / "runs" / name / "events" / "events.jsonl", (0, 0))
    refreshed(root).close()
    looked: list[str] = []
    known = scan.Segments

    def look(root: Path, name: str) -> scan.Segments:
        looked.append(name)
        return known(root, name)

    monkeypatch.setattr("odibi_core.history.index.refreshing.Segments", look)
    refreshed(root).close()
    assert looked == []
    write_run(root, "r2", events_of("r2", day=3))
    refreshed(root).close()
    assert set(looked) == {"r2"}


def test_within_a_time_limit_a_run_that_lasts_is_read_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program with many pipelines is not read again after each of them; without a limit it is, and after its end."""
    read: list[str] = []
    fold = Refresh._fold

    def counted(self: Refresh, name: str) -> Any:
        read.append(name)
        return fold(self, name)

    monkeypatch.setattr(Refresh, "_fold", counted)
    with observe("program", store=root) as run, Index(root) as index:
        for _ in range(3):
            run.say("note")
            index.refresh(within_s=60)
        assert read == [run.run_id]
        index.refresh()
        assert read == [run.run_id] * 2
    with Index(root) as index:
        index.refresh(within_s=60)
        assert index.runs()[0]["status"] == "success"


def test_filters(root: Path) -> None:
    """Every filter selects by its column, and all that are given count."""
    write_runs(root, 6, params={"limit": 10, "dry": True, 'a"b': "x"}, tags={"team": "sales"}, partition="p1")
    write_run(root, "other", events_of("other", "weekly", 9, params={"limit": 11}))
    with refreshed(root) as index:
        assert index.pipelines() == {"daily": 6, "weekly": 1}
        for wanted, number in (
            (RunFilter(), 7),
            (RunFilter(pipeline_name="daily"), 6),
            (RunFilter(status="failed"), 1),
            (RunFilter(since=START + timedelta(days=4)), 3),
            (RunFilter(until=START + timedelta(days=4)), 5),
            (RunFilter(tags={"team": "sales"}, until=START), 1),
            (RunFilter(tags={"team": "'; drop table runs --"}), 0),
            (RunFilter(params={"limit": "10", "dry": "true", 'a"b': "x"}), 6),
            (RunFilter(params={"limit": "11"}), 1),
            (RunFilter(partition="p1"), 6),
            (RunFilter(unusual=True), 0),
        ):
            assert (index.count(wanted), len(index.runs(wanted))) == (number, number), wanted
        assert [row["run_id"] for row in index.runs(limit=1, offset=1)] == [index.runs()[1]["run_id"]]


def test_the_last_rows_of_steps(root: Path) -> None:
    """`nodes` has the newest runs first, with the results of the checks, and none after `before`."""
    write_runs(root, 10)
    with refreshed(root) as index:
        rows = index.nodes("daily", "clean", before=START + timedelta(days=9), last=3)
        assert [row["rows_out"] for row in rows] == [92, 93, 94]
        assert [row["checks_failed"] for row in rows] == [0, 1, 0]
        assert {row["node_name"] for row in index.nodes("daily", last=2)} == {"load", "clean"}
        assert index.nodes("unknown") == []
        figures = index.figures("daily", before=START + timedelta(days=5), last=2)
        assert [each.started for each in figures] == [START + timedelta(days=3), START + timedelta(days=4)]


def test_a_recorded_run_needs_no_reading(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`record` keeps the rows of a run; a refresh reads it again only if it has changed, or was recorded in part."""
    events = events_of("r1")
    write_run(root, "r1", events)
    with Index(root) as index:
        index.record("r1", tables_of(events, ReadErrors()))
        with monkeypatch.context() as patch:
            patch.setattr("odibi_core.history.index.refreshing.RunTables", None)
            index.refresh()
        index.record("r1", tables_of(events[:3]), complete=False)
        assert index.runs()[0]["status"] == "running"
        assert index.tables("r1") == tables_of(events, ReadErrors())
        index.record("r1", tables_of(events[:3]), complete=False)
        assert list(index.hot_rows("runs")) == tables_of(events, ReadErrors())["runs"]
    check_equals_records(root)


def test_too_large_a_table_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index keeps no table of a run above the limit, and answers from the record."""
    monkeypatch.setattr("odibi_core.history.index.entries.LARGEST", 400)
    write_runs(root, 2)
    check_equals_records(root)


@pytest.mark.parametrize("damage", ["text", "cut", "flipped", "version", "tables"])
def test_a_damaged_index_is_renamed_and_built_again(root: Path, damage: str) -> None:
    """The answers stay right, and the problem is reported."""
    write_runs(root, 30)
    refreshed(root).close()
    path = root / FILE
    content = path.read_bytes()
    if damage == "text":
        path.write_bytes(b"no database at all" * 500)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        path.write_bytes(content[:100] + bytes(byte ^ 0xFF for byte in content[100:]))
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("pragma user_version = 999" if damage == "version" else "drop table nodes")
        connection.close()
    with refreshed(root) as index:
        assert index.runs() == expected_runs(root)
        assert len(index.nodes("daily", "load", last=99)) == 30
        assert "a new one is built" in index.problems[0]
    assert len(list(root.glob("index.unusable-*.sqlite"))) == 1
    check_equals_records(root)


def test_deleting_the_index_loses_nothing(root: Path) -> None:
    """The next refresh builds it from the records."""
    write_runs(root, 3)
    refreshed(root).close()
    (root / FILE).unlink()
    check_equals_records(root)


def test_an_index_that_cannot_be_written_is_in_memory(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are right on read-only media, and the reason is reported."""
    write_runs(root, 3)
    refreshed(root).close()
    write_run(root, "r9", events_of("r9", day=9))

    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("odibi_core.history.index.database.open_file", refuse)
    with refreshed(root) as index:
        assert index.runs() == expected_runs(root)
        assert "attempt to write a readonly database" in index.problems[0]
        assert len(index.problems) == 1


def test_an_index_that_another_process_writes_all_the_time(root: Path) -> None:
    """A reader waits, and then answers from memory."""
    write_runs(root, 3)
    refreshed(root).close()
    write_run(root, "r9", events_of("r9", day=9))
    writer = sqlite3.connect(root / FILE, isolation_level=None)
    writer.execute("begin immediate")
    with Index(root, busy_s=0.05) as index:
        index.refresh()
        assert index.runs() == expected_runs(root)
        assert "locked" in index.problems[0]
    writer.close()


def test_no_store_has_no_runs(tmp_path: Path) -> None:
    """Nothing is created for a reader."""
    with refreshed(tmp_path / "none") as index:
        assert index.runs() == []
    assert not (tmp_path / "none").exists()


def _refresh_often(root: Path, failures: Any) -> None:
    for _ in range(5):
        with Index(root) as index:
            index.refresh()
            for problem in index.problems:
                failures.put(problem)


def test_many_processes_at_once(root: Path) -> None:
    """Processes that build, refresh and record beside each other agree, and none finds the file damaged."""
    names = write_runs(root, 40)
    context = multiprocessing.get_context("fork")
    failures = context.Queue()
    processes = [context.Process(target=_refresh_often, args=(root, failures)) for _ in range(4)]
    for process in processes:
        process.start()
    for name in names:
        with Index(root) as index:
            index.record(name, tables_of(RunStore(root).read(name), ReadErrors()))
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert failures.empty()
    check_equals_records(root)


def test_compacted_runs(root: Path) -> None:
    """A run that moves into a batch keeps its rows; one that the index never had is read from Parquet."""
    write_runs(root, 6, params={"day": 1})
    before = expected_runs(root)
    tables = {row["run_id"]: tables_of(RunStore(root).read(row["run_id"]), ReadErrors()) for row in before}
    with refreshed(root) as index:
        compact(RunStore(root), Options(grace_s=0))
        index.refresh()
        check_compacted(index, before, tables)
    (root / FILE).unlink()
    with refreshed(root) as index:
        check_compacted(index, before, tables)
        write_run(root, "r9", events_of("r9", day=9))
        index.refresh()
        assert [row["run_id"] for row in index.runs()] == ["r9", *(row["run_id"] for row in before)]
        assert len(list(index.hot_rows("nodes"))) == 2


def check_compacted(index: Index, runs: list[dict[str, Any]], tables: dict[str, Any]) -> None:
    assert index.runs() == runs
    assert list(index.hot_rows("runs")) == []
    assert index.figures("daily", last=9) == [run_figures(tables[row["run_id"]]) for row in reversed(runs)]
    assert len(index.nodes("daily", "load", last=9)) == 6
    assert [index.tables(row["run_id"]) for row in runs] == [tables[row["run_id"]] for row in runs]


def test_a_refresh_without_a_new_batch_scans_no_runs(root: Path) -> None:
    """It takes as long with a hundred thousand compacted runs as with three: an index has every row that it reads."""
    write_runs(root, 3)
    compact(RunStore(root), Options(grace_s=0))
    write_run(root, "20260601T000000-hot-00000001", events_of("20260601T000000-hot-00000001"))
    with refreshed(root) as index:
        statements: list[str] = []
        connection = index._open()
        connection.set_trace_callback(statements.append)
        index.refresh()
        connection.set_trace_callback(None)
        selects = [statement for statement in statements if statement.startswith("select") and " runs " in statement]
        steps = [row[-1] for each in selects for row in connection.execute(f"explain query plan {each}")]
    assert len(selects) >= 3
    assert [step for step in steps if "runs" in step and "USING" not in step] == []


def test_a_run_that_a_process_writes_to_after_its_compaction(root: Path) -> None:
    """The late events are in its rows at the next refresh, and after the next compaction."""
    day = (utc_now() - START).days
    write_run(root, "r1", events_of("r1", day=day))
    compact(RunStore(root), Options(grace_s=0))
    with refreshed(root) as index:
        late = an_event("error", level="error", error="late", run_id="r1", timestamp=utc_now(), writer_id="p7", seq=0)
        write_run(root, "r1", [late], "events.p7.jsonl")
        index.refresh()
        assert [len(index.tables("r1")["errors"]), index.runs()[0]["events"]] == [1, len(events_of("r1")) + 1]
        compact(RunStore(root), Options(grace_s=0))
        index.refresh()
        assert [len(index.tables("r1")["errors"]), len(index.errors()), index.count()] == [1, 1, 1]


def test_a_batch_that_is_gone(root: Path) -> None:
    """Runs of a pruned batch are no longer listed."""
    write_runs(root, 3)
    compact(RunStore(root), Options(grace_s=0))
    refreshed(root).close()
    (root / "runs" / "r9").mkdir(parents=True)
    for name in ("story.html", "lineage.json"):
        (next((root / "runs").iterdir()) / name).touch()  # other files of a run may stay
    for manifest in (root / "manifests").glob("*.json"):
        manifest.unlink()
    with refreshed(root) as index:
        assert index.runs() == []
