"""The work for the history at the end of a run."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.history.stores import write_runs

from odibi_core.events import encode
from odibi_core.history import end_of_run
from odibi_core.history.figures import RunFigures
from odibi_core.history.index import Index
from odibi_core.history.index.database import FILE
from odibi_core.history.rows import tables_of
from odibi_core.observability import EventBus, Orchestrator, get_logger, node, observe
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors
from odibi_core.testing import RecordingSink, an_event


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def one() -> list[dict[str, int]]:
    return [{"n": 1}]


def two(one: list[dict[str, int]]) -> list[dict[str, int]]:
    return one


def run(root: Path, **options: Any) -> Any:
    return Orchestrator([one, two], pipeline_name="daily", store=root, **options).execute()


def indexed(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The rows of the index as a command reads them."""
    with Index(root) as index:
        index.refresh()
        return index.runs()


def test_a_run_leaves_its_figures_for_the_next_one(root: Path) -> None:
    """They are those of its record. A command that reads the index reads the other rows from the record."""
    run_id = run(root)["run_id"]
    with Index(root) as index:
        (left,) = index.figures("daily")
        assert (left.run_id, left.status) == (run_id, "success")
        assert index.nodes("daily") == []
        index.refresh()
        errors = ReadErrors()
        assert index.tables(run_id) == tables_of(RunStore(root).read(run_id, errors), errors)
        assert [node["node_name"] for node in index.nodes("daily", last=1)] == ["one", "two"]
        (read,) = index.figures("daily")
    # The run as a whole ends a moment after it was judged.
    assert {**left.figures, "run": None} == {**read.figures, "run": None}
    assert left.figures["run"].keys() == read.figures["run"].keys()


def test_an_observed_run_and_a_failed_run_are_indexed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of every kind end in the same way, with the lines of the log and the failures beside their steps."""

    def program() -> None:
        with observe("outer", store=root):
            node(one)()
            get_logger("shop").error("order_failed", error="no route")
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        program()
    (row,) = indexed(root, monkeypatch)
    assert (row["pipeline_name"], row["status"]) == ("outer", "failed")
    with Index(root) as index:
        assert {error[index_of("errors", "message")] for error in index.hot_rows("errors")} >= {"no route"}


def index_of(table: str, column: str) -> int:
    from odibi_core.history.schema import TABLES

    return TABLES[table].names.index(column)


def test_a_run_of_too_many_events_is_left_to_the_next_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither judged nor indexed at its end."""
    monkeypatch.setattr(end_of_run, "MAX_EVENTS", 3)
    run_id = run(root)["run_id"]
    with Index(root) as index:
        assert index.figures("daily") == []
        index.refresh()
        assert [row["run_id"] for row in index.runs()] == [run_id]


def test_a_line_that_is_written_after_the_end_is_indexed(root: Path) -> None:
    """A worker process may write after the end of its run."""
    run_id = run(root)["run_id"]
    (path,) = (root / "runs" / run_id / "events").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(encode(an_event("late")))
    with Index(root) as index:
        index.refresh()
        errors = ReadErrors()
        assert index.tables(run_id) == tables_of(RunStore(root).read(run_id, errors), errors)


Judge = Callable[[Index, RunFigures], list[dict[str, Any]] | None]


def notice_with(monkeypatch: pytest.MonkeyPatch, judge: Judge) -> None:
    module = ModuleType("odibi_core.history.noticing")
    module.judge_run = judge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "odibi_core.history.noticing", module)


def test_findings_are_published_before_the_end(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is compared with the figures of earlier runs, which the index has; the end reports the number."""
    earlier: list[int] = []
    monkeypatch.setattr(end_of_run, "LEARNING", 0)

    def judge(index: Index, current: RunFigures) -> list[dict[str, Any]]:
        earlier.append(len(index.figures("daily")))
        about = {"node_name": "two", "series": "two.rows", "actual": current.status}
        return [{"message": "too few rows", **about}]

    notice_with(monkeypatch, judge)
    for _ in range(3):
        bus, heard = EventBus(), RecordingSink()
        bus.subscribe(heard)
        run(root, event_bus=bus)
    assert earlier == [0, 1, 2]
    anomaly, end = heard.events[-2:]
    assert (anomaly.event_type, anomaly.node_name, anomaly.message) == ("anomaly", "two", "too few rows")
    assert anomaly.fields["actual"] == "success"
    assert (end.event_type, end.fields["unusual"]) == ("pipeline_complete", 1)
    assert [row["unusual"] for row in indexed(root, monkeypatch)] == [1, 1, 1]


def test_a_run_that_was_not_judged_reports_no_number(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 would be a claim: too large a run, and one that a rule cannot judge, have no `unusual`."""
    monkeypatch.setattr(end_of_run, "LEARNING", 0)
    notice_with(monkeypatch, lambda *_: None)
    run(root)
    monkeypatch.setattr(end_of_run, "MAX_EVENTS", 3)
    notice_with(monkeypatch, lambda *_: [])
    run(root)
    assert [row["unusual"] for row in indexed(root, monkeypatch)] == [None, None]


def test_a_run_that_is_stopped_is_closed_without_being_judged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has seconds to close its record; on a busy machine, judging took two of them."""
    judged: list[str] = []
    notice_with(monkeypatch, lambda *_: judged.append("daily"))

    def stopped() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Orchestrator([stopped], pipeline_name="daily", store=root).execute()
    assert judged == []
    assert [(row["status"], row["unusual"]) for row in indexed(root, monkeypatch)] == [("cancelled", None)]


def test_a_new_pipeline_is_not_judged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five successful runs of it come first; those of another pipeline and those that failed do not count."""
    judged: list[Index] = []

    def judge(index: Index, current: RunFigures) -> list[dict[str, Any]]:
        judged.append(index)
        return []

    notice_with(monkeypatch, judge)

    def fails() -> None:
        raise ValueError("boom")

    Orchestrator([fails], pipeline_name="daily", store=root, raise_on_error=False).execute()
    Orchestrator([one], pipeline_name="other", store=root).execute()
    counts = [run(root) and len(judged) for _ in range(7)]
    assert counts == [0, 0, 0, 0, 0, 1, 2]
    assert sorted(str(row["unusual"]) for row in indexed(root, monkeypatch)) == ["0"] * 2 + ["None"] * 7


def test_a_failure_is_reported_once_and_never_raised(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run succeeds; the failure is a `hook_failed` event and a count of the bus."""

    def judge(*_: object) -> None:
        raise RuntimeError("the judge is ill")

    monkeypatch.setattr(end_of_run, "LEARNING", 0)
    notice_with(monkeypatch, judge)
    bus, heard = EventBus(), RecordingSink()
    bus.subscribe(heard)
    assert run(root, event_bus=bus)["success"]
    assert run(root, event_bus=bus)["success"]
    assert bus.failures == {"noticing": 2}
    (failed,) = heard.of_kind("hook_failed")
    assert "the judge is ill" in str(failed.error)


def test_a_damaged_index_is_replaced_and_a_missing_one_built(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest earlier runs are in the new index, so that the next run has a baseline."""
    root.mkdir()
    write_runs(root, 3)
    (root / FILE).write_bytes(b"no database" * 999)
    assert run(root)["success"]
    assert len(indexed(root, monkeypatch)) == 4
    assert len(list(root.glob("*.unusable-*"))) == 1


def test_an_index_that_cannot_be_written_is_no_failure(root: Path) -> None:
    """The next command finds the run in its record."""
    run(root)
    writer = sqlite3.connect(root / FILE, isolation_level=None)
    writer.execute("begin immediate")
    bus = EventBus()
    assert run(root, event_bus=bus)["success"]
    writer.close()
    assert bus.failures == {}
    with Index(root) as index:
        index.refresh()
        assert index.count() == 2


def test_an_index_of_an_earlier_boot_is_not_trusted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a run does not wait for the disk; a command that read the index has waited since."""
    run(root)
    with monkeypatch.context() as patch:
        patch.setattr("odibi_core.history.index.database.boot_id", lambda: "the next")
        with Index(root) as index:
            index.refresh()
            assert "when the machine stopped" in index.problems[0]
            assert index.count() == 1
    run(root)
    with Index(root) as index:
        index.refresh()
    monkeypatch.setattr("odibi_core.history.index.database.boot_id", lambda: "the third")
    with Index(root) as index:
        index.refresh()
        assert (index.problems, index.count()) == ([], 2)


def test_a_forked_child_does_nothing(root: Path) -> None:
    """Only the process that opened the run ends it."""
    ended = end_of_run.EndOfRun(EventBus(), "r1", RunStore(root))
    pid = os.fork()
    if pid == 0:
        ended.recorded()
        os._exit(0 if ended.judge("success", 1.0) is None and not root.exists() else 1)
    assert os.waitpid(pid, 0)[1] == 0
