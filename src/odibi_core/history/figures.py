"""The figures of one run: what it is compared by with earlier runs, plain and bounded, for the index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec

from odibi_core.events.clock import read_iso
from odibi_core.history.rows import as_dicts

STATS: Final = (
    "null_share", "distinct", "min", "max", "mean", "deviation", "q05", "q25", "median", "q75", "q95",
    "length_min", "length_mean", "length_max",
)  # fmt: skip
"""The statistics of a column, in the order of its list in the figures; null if unknown or not a number."""

_MIN, _MAX = STATS.index("min"), STATS.index("max")
LEARNING: Final = 5
"""Earlier comparable runs below which a run is not judged."""
VERSION: Final = 1
"""The form of the figures; those of another form are not compared."""
MOST_STEPS: Final = 500
MOST_COLUMNS: Final = 2_000
"""Columns of all frames of a run; the figures of further ones are left out, and `left_out` counts them."""
MOST_CATEGORIES: Final = 20
_CATEGORY_CHARS: Final = 60
_MOST_FILES: Final = 200
_MOST_CHECKS: Final = 1_000

Tables = Mapping[str, Sequence[Sequence[Any]]]
"""The rows of each table of one run, in the column order of `schema.TABLES`."""


class RunFigures(msgspec.Struct, frozen=True):
    """The figures of one run, as the index returns them for comparison."""

    run_id: str
    pipeline_name: str
    started: datetime
    status: str
    figures: dict[str, Any]


def run_figures(tables: Tables) -> RunFigures | None:
    """Return the figures of a run with its identity; None if its start is unknown."""
    run = next(iter(_dicts("runs", tables)), None)
    started = read_iso(run["started"]) if run else None
    if run is None or started is None:
        return None
    return RunFigures(run["run_id"], run["pipeline_name"] or "", started, run["status"] or "", figures(tables))


def figures(tables: Tables) -> dict[str, Any]:
    """Return the figures of one run, plain values that msgpack keeps.

    Returns:
        `is_partial`: true for a run of selected steps. `version`: the form of the rest.
        `run`: figures of the run as a whole.
        `shape`: names and types of its parameters, without their values.
        `steps`: for each step its figures, with `frames` by dataset, `checks`, `joins` and `files`.
        `edges`: pairs of steps. `left_out`: columns beyond the limit.

        A frame has its type in `frame`, `rows`, its `schema`, the hash of its `content`, `sampled` rows, `columns` by
        name as lists in the order of `STATS`, `top`: the categories of a column with their shares of the rows that are
        not null, and `dates`: the columns of which the minimum and maximum are days since 1970.
    """
    run: dict[str, Any] = next(iter(_dicts("runs", tables)), {})
    names: tuple[str, ...] = ("rows_read", "rows_published", "cost_usd", "partition", "error")
    nodes = _dicts("nodes", tables, MOST_STEPS)
    if not run.get("resumed_from") and not any(row["cache_hit"] for row in nodes):
        names += ("duration_ms", "peak_memory_mb")  # else they are those of a part of the steps
    steps = {row["node_name"]: _step(row) for row in nodes}
    left_out = _add_frames(steps, tables)
    _add_checks(steps, tables)
    _add_joins(steps, tables)
    _add_files(steps, tables, read_iso(run.get("started")))
    found = {"is_partial": True} if run.get("selection") else {}
    return {
        **found,
        "version": VERSION,
        "run": {name: value for name in names if (value := _plain(run.get(name))) is not None},
        "shape": shape(tables),
        "steps": steps,
        "edges": _edges(steps, tables),
        "left_out": left_out,
    }


def shape(tables: Tables) -> list[list[str]]:
    """Return the names and types of the parameters: runs are compared with those of an equal shape."""
    return sorted([str(row["name"]), str(row["type"])] for row in _dicts("params", tables))


def _dicts(name: str, tables: Tables, most: int | None = None) -> list[dict[str, Any]]:
    return as_dicts(name, tables.get(name, ())[:most])


def _step(row: dict[str, Any]) -> dict[str, Any]:
    names: tuple[str, ...] = (
        "status",
        "duration_ms",
        "rows_in",
        "rows_out",
        "selectivity",
        "memory_mb",
        "attempts",
        "source_hash",
    )
    if row["cache_hit"]:  # loading a result is no run of the step
        names = tuple(name for name in names if name not in ("duration_ms", "memory_mb"))
    found: dict[str, Any] = {name: value for name in names if (value := _plain(row[name])) is not None}
    if (rows := found.pop("rows_out", None)) is not None:
        found["rows"] = rows
    found["depends_on"] = [str(name) for name in _list(row["depends_on"])]
    return found


def _edges(steps: dict[str, Any], tables: Tables) -> list[list[str]]:
    found = {(row["source"], row["target"]) for row in _dicts("edges", tables)}
    found |= {(source, name) for name, step in steps.items() for source in step.pop("depends_on")}
    return sorted([source, target] for source, target in found if source in steps and target in steps)


def _add_frames(steps: dict[str, Any], tables: Tables) -> int:
    for row in _dicts("snapshots", tables):
        if row["side"] == "after" and row["node_name"] in steps and row["not_described"] is None:
            frames = steps[row["node_name"]].setdefault("frames", {})
            frames[row["dataset"] or ""] = {
                "rows": row["row_count"], "sampled": row["stats_rows"], "frame": row["frame"],
                "schema": [], "columns": {}, "top": {}, "dates": [],
            }  # fmt: skip
    hashes: dict[int, Any] = {}
    kept = left_out = 0
    for row in _dicts("columns", tables):
        frame = steps.get(row["node_name"], {}).get("frames", {}).get(row["dataset"] or "")
        if frame is None or row["side"] != "after":
            continue
        if kept >= MOST_COLUMNS:
            left_out += 1
            continue
        kept += 1
        _add_column(frame, row, hashes.setdefault(id(frame), blake2b(digest_size=8)))
    for step in steps.values():
        for frame in step.get("frames", {}).values():
            if _is_described(frame):
                content = hashes[id(frame)]
                content.update(str(frame["rows"]).encode())
                frame["content"] = content.hexdigest()
    return left_out


def _add_column(frame: dict[str, Any], row: dict[str, Any], content: Any) -> None:
    """Add a column to its frame: schema, statistics, categories, and its part of the content's hash."""
    name = str(row["column_name"])
    frame["schema"].append([name, str(row["type"])])
    if row["rows_sampled"] is None:
        return
    values = [_number(row[key]) for key in STATS]
    days = _days(row["min"]), _days(row["max"])
    if None not in days:
        frame["dates"].append(name)
        values[_MIN], values[_MAX] = days
    frame["columns"][name] = values
    pairs = [pair for pair in _list(row["top"]) if isinstance(pair, list) and len(pair) == 2]
    content.update(repr((name, row["type"], row["nulls"], row["min"], row["max"], values, pairs)).encode())
    filled = row["rows_sampled"] - (row["nulls"] or 0)
    if pairs and _is_category(row, pairs, filled):
        frame["top"][name] = {_category(value): count / filled for value, count in pairs[:MOST_CATEGORIES]}


def _is_described(frame: dict[str, Any]) -> bool:
    """Return true if the statistics of a frame stand for its content: of all columns, and more than their nulls."""
    columns = frame["columns"].values()
    return bool(frame["rows"]) and len(columns) == len(frame["schema"]) and any(any(each[1:]) for each in columns)


def _is_category(row: dict[str, Any], pairs: list[Any], filled: int) -> bool:
    """Return true for a column whose values repeat: few of them, most rows in the most frequent ones."""
    seen = sum(count for _, count in pairs if isinstance(count, int))
    return filled > 0 and (row["distinct"] or math.inf) <= max(50, 2 * len(pairs)) and seen >= 0.5 * filled


def _category(value: Any) -> str:
    return (value if isinstance(value, str) else msgspec.json.encode(value).decode())[:_CATEGORY_CHARS]


def _add_checks(steps: dict[str, Any], tables: Tables) -> None:
    for row in _dicts("checks", tables, _MOST_CHECKS):
        if row["node_name"] in steps:
            key = " ".join(str(row[name]) for name in ("check_name", "column_name") if row[name])
            checks = steps[row["node_name"]].setdefault("checks", {})
            checks[key] = [row["passed"], row["failed_rows"], row["total_rows"]]


def _add_joins(steps: dict[str, Any], tables: Tables) -> None:
    for row in _dicts("edges", tables):
        if row["target"] in steps and (row["match_rate"] is not None or row["fan_out"] is not None):
            joins = steps[row["target"]].setdefault("joins", {})
            joins[row["dataset"] or row["source"]] = [row["match_rate"], row["fan_out"], row["row_count"]]


def _add_files(steps: dict[str, Any], tables: Tables, started: datetime | None) -> None:
    for row in _dicts("files", tables, _MOST_FILES):
        if row["node_name"] in steps and row["access"] == "read":
            modified = read_iso(row["modified"])
            age = (started - modified).total_seconds() if started and modified else None
            files = steps[row["node_name"]].setdefault("files", {})
            version = row["etag"] or (modified.isoformat() if modified else None)
            files[row["dataset"] or row["uri"] or ""] = {
                "uri": row["uri"], "bytes": row["bytes"], "age_s": age, "version": version, "format": row["format"],
            }  # fmt: skip


def _list(value: Any) -> list[Any]:
    """Return a list that a column of type json has; an empty one for anything else."""
    if isinstance(value, str | bytes):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError):
            return []
    return list(value) if isinstance(value, list | tuple) else []


def _number(value: Any) -> float | None:
    """Return a finite number of a statistic, also of one that is kept as text; None for any other value."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _days(value: Any) -> float | None:
    """Return the days since 1970 of a date or a time as ISO 8601 text; None for any other value, and for a number."""
    found = read_iso(value) if isinstance(value, str) and _number(value) is None else None
    return None if found is None else found.timestamp() / 86_400


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | bool | int | None) else _number(value)
