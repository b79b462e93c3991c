"""Runs as rows, for tests of comparisons."""

from __future__ import annotations

import json
from typing import Any

from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.schema import TABLES

NO_STATS = {"rows_sampled": None}


def run(**tables: Any) -> RunData:
    """Return a run of rows as dicts; what a row leaves out is null, nested values become JSON.

    `nodes` without rows are those of the other tables; `runs` without a row is a success of the pipeline `p`.
    """
    tables.setdefault("runs", [{"run_id": "1", "pipeline_name": "p", "status": "success", "duration_ms": 1000.0}])
    return RunData({name: [_row(name, row) for row in rows] for name, rows in tables.items()})


def _row(table: str, row: dict[str, Any]) -> tuple[Any, ...]:
    unknown = set(row) - set(TABLES[table].names)
    assert not unknown, unknown
    types = {column.name: column.type for column in TABLES[table].columns}
    return tuple(_cell(types[name], row.get(name)) for name in TABLES[table].names)


def _cell(type: str, value: Any) -> Any:
    return json.dumps(value) if type == "json" and value is not None and not isinstance(value, str) else value


def step(name: str, rows: int | None = None, **more: Any) -> dict[str, Any]:
    """Return a row of `nodes`: a successful function."""
    return {"node_name": name, "type": "function", "status": "success", "rows_out": rows, **more}


def frame(node: str, **more: Any) -> dict[str, Any]:
    """Return a row of `snapshots`: a frame that a step made."""
    return {"node_name": node, "side": "after", "dataset": node, "frame": "pandas.DataFrame", **more}


def column(node: str, name: str, type: str = "Int64", **stats: Any) -> dict[str, Any]:
    """Return a row of `columns`; with statistics of 1,000 rows if any is given."""
    about = {"node_name": node, "side": "after", "dataset": node, "column_name": name, "type": type}
    if not stats:
        return about
    given = {"rows_sampled": 1000, "nulls": 0, "null_share": 0.0, **stats}
    return {**about, **given}




def noise(*steps: dict[str, Any], **more: Any) -> Noise:
    """Return the noise of earlier runs of one step `a`, each with these figures."""
    return Noise([{"run": {}, "steps": {"a": {"status": "success", **each}}} for each in steps], **more)


NUMBERS: dict[str, Any] = {
    "mean": 50.0, "deviation": 10.0, "q05": 34.0, "q25": 43.0, "median": 50.0, "q75": 57.0, "q95": 66.0,
    "min": "20", "max": "80", "distinct": 60,
}  # fmt: skip
"""Statistics of a numeric column."""
