"""Schema differences of frames with more columns than the record has room for, computed on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import to_builtins

from odibi_core.engines.frame import Description
from odibi_core.views.answers import SchemaDiff, Snapshot
from odibi_core.views.diffs import columns, schema_diff

DIFF_CHARS: Final = 40 * 1024
"""Of all differences in one event, whose fields have room for 64 kB each."""
MOST_INPUTS: Final = 16


def wide_diffs(taken: Sequence[tuple[str | None, Description]], made: Description) -> list[dict[str, Any]]:
    """Return the difference to each frame that was taken, where one of the two schemas is cut in the record.

    Each has `dataset` and the fields of `schema_diff`, bounded; `left_out` counts what there was no room for.
    """
    wide = [each for each in taken[:MOST_INPUTS] if (each[1].whole_schema or made.whole_schema) is not None]
    return [
        {"dataset": dataset, **_bounded(diff, DIFF_CHARS // len(wide) // 3)}
        for dataset, frame in wide
        if (diff := schema_diff(_whole(frame), _whole(made))) is not None
    ]


def _whole(frame: Description) -> Snapshot:
    schema = columns(frame["schema"] if frame.whole_schema is None else frame.whole_schema)
    return Snapshot("", None, frame["row_count"], frame["column_count"], schema, [], {}, frame["not_described"])


def _bounded(diff: SchemaDiff, room: int) -> dict[str, Any]:
    """Return a difference with at most `room` characters for each kind of change."""
    found: dict[str, Any] = {}
    left_out = {}
    for kind, changes in to_builtins(diff).items():
        found[kind] = kept = _fitting(changes, room)
        if len(kept) < len(changes):
            left_out[kind] = len(changes) - len(kept)
    return {**found, "left_out": left_out} if left_out else found


def _fitting(changes: list[Any], room: int) -> list[dict[str, Any]]:
    kept = []
    for change in changes:
        record = change if isinstance(change, dict) else {"column": change}
        room -= sum(len(name) + len(str(value)) + 8 for name, value in record.items())
        if room < 0:
            break
        kept.append(record)
    return kept
