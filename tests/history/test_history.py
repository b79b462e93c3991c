"""`odibi_core.history(store)`: the tables of all runs, compacted or not, each run once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import odibi_core
from odibi_core import Orchestrator, Step
from odibi_core.errors import QueryError, RunNotFoundError
from odibi_core.history.compaction import compact
from odibi_core.history.history import History
from odibi_core.history.index import RunFilter
from odibi_core.history.noticing import notes
from odibi_core.history.schema import DUCKDB_TYPES, TABLES
from odibi_core.history.sql import collecting
from odibi_core.history.sql.macros import MACROS
from odibi_core.store.journal import Journal
from odibi_core.store.runs import RunStore
from odibi_core.testing import FakeClock, an_event

STEPS = [
    Step(name="read", value=lambda: [{"a": 1}, {"a": 2}], outputs={"out": "read"}),
    Step(name="keep", value=lambda read: read[:1], inputs={"read": "read"}, outputs={"out": "keep"}),
]


def run(folder: Path, name: str = "daily") -> str:
    result = Orchestrator(STEPS, pipeline_name=name, store=folder).execute()
    return str(result["run_id"])


def logged(folder: Path, name: str, *fields: dict[str, Any]) -> str:
    """A run whose record has an event for each dict of fields."""
    store, clock = RunStore(folder), FakeClock()
    run_id = store.new_run_id(name, clock.now())
    journal = store.open(run_id)
    journal(an_event("pipeline_start", run_id=run_id, timestamp=clock.now(), pipeline_name=name))
    for each in fields:
        clock.advance(1)
        journal(an_event("seen", run_id=run_id, timestamp=clock.now(), **each))
    clock.advance(1)
    journal(an_event("pipeline_complete", run_id=run_id, timestamp=clock.now(), pipeline_name=name, status="success"))
    journal.close()
    return run_id


@pytest.fixture(params=["hot", "cold", "both"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Three runs, none, all or two of them compacted."""
    for number in range(3):
        run(tmp_path)
        if (request.param, number) in (("cold", 2), ("both", 1)):
            compact(RunStore(tmp_path))
    assert len(RunStore(tmp_path).hot_ids()) == {"hot": 3, "cold": 0, "both": 1}[request.param]
    return tmp_path


@pytest.mark.parametrize("isolated", [False, True])
def test_each_run_is_there_once(store: Path, isolated: bool) -> None:
    """In every table, whichever form it is stored in, in this process and in another."""
    ask = odibi_core.history(store)
    counts = ", ".join(f"(select count(*) from {name}) as {name}" for name in ("runs", "nodes", "logs"))
    (row,) = ask.sql(f"select {counts}", isolated=isolated).rows
    assert row == {"runs": 3, "nodes": 6, "logs": sum(1 for _ in RunStore(store).events())}
    query = "select node_name, rows_out, count(*) as n from nodes group by all order by 1"
    rows = ask.sql(query, isolated=isolated).rows
    assert rows == [{"node_name": "keep", "rows_out": 1, "n": 3}, {"node_name": "read", "rows_out": 2, "n": 3}]


def test_every_table_has_the_columns_and_types_of_the_schema(store: Path) -> None:
    """Also a table without rows; `logs` has more."""
    for table in TABLES.values():
        answer = odibi_core.history(store).sql(f"describe {table.name}")
        found = {row["column_name"]: row["column_type"] for row in answer.rows}
        expected = {column.name: DUCKDB_TYPES[column.type] for column in table.columns}
        assert list(found)[: len(expected)] == list(expected)
        assert expected.items() <= found.items()


def test_the_same_rows_hot_and_cold(tmp_path: Path) -> None:
    """Every table of a run gives the same answer before and after compaction."""
    run(tmp_path)
    queries = [f"select * from {name} order by all" for name in TABLES if name != "logs"]
    before = [History(tmp_path).sql(query).rows for query in queries]
    assert sum(map(len, before)) > 3
    compact(RunStore(tmp_path))
    assert [History(tmp_path).sql(query).rows for query in queries] == before


@pytest.mark.parametrize(
    "query", ["select * from runs", "select * from logs", "select * from runs join logs using (run_id)"]
)
def test_a_batch_that_cannot_be_read_is_a_notice(tmp_path: Path, query: str) -> None:
    """Whichever part of the query is the first to meet it, and sets it aside; the answer lacks its runs."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "batch-1.json").write_text("{damaged")
    (notice,) = History(tmp_path).sql(query).notices
    assert "batch-1.json is damaged" in notice


def test_the_list_of_runs_warns_of_a_batch_that_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A list of rows has no place for it, so that it is a line of the log."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "batch-1.json").write_text("{damaged")
    assert History(tmp_path).runs() == []
    assert "batch-1.json is damaged" in caplog.text


def test_one_run_can_be_chosen(store: Path) -> None:
    """In every table; a run that is not there is an error."""
    latest = RunStore(store).ids()[-1]
    answer = History(store).sql("select (select min(run_id) from nodes) as a, min(run_id) as b from logs", run="daily")
    assert answer.rows == [{"a": latest, "b": latest}]
    with pytest.raises(RunNotFoundError):
        History(store).sql("select 1", run="weekly")


def test_an_empty_store_has_every_table(tmp_path: Path) -> None:
    """Zero rows, no error, and no folder is made."""
    history = odibi_core.history(tmp_path / "none")
    for name in TABLES:
        assert history.sql(f"select count(*) as n from {name}").rows == [{"n": 0}]
    assert [row["name"] for row in history.sql("show tables").rows] == sorted(TABLES)
    assert not (tmp_path / "none").exists()


def test_fields_of_compacted_and_hot_runs_are_one_column(tmp_path: Path) -> None:
    """In any spelling, with the type that holds all values; types that conflict become text, which is reported."""
    logged(tmp_path, "a", {"recordsIn": 1, "size": 1, "mixed": 1, "only_cold": "x"})
    compact(RunStore(tmp_path))
    logged(tmp_path, "b", {"records_in": 2, "size": 2.5, "mixed": "two", "onlyHot": True})
    ask = History(tmp_path).sql
    query = "select recordsIn, records_in, size, mixed, only_cold, only_hot from logs where event = 'seen' order by 1"
    answer = ask(query)
    assert [tuple(row.values()) for row in answer.rows] == [
        (1, 1, 1.0, "1", "x", None),
        (2, 2, 2.5, "two", None, True),
    ]
    assert answer.notices == ["mixed: logged with several types, so that the column is text"]
    assert ask("select records_in from logs").notices == []
    whole = ask("select * from logs where event_type = 'seen' order by recordsIn").rows
    assert [(row["recordsIn"], row["size"], row["onlyHot"]) for row in whole] == [(1, 1.0, None), (2, 2.5, True)]


def test_events_outside_of_runs_are_in_the_log(tmp_path: Path) -> None:
    """Those of `notes/`; one run alone does not show them."""
    run_id = run(tmp_path)
    journal = Journal(tmp_path / "notes")
    journal(an_event("alert_acknowledged", alert_id="a1"))
    journal.close()
    query = "select count(*) as n from logs where event_type = 'alert_acknowledged'"
    assert History(tmp_path).sql(query).rows == [{"n": 1}]
    assert History(tmp_path).sql(query, run=run_id).rows == [{"n": 0}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select duraton from nodes", "nodes has no field 'duraton' (did you mean 'duration_ms'?)"),
        ("select row_out from nodes", "nodes has no field 'row_out' (did you mean 'rows_out'?)"),
        ("select git_commit from nodes", "'git_commit'; the table runs has one: join runs using (run_id)"),
        (
            "select row_count from nodes",
            "nodes has no field 'row_count' (did you mean 'rows_in', 'rows_out' or 'row_delta'?); "
            "the table snapshots has one: join snapshots using (run_id, node_name)",
        ),
        ("select row_count from runs", "(did you mean 'rows_read' or 'rows_published'?); the table snapshots has one"),
        ("select start_time from nodes", "nodes has no field 'start_time' (did you mean 'started'?)"),
        ("select state from nodes", "nodes has no field 'state' (did you mean 'status'?)"),
        ("select step from nodes", "nodes has no field 'step' (did you mean 'node_name'?)"),
        ("select git_comit from nodes", "nodes has no field 'git_comit' (did you mean 'git_commit'?)"),
        ("select oddity from nodes", "nodes has no field 'oddity'"),
        ("select recordsOut from logs", "the log has no field 'recordsOut' (did you mean 'recordsIn'?)"),
        ("select * from node", "there is no table 'node' (did you mean 'nodes'?)"),
        ("select * from lates()", "the table function lates is not allowed (did you mean 'latest'?)"),
        ("select * from read_parquet('x')", "the table function read_parquet is not allowed"),
        ("drop view nodes", "SELECT only; given was DROP"),
    ],
)
@pytest.mark.parametrize("is_cold", [False, True])
def test_a_wrong_name_has_the_nearest_one_in_the_error(
    query: str, expected: str, is_cold: bool, tmp_path: Path
) -> None:
    """Of the tables of the query, then of all."""
    logged(tmp_path, "a", {"recordsIn": 1})
    if is_cold:
        compact(RunStore(tmp_path))
    with pytest.raises(QueryError) as error:
        History(tmp_path).sql(query)
    assert expected in str(error.value)


@pytest.mark.parametrize("name", ["s*", "s[a-z]", "s?", "it's \"s\"", "{a,b}", "two\nlines"])
def test_the_name_of_a_store_is_no_pattern(name: str, tmp_path: Path) -> None:
    """Beside a store that the pattern would match."""
    for each in (name, "sx"):
        run(tmp_path / each, "p" + str(len(each)))
        compact(RunStore(tmp_path / each))
    for isolated in (False, True):
        ask = History(tmp_path / name)
        assert ask.sql("select count(distinct run_id) as n from logs", isolated=isolated).rows == [{"n": 1}]
        assert ask.sql("select count(*) as n from nodes", isolated=isolated).rows == [{"n": 2}]


def test_other_files_of_the_store_cannot_be_read(store: Path) -> None:
    """The query is refused, and a file of the store is not allowed to the connection either."""
    (store / "secret.parquet").write_bytes(b"canary")
    with pytest.raises(QueryError, match="not allowed"):
        History(store).sql(f"select * from read_parquet('{store}/secret.parquet'), runs")


@pytest.mark.parametrize("macro", MACROS)
def test_every_macro_can_be_called(macro: str, store: Path) -> None:
    """With the pipeline's name wherever it takes a run."""
    arguments = {"history_of": "'daily', 'read'", "share": "1, 4", "failing_since": "'daily'"}
    called = f"{macro}({arguments.get(macro, repr('daily'))})"
    query = f"select * from {called}" if MACROS[macro].is_table else f"select {called} as value"
    answer = odibi_core.history(store).sql(query)
    assert answer.columns
    if not MACROS[macro].is_table:
        assert answer.rows[0]["value"] in (0.25, *RunStore(store).ids())


def test_a_macro_of_a_run_that_is_not_there_is_an_error(store: Path) -> None:
    """Not an empty answer."""
    with pytest.raises(QueryError, match="there is no run weekly"):
        History(store).sql("select * from slowest('weekly')")


def test_an_answer_is_a_frame_of_each_library(store: Path) -> None:
    """With the types of the query in Arrow, also without rows."""
    query = "select node_name, rows_out, started, null::double as x from nodes order by 1"
    answer = odibi_core.history(store).sql(query)
    assert list(answer.df()["node_name"]) == ["keep"] * 3 + ["read"] * 3
    assert answer.polars()["rows_out"].to_list() == [1, 1, 1, 2, 2, 2]
    types = {field.name: str(field.type) for field in answer.arrow().schema}
    assert types == {"node_name": "string", "rows_out": "int64", "started": "timestamp[us, tz=UTC]", "x": "double"}
    empty = odibi_core.history(store).sql("select rows_out, [1] as list, {'a': 1} as struct from nodes where false")
    assert [str(field.type) for field in empty.arrow().schema] == ["int64", "list<item: int32>", "string"]
    assert (len(empty.df()), empty.polars().shape) == (0, (0, 3))


def test_a_line_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    """In the answer of a query over `logs`."""
    run_id = run(tmp_path)
    with (RunStore(tmp_path).folder(run_id) / "events" / "other.jsonl").open("wb") as file:
        file.write(b'no json\n{"half')
    answer = History(tmp_path).sql("select count(*) from logs")
    assert (answer.read_errors.torn, answer.read_errors.unreadable) == (1, 1)


LINES = """
import odibi_core
assert callable(odibi_core.history)
import odibi_core.history.schema
assert odibi_core.history.schema.TABLES
assert odibi_core.history("none").sql("select 1 as a").rows == [{"a": 1}]
from odibi_core import history
assert history is odibi_core.history
"""


@pytest.mark.parametrize("before", ["", "import odibi_core.history.rows\n", "from odibi_core.history import history\n"])
def test_the_function_and_the_package_are_one(before: str) -> None:
    """Whichever is used first."""
    done = subprocess.run([sys.executable, "-c", before + LINES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_alone_loads_nothing_heavy() -> None:
    """Neither DuckDB nor SQLite, before a query needs them."""
    code = "import odibi_core, sys; odibi_core.history; print('duckdb' in sys.modules, 'sqlite3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_notes_about_alerts_are_in_the_table_of_alerts(tmp_path: Path) -> None:
    """Acknowledgements, mutes and runs that did not come, which belong to no run; before and after compaction."""
    fields = {"node_name": "read", "family": "rows", "alert_id": "a1", "actual": 1}
    store, run_id = RunStore(tmp_path), "20260101T000000-daily-00000001"
    journal = store.open(run_id)
    found = [fields, {**fields, "alert_id": "a2", "family": "join"}]
    for kind, more in (("pipeline_start", {}), *(("anomaly", each) for each in found)):
        journal(an_event(kind, run_id=run_id, pipeline_name="daily", **more))
    journal(an_event("pipeline_complete", run_id=run_id, pipeline_name="daily", status="success"))
    journal.close()
    notes.write(tmp_path, notes.ACKNOWLEDGED, "seen", {"alert_id": "a1"})
    mute = {"pipeline_name": "daily", "family": "join", "until": "2030-01-01T00:00:00Z"}
    notes.write(tmp_path, notes.MUTED, "quiet", mute)
    about = {"pipeline_name": "daily", "alert_id": "m1", "due": "2026-01-02T00:00:00Z"}
    notes.write(tmp_path, notes.MISSED, "daily did not run", about)
    query = "select alert_id, kind, acknowledged is not null as seen, muted from alerts order by alert_id"
    expected = [("a1", "anomaly", True, False), ("a2", "anomaly", False, True), ("m1", "missed", False, False)]
    for _ in range(2):
        assert [tuple(row.values()) for row in History(tmp_path).sql(query).rows] == expected
        compact(store)
    assert [row["alert_id"] for row in History(tmp_path).sql(query, run=run_id).rows] == ["a1", "a2"]


IRREGULAR: list[dict[str, Any]] = [
    {
        "event_type": "a", "node_name": 5, "duration_ms": "long", "row_count": "7", "message": {"a": 1},
        "metadata": "text", "recordsIn": 1, "records_in": 2, "x": {"k": [1, None]}, "y": None, "z": 2**70,
    },
    {"event": "b", "x": "s", "metadata": {"m": 1}, "z": 1.5, "seq": 4, "writer_id": "w", "a/b~c": 1},
]  # fmt: skip


def test_the_log_of_any_values_is_the_same_hot_and_cold(tmp_path: Path) -> None:
    """Values that do not fit a standard column, values of several types, fields without a value."""
    folder = tmp_path / "runs" / "20260101T000000-daily-00000001" / "events"
    folder.mkdir(parents=True)
    about = {"run_id": folder.parent.name, "level": "info"}
    start = {"event_type": "pipeline_start", "pipeline_name": "daily"}
    end = {"event_type": "pipeline_complete", "status": "success"}
    lines = [
        json.dumps({"timestamp": f"2026-01-01T00:00:0{number}Z", **about, **fields}) + "\n"
        for number, fields in enumerate([start, *IRREGULAR, end])
    ]
    (folder / "events.jsonl").write_text("".join(lines))
    queries = ["select * from logs order by timestamp", 'select z, x, node_name, "a/b~c" from logs order by timestamp']
    before = [History(tmp_path).sql(query).rows for query in queries]
    assert compact(RunStore(tmp_path)).runs == 1
    after = [History(tmp_path).sql(query).rows for query in queries]
    for hot, cold in zip(before[0], after[0], strict=True):
        known = {name: value for name, value in hot.items() if name in cold or value is not None}
        assert known == {name: cold.get(name) for name in known}
    assert before[1] == after[1]


def test_a_run_that_is_compacted_while_it_is_listed_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hot rows and segments were listed before the batch existed; the batch then has them."""
    run(tmp_path)
    store = RunStore(tmp_path)
    hot_ids, hot_rows = RunStore.hot_ids, collecting._hot_rows

    def then_compacted(listed: Any) -> Any:
        compact(RunStore(tmp_path))
        return listed

    monkeypatch.setattr(RunStore, "hot_ids", lambda self: then_compacted(hot_ids(self)))
    events = "select count(*) as n, count(distinct seq) as different from logs where writer_id is not null"
    (row,) = History(store).sql(events).rows
    assert row["n"] == row["different"] > 0
    monkeypatch.undo()
    run(tmp_path)
    monkeypatch.setattr(collecting, "_hot_rows", lambda *given: then_compacted(hot_rows(*given)))
    assert History(tmp_path).sql("select count(*) as n from nodes").rows == [{"n": 4}]


def test_runs_are_listed_by_the_index(store: Path) -> None:
    """Filtered and in pages, the newest first."""
    rows = History(store).runs(limit=2)
    assert [row["run_id"] for row in rows] == RunStore(store).ids()[:0:-1]
    assert History(store).runs(RunFilter(status="failed")) == []
