"""The statistics of a description: computed, redacted by the names of their columns, and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from odibi_core.engines.frame_cells import cell
from odibi_core.engines.stats_budget import Budget
from odibi_core.engines.stats_sample import SIZES, SampleStats, all_stats, sampled_stats
from odibi_core.engines.stats_values import QUANTILES
from odibi_core.errors import STOPS
from odibi_core.events.clock import monotonic
from odibi_core.events.sanitize import sanitize_field
from odibi_core.redaction.redactor import HIDDEN

VALUE_CHARS: Final = 100
_SHORT: Final = 10**9
_NEAR: Final = ("mean", *QUANTILES)
ROOM: Final = 48 * 1024
"""Characters of all statistics of a frame: a field of an event has 64 kB."""


def add_stats(
    made: dict[str, Any], frame: Any, keys: Sequence[str], budget: Budget | None = None, *, exact: bool
) -> None:
    """Add `stats` to a description, and to its metadata their rows, their time and the reason for a part left out."""
    began, began_busy = monotonic(), 0.0 if budget is None else budget.busy_s()
    try:
        found = _all(frame, len(keys)) if exact else sampled_stats(frame, len(keys), budget)
    except STOPS:
        raise
    except BaseException as error:
        found = SampleStats([], skipped=f"they could not be computed: {type(error).__name__}: {error}")
    stats, left_out = _recorded(keys, found.columns)
    took = monotonic() - began
    if budget is not None:
        budget.spend(budget.busy_s() - began_busy, found.expected_s)
    if stats:
        made["stats"] = stats
        made["metadata"] |= {"stats_rows": found.rows, "stats_ms": round(took * 1e3, 3)}
    if left_out:
        found.skipped = f"{found.skipped}; " if found.skipped else ""
        found.skipped += f"the record has no room for {left_out:,} columns"
    if found.skipped:
        made["metadata"]["stats_skipped"] = found.skipped


def add_nulls(made: dict[str, Any], rows: int, counts: Mapping[str, int]) -> None:
    """Add to a description the missing values of columns, which an engine counted while it executed a plan."""
    made["stats"], left_out = _recorded(list(counts), [{"nulls": count} for count in counts.values()])
    made["metadata"]["stats_rows"] = rows
    if left_out:
        made["metadata"]["stats_skipped"] = f"the record has no room for {left_out:,} columns"


def _all(frame: Any, columns: int) -> SampleStats:
    height = frame.height() or 0
    found = frame.exact(columns) if height > SIZES[0] else None
    return SampleStats(all_stats(frame, columns) if found is None else found, height)


def _recorded(keys: Sequence[str], found: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return the records of the columns for which there is room, and the number of the others."""
    room, kept = ROOM, []
    for key, stats in zip(keys, found, strict=False):
        record = {"column": key, **stats}
        is_open = sanitize_field(key, 0) == 0
        for name in ("min", "max"):
            if name in stats:
                record[name] = _value(key, stats[name], is_open)
        if "top" in stats:
            record["top"] = [[_value(key, value, is_open), count] for value, count in stats["top"]]
        if HIDDEN in (record.get("min"), record.get("max")):  # a quantile is near one of the values
            record = {name: value for name, value in record.items() if name not in _NEAR}
        room -= len(key) + sum(len(name) + 12 for name in record) + _texts(record)
        if room < 0:
            break
        kept.append(record)
    return kept, len(found) - len(kept)


def _texts(record: dict[str, Any]) -> int:
    values = (record.get("min"), record.get("max"), *(value for value, _ in record.get("top", ())))
    return sum(len(value) for value in values if isinstance(value, str))


def _value(key: str, value: Any, is_open: bool) -> Any:
    """Return a value redacted here, because the bus would judge it by the name `min` and not by the column's.

    `is_open` is true if the name hides no numbers; then only long ones are looked at, which may be a card's.
    """
    if is_open and type(value) in (int, float) and -_SHORT < value < _SHORT:
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    return sanitize_field(key, cell(key, value, VALUE_CHARS))
