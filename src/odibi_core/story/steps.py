"""The steps of a lineage as the page shows them: bounded texts and tables, and numbers that a browser can hold."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import chain
from typing import Any, Final

from odibi_core.story.rows import lost_rows, rows_of
from odibi_core.story.wording import EXACT, cut
from odibi_core.views.answers import Check, Cost, NodeLineage, Retry, SchemaDiff, Snapshot
from odibi_core.views.values import milliseconds, number, rounded
from odibi_core.views.wording import short_id

MOST_COLUMNS: Final = 200  # of a schema; a sample shows fewer
MOST_SAMPLE_COLUMNS: Final = 60
MOST_ROWS: Final = 20
LONGEST_CELL: Final = 500
LONGEST_TEXT: Final = 64_000
MOST_KEYS: Final = 500
QUANTILES: Final = ("q05", "q25", "median", "q75", "q95")
_LENGTHS: Final = ("length_min", "length_mean", "length_max")


def step_of(node: NodeLineage) -> dict[str, Any]:
    """Return a step of the document; keys without a value are left out."""
    return compact(
        {
            "name": cut(node.node_name),
            "layer": cut(node.layer) or "steps",
            "type": cut(node.type),
            "engine": cut(node.engine),
            "state": node.state,
            "startedMs": rounded(node.started_ms),
            "durationMs": rounded(node.duration_ms),
            "worker": cut(node.worker),
            "attempts": node.attempts,
            "calls": node.calls,
            "spanMs": milliseconds(node.start, node.end) if node.calls and node.start and node.end else None,
            "failedCalls": node.failed_calls or None,
            "tasks": node.tasks,
            "failedTasks": node.failed_tasks or None,
            "memoryMb": node.memory_mb,
            "cached": node.cache_hit,
            "takenFrom": cut(short_id(node.taken_from)) or None,
            "cost": cost_of(node.cost),
            "rows": node.row_count,
            "rowsBefore": _rows_before(node),
            "delta": node.row_delta,
            "lost": lost_rows(node),
            "inputs": _keys(node.inputs),
            "outputs": _keys(node.outputs),
            "before": [found for frame in node.before if (found := _frame(frame))],
            "after": _frame(node.after),
            "diff": _diff(node.schema_diff),
            "error": cut(node.error, LONGEST_TEXT),
            "errorType": cut(node.error_type),
            "traceback": cut(node.traceback, LONGEST_TEXT),
            "skipReason": cut(node.skip_reason),
            "retries": [_retry(retry, node) for retry in node.retries],
            "rowChanges": rows_of(node),
            "checks": [_check(check) for check in node.checks],
        }
    )


def cost_of(cost: Cost | None) -> dict[str, Any] | None:
    """Return the calls with their sums; `usd` is None if no cost is known, bytes are absent if none were counted."""
    if cost is None or not cost.calls:
        return None
    known = {"usd": cost.cost_usd if cost.unknown_costs < cost.calls else None, "calls": cost.calls}
    return known | compact(
        {
            "unknown": cost.unknown_costs or None,
            "processed": cost.bytes_processed or None,
            "billed": cost.bytes_billed or None,
        }
    )


def _rows_before(node: NodeLineage) -> list[int | None]:
    """Return the rows of each input, None for an unknown number; empty if all are unknown."""
    rows = [frame.row_count for frame in node.before]
    return rows if any(each is not None for each in rows) else []


def compact(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without absent and empty ones, and without counts that a browser cannot hold exactly."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None
        and not (value == [] or value == {})
        and not (isinstance(value, int) and not -EXACT <= value <= EXACT)
    }


def _frame(frame: Snapshot | None) -> dict[str, Any] | None:
    """Return a frame: its size, its schema, and its sample as rows of cells in the order of `sampleColumns`."""
    if frame is None:
        return None
    rows = frame.sample_data[:MOST_ROWS]
    held = set().union(*rows)
    names = list(dict.fromkeys(column.column for column in frame.schema if column.column in held))
    names = names or list(dict.fromkeys(chain(*rows)))
    shown = names[:MOST_SAMPLE_COLUMNS]
    found = compact(
        {
            "name": cut(frame.name),
            "rows": frame.row_count,
            "columns": frame.column_count if frame.column_count is not None else len(frame.schema) or None,
            "schema": [[_short(column.column), _short(column.type)] for column in frame.schema[:MOST_COLUMNS]],
            "sampleColumns": shown,
            "sample": [[cell(row.get(name)) for name in shown] for row in rows],
            "stats": [_statistics(each) for each in frame.stats[:MOST_SAMPLE_COLUMNS]],
            "statsRows": _whole(frame.metadata.get("stats_rows")),
            "statsSkipped": _sentence(frame.metadata.get("stats_skipped")),
            "moreSampleColumns": len(names) - len(shown) or None,
            "changed": frame.metadata.get("changed_in_place") is True or None,
            "notDescribed": cut(frame.not_described),
        }
    )
    return found or None


def _statistics(stats: dict[str, Any]) -> dict[str, Any]:
    """Return the statistics of a column; `box` has its quantiles and `length` those of texts, if all are numbers."""
    column, top = stats.get("column"), stats.get("top")
    pairs = [pair for pair in top if isinstance(pair, list) and len(pair) == 2] if isinstance(top, list) else []
    return compact(
        {
            "column": _short(column if isinstance(column, str) else None),
            **{name: _whole(stats.get(name)) for name in ("nulls", "nan", "distinct")},
            **{name: cell(stats.get(name)) for name in ("min", "max")},
            **{name: rounded(number(stats.get(name))) for name in ("mean", "deviation")},
            "box": _numbers(stats, QUANTILES),
            "length": _numbers(stats, _LENGTHS),
            "top": [[cell(value), count] for value, count in pairs if _whole(count) is not None],
        }
    ) | ({} if isinstance(column, str) else {"column": ""})


def _numbers(stats: dict[str, Any], names: tuple[str, ...]) -> list[float] | None:
    found = [number(stats.get(name)) for name in names]
    known = [value for value in found if value is not None and -EXACT <= value <= EXACT]
    return known if len(known) == len(names) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= EXACT else None


def _sentence(value: object) -> str | None:
    return cut(value) if isinstance(value, str) else None


def _short(value: str | None) -> str:
    return cut(value, LONGEST_CELL) or ""


def cell(value: Any) -> Any:
    """Return null, a boolean, a number that a browser holds exactly, or text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if -EXACT <= value <= EXACT else str(value)
    return _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _keys(keys: dict[str, str]) -> list[list[str]]:
    return [[name, _short(key)] for name, key in list(keys.items())[:MOST_KEYS]]


def _diff(diff: SchemaDiff | None) -> dict[str, Any] | None:
    if diff is None:
        return None
    before, after = ({getattr(each, side) for each in diff.renamed_columns} for side in ("before", "after"))
    lists: dict[str, list[Any]] = {
        "renamed": [[_short(each.before), _short(each.after)] for each in diff.renamed_columns],
        "added": [_short(name) for name in diff.added_columns if name not in after],
        "removed": [_short(name) for name in diff.removed_columns if name not in before],
        "changed": [[_short(each.column), _short(each.before), _short(each.after)] for each in diff.changed_types],
    }
    more = sum(diff.left_out.values()) + sum(max(0, len(each) - MOST_COLUMNS) for each in lists.values())
    return compact({**{name: each[:MOST_COLUMNS] for name, each in lists.items()}, "more": more or None})


def _retry(retry: Retry, node: NodeLineage) -> dict[str, Any]:
    return compact(
        {
            "attempt": retry.attempt,
            "error": cut(retry.error),
            "delayMs": rounded(retry.delay_ms),
            "atMs": _after_start(retry.timestamp, node),
        }
    )


def _after_start(moment: datetime | None, node: NodeLineage) -> float | None:
    """Return the milliseconds from the start of the run to a time in a step."""
    if moment is None or node.start is None or node.started_ms is None:
        return None
    return rounded(node.started_ms + milliseconds(node.start, moment))


def is_warning(check: Check) -> bool:
    """Return true if a failure of the check is a warning."""
    return check.severity in ("warn", "warning")


def _check(check: Check) -> dict[str, Any]:
    return compact(
        {
            "check": cut(check.check) or "check",
            "column": cut(check.column),
            "result": "unchecked" if check.passed is None else "passed" if check.passed else "failed",
            "failedRows": check.failed_rows,
            "totalRows": check.total_rows,
            "severity": "warn" if is_warning(check) else "error",
            "message": cut(check.message),
            "examples": [cell(item) for item in check.examples[:10]],
            "contract": cut(" ".join(filter(None, (check.contract_name or check.contract, check.contract_version))))
            or None,
        }
    )
