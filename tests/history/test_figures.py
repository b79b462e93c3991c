"""Figures of a run: plain, bounded, and equal for equal content."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from odibi_core.history.figures import MOST_COLUMNS, STATS, Tables, figures, run_figures
from odibi_core.history.schema import TABLES

AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
RUN = {"run_id": "r1", "pipeline_name": "nightly"}


def row(table: str, **values: Any) -> tuple[Any, ...]:
    """Build a row of a table; the columns that are not given are null."""
    assert set(values) <= set(TABLES[table].names)
    return tuple((RUN | values).get(name) for name in TABLES[table].names)


def tables(nulls: int = 3, mean: float = 7.5, day: str = "2026-03-01") -> dict[str, list[tuple[Any, ...]]]:
    """Build the tables of a run of two steps."""
    after = {"node_name": "load", "side": "after", "dataset": "flights"}
    column = {**after, "rows_sampled": 100, "nulls": nulls, "null_share": nulls / 100}
    return {
        "runs": [row("runs", started=AT, status="success", duration_ms=1200.0, rows_read=100, cost_usd=float("nan"))],
        "nodes": [
            row("nodes", node_name="load", rows_out=100, duration_ms=900.0, attempts=1, depends_on="[]"),
            row("nodes", node_name="late", rows_out=40, selectivity=0.4, depends_on='["load"]', source_hash="ab12"),
        ],
        "snapshots": [row("snapshots", **after, row_count=100, schema_hash="5c", stats_rows=100)],
        "columns": [
            row("columns", **column, column_name="delay", type="Float64", mean=mean, min="-3.5", max="90"),
            row("columns", **column, column_name="origin", type="String", distinct=2, top='[["JFK", 60], ["LGA", 37]]'),
        ],
        "checks": [row("checks", node_name="load", check_name="not_null", column_name="delay", passed=False)],
        "edges": [row("edges", source="load", target="late", dataset="flights", match_rate=0.9, fan_out=1.0)],
        "files": [row("files", node_name="load", access="read", dataset="flights", uri="/f.csv", modified=AT, bytes=9)],
        "params": [row("params", name="day", value=day, type="str")],
    }


def test_the_figures_are_plain_and_survive_msgpack() -> None:
    """The index keeps figures as msgpack: what it decodes is what was computed, and NaN is left out."""
    found = figures(tables())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found)) == found
    assert found["run"] == {"duration_ms": 1200.0, "rows_read": 100}
    assert found["shape"] == [["day", "str"]]
    assert found["edges"] == [["load", "late"]]
    late, load = found["steps"]["late"], found["steps"]["load"]
    assert (late["rows"], late["selectivity"], late["source_hash"]) == (40, 0.4, "ab12")
    assert late["joins"] == {"flights": [0.9, 1.0, None]}
    assert load["checks"] == {"not_null delay": [False, None, None]}
    file = load["files"]["flights"]
    assert file == {"uri": "/f.csv", "bytes": 9, "age_s": 0.0, "version": AT.isoformat(), "format": None}
    frame = load["frames"]["flights"]
    assert frame["schema"] == [["delay", "Float64"], ["origin", "String"]]
    stats = dict(zip(STATS, frame["columns"]["delay"], strict=True))
    assert (stats["null_share"], stats["mean"], stats["min"], stats["max"]) == (0.03, 7.5, -3.5, 90.0)
    assert frame["top"] == {"origin": {"JFK": 60 / 97, "LGA": 37 / 97}}


def test_the_hash_of_the_content_follows_the_content() -> None:
    """Equal content has an equal hash whatever the parameters; a changed statistic changes it."""

    def content(made: Tables) -> Any:
        return figures(made)["steps"]["load"]["frames"]["flights"]["content"]

    assert content(tables()) == content(tables(day="2026-03-02"))
    assert len({content(tables()), content(tables(nulls=4)), content(tables(mean=7.6))}) == 3


def test_the_figures_are_bounded() -> None:
    """Columns beyond the limit are counted, not kept."""
    made = tables()
    made["columns"] = made["columns"][:1] * (MOST_COLUMNS + 5)
    assert figures(made)["left_out"] == 5


def test_a_run_without_tables_has_no_figures() -> None:
    """An empty record is no run; a run has its identity beside the figures."""
    assert run_figures({}) is None
    assert figures({})["steps"] == {}
    found = run_figures(tables())
    assert found is not None
    assert (found.run_id, found.pipeline_name, found.started, found.status) == ("r1", "nightly", AT, "success")
