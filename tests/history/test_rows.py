"""The rows of one run in every table but `logs`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from tests.families.test_views import sequences

from odibi_core.events import Event, decode, encode
from odibi_core.history.rows import RunTables, as_dicts, tables_of
from odibi_core.history.rows.tables import ROW_TABLES
from odibi_core.history.schema import DUCKDB_TYPES, TABLES
from odibi_core.store.segments import ReadErrors
from odibi_core.testing import an_event
from odibi_core.views.errors import ErrorsView

START = datetime(2026, 1, 31, 4, tzinfo=UTC)


def at(second: float, kind: str, /, **fields: Any) -> Event:
    moment = START + timedelta(seconds=second)
    return an_event(kind, **{"timestamp": moment, "run_id": "r1", "seq": int(second * 10), **fields})


def frame(step: str, when: str, dataset: str, rows: int | None, *names: str, **fields: Any) -> Event:
    schema = [{"column": name, "type": "Int64"} for name in names]
    about = {"when": when, "dataset": dataset, "schema": schema, "column_count": len(names)}
    return at(2, "snapshot", node_name=step, row_count=rows, **about, **fields)


BEGIN = [
    at(
        0,
        "pipeline_start",
        pipeline_name="daily",
        engine="pandas",
        steps=3,
        params={"day": "2026-01-30", "limit": 10, "deep": {"a": [1]}, "dry": False, "none": None},
        tags={"team": "sales"},
        partition="2026-01-30",
        command="odibi run daily.py",
        git={"commit": "c0ffee", "branch": "main", "dirty": True, "remote": "https://example.com/a.git"},
        python="3.11.9",
        system="Linux x86_64",
        packages={"pandas": "2.2"},
        environment={"REGION": "eu"},
        os_user="etl",
        pid=12,
        host="web1",
    ),
    at(
        1,
        "pipeline_plan",
        steps=[
            {"name": "load", "layer": "ingest", "type": "function", "outputs": {"out": "raw"}, "source_hash": "ab12"},
            {"name": "rates", "layer": "ingest", "outputs": {"out": "rates"}},
            {
                "name": "join", "layer": "transform", "inputs": {"x": "raw", "y": "rates"},
                "outputs": {"out": "tidy"}, "depends_on": ["load", "rates"],
                "source_file": "daily.py", "source_line": 7,
            },
        ],
    ),
]  # fmt: skip
STATS = {"column": "a", "nulls": 2, "distinct": 3, "min": 1, "max": "z", "mean": 2, "top": [["x", 4]], "length_max": 9}
STEPS = [
    at(1, "node_start", node_name="load"),
    at(1.4, "task", node_name="load", task=0, item="a", status="success", duration_ms=3.0, row_count=8, attempts=1),
    at(1.5, "file_access", node_name="load", access="read", uri="/d/a.csv", bytes=9, modified="2026-01-30T01:00:00Z"),
    at(1.6, "file_access", node_name="load", access="read", uri="/d/a.csv", bytes=10, files=3, row_count=8),
    frame("load", "after", "raw", 8, "a", "b", stats=[STATS], metadata={"stats_rows": 4, "stats_ms": 1}),
    at(2, "node_complete", node_name="load", status="success", row_count=8, duration_ms=5, memory_mb=80.5),
    at(2, "node_start", node_name="join"),
    frame("join", "before", "raw", 8, "a", "b"),
    at(
        2.5, "join_match", node_name="join", left="raw", right="rates", keys=["a"],
        left_match_rate=0.5, right_match_rate=1, fan_out_left=1.5, fan_out_right=2.0,
    ),
    frame("join", "after", "tidy", 4, "a", "c"),
    at(
        2.5, "row_change", node_name="join", dataset="tidy", main="raw", main_dataset="raw", kind="inner join",
        rows_in=8, rows_out=4, lost=4, gained=0, unmatched={"rates": 4}, how="key", asked="unusual", unusual=True,
        usual={"run_id": "r0", "rows_in": 8, "rows_out": 8}, units=64, explain_ms=2,
        causes=[{"side": "lost", "rows": 4, "of": 4, "text": "a not in rates", "level": "exact", "is_new": True}],
    ),
    at(3, "check_result", node_name="join", check="not_null", column="a", passed=False, severity="warn", failed_rows=1),
    at(3, "node_complete", node_name="join", status="success", row_count=4, duration_ms=6.5),
]  # fmt: skip
BESIDE = [
    at(4, "metric", metric="rows", kind="gauge", name="load", value=8, labels={"a": "b"}, run_id=None),
    at(4, "cost", operation="query", estimated_cost_usd=0.1, bytes_processed=10, tags={"team": "x"}),
    at(4, "cost", operation="query", estimated_cost_usd=0.2),
    at(4, "cost", operation="query", estimated_cost_usd="?"),
    at(4, "error", level="error", error="boom", error_type="ValueError", error_id="e1", component="app"),
    at(4.5, "error", level="error", error="boom", error_id="e1", handled=False, traceback="Traceback …"),
    at(4, "orders_failed", level="error", error="no route", run_id=None),
    at(4, "alert_raised", message="slow", rule="slow", severity="warning", value=3, threshold=2),
    at(
        5, "anomaly", node_name="join", message="join made 4 rows", alert_id="a1", family="rows", series="join.rows",
        actual=4, expected=8, low=7, high=9, likelihood=0.001, compared_runs=12,
    ),
]  # fmt: skip
END = at(9, "pipeline_complete", status="success", duration_ms=9000, unusual=1, overhead_ms=12, overhead_pct=0.1)
RUN = [*BEGIN, *STEPS, *BESIDE, END]


def rows(table: str, *events: Event) -> list[dict[str, Any]]:
    return as_dicts(table, tables_of(events or RUN)[table])


def test_the_row_of_a_run() -> None:
    """A row of `runs` has what the first, the last and all events together report."""
    (row,) = rows("runs")
    assert row["params"] is not None
    assert json.loads(row["params"])["deep"] == {"a": [1]}
    assert json.loads(row["tags"]) == {"team": "sales"}
    known = {
        "run_id": "r1", "pipeline_name": "daily", "partition": "2026-01-30", "status": "success", "started": START,
        "ended": START + timedelta(seconds=9), "duration_ms": 9000.0, "engine": "pandas", "steps": 3,
        "success_count": 2, "failed_count": 0, "skipped_count": 0, "rows_read": 8, "checks_failed": 1, "unusual": 1,
        "cost_usd": 0.3, "command": "odibi run daily.py", "git_commit": "c0ffee", "git_branch": "main",
        "git_dirty": True, "git_remote": "https://example.com/a.git", "python": "3.11.9", "os_user": "etl",
        "peak_memory_mb": 80.5, "overhead_ms": 12.0, "overhead_pct": 0.1, "events": len(RUN), "unreadable": None,
    }  # fmt: skip
    assert {name: row[name] for name in known} == known


def test_a_parameter_has_its_type() -> None:
    """A nested value is JSON text; null is no text."""
    found = {row["name"]: (row["value"], row["type"]) for row in rows("params")}
    assert found == {
        "day": ("2026-01-30", "str"), "limit": ("10", "int"), "deep": ('{"a":[1]}', "dict"),
        "dry": ("false", "bool"), "none": (None, "null"),
    }  # fmt: skip


def test_the_rows_of_steps() -> None:
    """Steps stand in the order of the plan; rows in are those of the first input."""
    load, rates, join = rows("nodes")
    assert [row["position"] for row in (load, rates, join)] == [0, 1, 2]
    assert (load["status"], rates["status"]) == ("success", "pending")
    assert (load["source_hash"], join["source_file"], join["source_line"]) == ("ab12", "daily.py", 7)
    assert (load["rows_in"], load["rows_out"], load["selectivity"]) == (None, 8, None)
    assert (join["rows_in"], join["rows_out"], join["row_delta"], join["selectivity"]) == (8, 4, -4, 0.5)
    assert (join["inputs"], join["depends_on"]) == ('{"x":"raw","y":"rates"}', '["load","rates"]')
    assert (load["partition"], load["run_started"], load["duration_ms"]) == ("2026-01-30", START, 5.0)
    assert load["inputs"] is None


def test_the_rows_of_frames_and_columns() -> None:
    """A frame that a step made is compared with its first input; statistics are beside the column of their name."""
    made, taken, joined = rows("snapshots")
    assert (made["side"], made["dataset"], made["stats_rows"], made["added_columns"]) == ("after", "raw", 4, None)
    assert (taken["side"], taken["added_columns"]) == ("before", None)
    assert (joined["added_columns"], joined["removed_columns"]) == ('["c"]', '["b"]')
    assert made["schema_hash"] == taken["schema_hash"] != joined["schema_hash"]
    a, b, *_ = rows("columns")
    figures = ("nulls", "null_share", "distinct", "min", "max", "mean", "top", "length_max", "rows_sampled")
    assert [a[name] for name in figures] == [2, 0.5, 3, "1", "z", 2.0, '[["x",4]]', 9, 4]
    assert [b[name] for name in figures] == [None] * len(figures)


def test_the_second_column_of_a_name_has_the_second_statistics() -> None:
    """Column names may repeat."""
    stats = [{"column": "a", "nulls": 1}, {"column": "a", "nulls": 2}]
    found = rows("columns", *BEGIN, frame("load", "after", "raw", 1, "a", "a", stats=stats))
    assert [row["nulls"] for row in found] == [1, 2]


def test_the_rows_of_checks_and_edges() -> None:
    """An edge into a join has the match rate of its own dataset."""
    (check,) = rows("checks")
    known = {"check_name": "not_null", "column_name": "a", "passed": False, "failed_rows": 1}
    assert {name: check[name] for name in known} == known
    raw, rates = rows("edges")
    names = ("source", "target", "dataset", "row_count", "join_with", "join_keys", "match_rate", "fan_out")
    assert [raw[name] for name in names] == ["load", "join", "raw", 8, "rates", '["a"]', 0.5, 1.5]
    assert [rates[name] for name in names[4:]] == ["raw", '["a"]', 1.0, 2.0]


def test_a_file_that_is_read_twice_is_one_row() -> None:
    """A second attempt opens the same files; the last access counts."""
    (file,) = rows("files")
    assert (file["uri"], file["bytes"], file["file_count"], file["row_count"]) == ("/d/a.csv", 10, 3, 8)


def test_the_rows_beside_the_steps() -> None:
    """Events without a run belong to the run whose record holds them; an unknown cost is null."""
    (metric,) = rows("metrics")
    assert (metric["run_id"], metric["metric"], metric["value"], metric["labels"]) == ("r1", "rows", 8.0, '{"a":"b"}')
    assert [row["cost_usd"] for row in rows("costs")] == [0.1, 0.2, None]
    alert, anomaly = rows("alerts")
    assert (alert["kind"], alert["severity"], alert["family"], alert["actual"]) == ("alert", "warning", "slow", "3")
    assert (anomaly["kind"], anomaly["alert_id"], anomaly["actual"], anomaly["low"]) == ("anomaly", "a1", "4", 7.0)
    assert len({alert["alert_id"], anomaly["alert_id"]}) == 2


def test_an_exception_with_several_events_is_one_failure() -> None:
    """The table has the failures that `ErrorsView` counts, each with the most details known."""
    view = ErrorsView()
    for event in RUN:
        view(event)
    found = rows("errors")
    assert len(found) == view.answer().total == 2
    assert {row["fingerprint"] for row in found} == {group.fingerprint for group in view.answer().groups}
    assert found[0]["traceback"] == "Traceback …"
    assert found[0]["handled"] is False


def test_a_run_of_another_id_in_the_record_is_left_out() -> None:
    """The run is that of the first event that has one."""
    other = an_event("pipeline_start", run_id="r2", pipeline_name="inner", params={"x": 1})
    assert tables_of([*BEGIN, other, *STEPS, *BESIDE, END]) == tables_of(RUN)


def test_lines_that_could_not_be_read_are_counted() -> None:
    """Without a count they are unknown, and not 0."""
    (row,) = as_dicts("runs", tables_of(RUN, ReadErrors(torn=1, unreadable=2))["runs"])
    assert row["unreadable"] == 3


def test_no_run_has_no_rows() -> None:
    """Events without a run alone make no row."""
    assert not any(tables_of([an_event("error", level="error", error="boom")]).values())


def check_types(tables: dict[str, list[tuple[Any, ...]]]) -> None:
    kinds: dict[str, type] = {
        "text": str, "bigint": int, "double": float, "boolean": bool, "timestamp": datetime, "json": str,
    }  # fmt: skip
    assert set(kinds) == set(DUCKDB_TYPES)
    for name, found in tables.items():
        for row in found:
            assert len(row) == len(TABLES[name].columns)
            for column, cell in zip(TABLES[name].columns, row, strict=True):
                value: Any = cell
                assert value is None or type(value) is kinds[column.type], (name, column.name, value)
                if column.type == "json":
                    json.loads(cell or "null")


def test_every_cell_has_the_type_of_its_column() -> None:
    """A cell is null or of the column's type, and every table has a row in the example."""
    tables = tables_of(RUN)
    assert set(tables) == set(ROW_TABLES)
    assert all(tables.values())
    check_types(tables)


@given(sequences())
def test_live_equals_replay(events: list[Event]) -> None:
    """Rows of a run that is observed are those of its lines; no event breaks the fold, and each cell has its type."""
    live = RunTables()
    for event in events:
        live(event)
    tables = live.answer()
    assert tables == live.answer() == tables_of(decode(encode(event)) for event in events)
    check_types(tables)


def test_the_check_of_types_sees_a_wrong_cell() -> None:
    """Sabotage: an int in a column of doubles is found."""
    tables = tables_of(RUN)
    tables["metrics"] = [tuple(8 if cell == 8.0 else cell for cell in row) for row in tables["metrics"]]
    with pytest.raises(AssertionError, match="value"):
        check_types(tables)


def test_the_rows_of_a_step_are_in_four_tables() -> None:
    """`row_changes` has the whole answer; `nodes`, `snapshots` and `edges` the numbers of their own rows."""
    tables = tables_of(RUN)
    (change,) = as_dicts("row_changes", tables["row_changes"])
    wanted = {"lost": 4, "unmatched": 4, "rule": "a not in rates", "side": "lost", "share": 1.0, "new_since": "r0"}
    assert {name: change[name] for name in wanted} == wanted
    node = next(row for row in as_dicts("nodes", tables["nodes"]) if row["node_name"] == "join")
    assert (node["rows_lost"], node["row_kind"], node["rows_unusual"]) == (4, "inner join", True)
    edges = [row["rows_lost"] for row in as_dicts("edges", tables["edges"]) if row["dataset"] == "raw"]
    assert edges == [4]
