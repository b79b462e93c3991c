"""A step of a lineage → a step of a story: only what is there, tables as rows of cells, numbers a browser can
hold.
"""

from __future__ import annotations

import json
from datetime import datetime
from itertools import chain
from typing import Any

from odibi_core.redaction.redactor import HIDDEN, hidden
from odibi_core.story import reading, wording

MOST_COLUMNS = 200  # of a schema; a sample shows fewer
MOST_SAMPLE_COLUMNS = 60
MOST_ROWS = 20
LONGEST_CELL = 500
LONGEST_TEXT = 64_000
MOST_KEYS = 500


def read_step(raw: dict[str, Any], index: int, began: datetime | None) -> dict[str, Any]:
    """One step; keys without a value are left out."""
    after = snapshot(raw.get("after_snapshot"))
    before = [found for item in _before(raw) if (found := snapshot(item))]
    started = reading.moment(raw.get("start_time"))
    took = reading.number(raw.get("duration_ms"))
    if took is None:
        took = reading.milliseconds_between(started, reading.moment(raw.get("end_time")))
    offset = reading.number(raw.get("started_ms"))
    if offset is None:
        offset = reading.milliseconds_between(began, started)
    step = {
        "name": reading.text(reading.first(raw, ("step_name", "name", "node_name"))) or f"step {index + 1}",
        "layer": reading.text(raw.get("layer")) or "steps",
        "type": reading.text(raw.get("type")),
        "engine": reading.text(raw.get("engine")),
        "state": wording.state(reading.first(raw, ("state", "status"))) or "pending",
        "startedMs": None if offset is None else round(max(0.0, offset), 3),
        "durationMs": None if took is None else round(max(0.0, took), 3),
        "worker": reading.text(raw.get("worker")),
        "attempts": reading.whole(raw.get("attempts")),
        "calls": reading.whole(raw.get("calls")),
        "spanMs": _span(raw, started),
        "failedCalls": reading.whole(raw.get("failed_calls")) or None,
        "memoryMb": reading.number(raw.get("memory_mb")),
        "cached": True if raw.get("cache_hit") is True else None,
        "rows": _rows(raw, after),
        "rowsBefore": [rows for frame in before if (rows := frame.get("rows")) is not None],
        "delta": reading.whole(raw.get("row_delta")),
        "inputs": _keys(raw.get("inputs")),
        "outputs": _keys(raw.get("outputs")),
        "before": before,
        "after": after,
        "diff": _diff(raw.get("schema_diff")),
        **_trouble(raw),
        "retries": [_retry(item) for item in reading.items(raw.get("retries"))],
        "checks": [_check(item) for item in reading.items(raw.get("checks"))],
    }
    return compact(step)


def _span(raw: dict[str, Any], started: datetime | None) -> float | None:
    """From the first of several calls to the last; their durations may add up to less, and to more."""
    if raw.get("calls") is None:
        return None
    took = reading.milliseconds_between(started, reading.moment(raw.get("end_time")))
    return None if took is None else round(max(0.0, took), 3)


def compact(value: dict[str, Any]) -> dict[str, Any]:
    """Without what is absent or empty."""
    return {key: item for key, item in value.items() if item is not None and not (item == [] or item == {})}


def snapshot(raw: Any) -> dict[str, Any] | None:
    """A described frame: its size, its schema, and its sample as rows of cells in the order of
    `sampleColumns`.
    """
    if not isinstance(raw, dict):
        return None
    schema = [
        [
            reading.text(item.get("column"), LONGEST_CELL) or "",
            reading.text(item.get("type"), LONGEST_CELL) or "",
        ]
        for item in reading.items(raw.get("schema"))
    ]
    rows = reading.items(raw.get("sample_data"))[:MOST_ROWS]
    held = set().union(*rows)
    names = list(dict.fromkeys(name for name, _ in schema if name in held)) or list(
        dict.fromkeys(chain(*rows))
    )
    shown = names[:MOST_SAMPLE_COLUMNS]
    columns = reading.whole(raw.get("column_count"))
    found = compact(
        {
            "name": reading.text(reading.first(raw, ("dataset", "name"))),
            "rows": reading.whole(raw.get("row_count")),
            "columns": columns if columns is not None else len(schema) or None,
            "schema": schema[:MOST_COLUMNS],
            "sampleColumns": shown,
            "sample": [[_cell(row.get(name)) for name in shown] for row in rows],
            "stats": [_stats(item) for item in reading.items(raw.get("stats"))[:MOST_SAMPLE_COLUMNS]],
            "moreSampleColumns": len(names) - len(shown) or None,
            "changed": reading.mapping(raw.get("metadata")).get("changed_in_place") is True or None,
            "notDescribed": reading.text(raw.get("not_described")),
        }
    )
    return found or None


def _stats(raw: dict[str, Any]) -> list[Any]:
    """Column, nulls, distinct values, least, greatest; the last two only where the column may be shown."""
    column = reading.text(raw.get("column"), LONGEST_CELL) or ""
    ends = [HIDDEN if hidden(column, raw.get(end)) else _cell(raw.get(end)) for end in ("min", "max")]
    return [column, reading.whole(raw.get("nulls")), reading.whole(raw.get("distinct")), *ends]


def _cell(value: Any) -> Any:
    """null, true, a number that a browser holds exactly, or text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if -reading.EXACT <= value <= reading.EXACT else str(value)
    return reading.cut(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), LONGEST_CELL
    )


def _before(raw: dict[str, Any]) -> list[Any]:
    several = raw.get("before_snapshots")
    return several if isinstance(several, list) and several else [raw.get("before_snapshot")]


def _rows(raw: dict[str, Any], after: dict[str, Any] | None) -> int | None:
    rows = reading.whole(raw.get("row_count"))
    return rows if rows is not None or after is None else after.get("rows")


def _keys(raw: Any) -> list[list[str]]:
    """[logical name, dataset key] pairs, whether they came as a mapping or as a list of keys."""
    if isinstance(raw, dict):
        pairs = [[str(name), reading.cut(str(key), LONGEST_CELL)] for name, key in raw.items()]
        return pairs[:MOST_KEYS]
    return [[key, key] for key in reading.texts(raw)][:MOST_KEYS]


def _diff(raw: Any) -> dict[str, Any] | None:
    found = reading.mapping(raw)
    changed = [
        [reading.text(item.get(key), LONGEST_CELL) or "" for key in ("column", "before", "after")]
        for item in reading.items(found.get("changed_types"))
    ]
    return compact(
        {
            "added": _names(found.get("added_columns")),
            "removed": _names(found.get("removed_columns")),
            "changed": changed[:MOST_COLUMNS],
            "more": _more(found) or None,
        }
    )


def _more(diff: dict[str, Any]) -> int:
    """Changes that are not shown: those past the bound, and those that the record had no room for."""
    kinds = ("added_columns", "removed_columns", "changed_types")
    left_out = reading.mapping(diff.get("left_out"))
    counted = [reading.whole(left_out.get(kind)) or 0 for kind in kinds]
    listed = [len(items) for kind in kinds if isinstance(items := diff.get(kind), list)]
    return sum(counted) + sum(max(0, length - MOST_COLUMNS) for length in listed)


def _names(raw: Any) -> list[str]:
    names = [str(item.get("column", "")) if isinstance(item, dict) else item for item in raw or []]
    return reading.texts(names)[:MOST_COLUMNS]


def _trouble(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "error": reading.text(reading.first(raw, ("error_message", "error")), LONGEST_TEXT),
        "errorType": reading.text(raw.get("error_type")),
        "traceback": reading.text(raw.get("traceback"), LONGEST_TEXT),
        "skipReason": reading.text(reading.first(raw, ("skip_reason", "reason"))),
    }


def _retry(raw: dict[str, Any]) -> dict[str, Any]:
    return compact(
        {
            "attempt": reading.whole(raw.get("attempt")),
            "error": reading.text(raw.get("error")),
            "delayMs": reading.number(raw.get("delay_ms")),
            "at": reading.text(raw.get("timestamp")),
        }
    )


def _check(raw: dict[str, Any]) -> dict[str, Any]:
    passed, examples, column = raw.get("passed"), raw.get("examples"), reading.text(raw.get("column"))
    if not isinstance(examples, list):
        examples = []
    if column and any(hidden(column, value) for value in examples):
        examples = [HIDDEN]  # they are values of that column, but no longer stand under its name
    return compact(
        {
            "check": reading.text(raw.get("check")) or "check",
            "column": column,
            "result": "unchecked" if passed is None else "passed" if passed else "failed",
            "failedRows": reading.whole(raw.get("failed_rows")),
            "totalRows": reading.whole(raw.get("total_rows")),
            "severity": "warn" if raw.get("severity") in ("warn", "warning") else "error",
            "message": reading.text(raw.get("message")),
            "examples": [_cell(item) for item in examples[:10]],
        }
    )
