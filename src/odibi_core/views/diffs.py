"""The difference between two snapshots. Column names may repeat and may be anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from odibi_core.views.answers import Column, Rename, SchemaDiff, Snapshot, TypeChange
from odibi_core.views.values import count, record, records, text, texts


def columns(schema: object) -> list[Column]:
    """Return the columns of a schema in an event."""
    return [Column(_name(each.get("column")), text(each.get("type"))) for each in records(schema)]


def _name(value: object) -> str | None:
    """Return a column's name as text; pandas allows names of any type."""
    return value if isinstance(value, str) else str(value)


def row_delta(before: Snapshot, after: Snapshot) -> int | None:
    """Return the rows gained, negative if rows were lost; None if either number is unknown."""
    if before.row_count is None or after.row_count is None:
        return None
    return after.row_count - before.row_count


def difference(before: Snapshot, after: Snapshot, recorded: object) -> SchemaDiff | None:
    """Return the recorded difference of two snapshots, else the one computed from both.

    `recorded` is the field `schema_diffs` of the second one's event. None if the snapshots leave out columns and
    nothing is recorded, as in a record of an older version.
    """
    for each in records(recorded):
        if (text(each.get("dataset")) or "before") == before.name:
            return recorded_diff(each)
    if any(len(each.schema) < (each.column_count or 0) for each in (before, after)):
        return None
    return schema_diff(before, after)


def recorded_diff(recorded: dict[str, Any]) -> SchemaDiff:
    """Return a difference as an event or a file holds it; columns are names, or records with a name."""
    left_out = {kind: number for kind, value in record(recorded.get("left_out")).items() if (number := count(value))}
    return SchemaDiff(
        added_columns=_names(recorded.get("added_columns")),
        removed_columns=_names(recorded.get("removed_columns")),
        changed_types=[
            TypeChange(text(each.get("column")), text(each.get("before")), text(each.get("after")))
            for each in records(recorded.get("changed_types"))
        ],
        left_out=left_out,
        renamed_columns=[
            Rename(before, after)
            for each in records(recorded.get("renamed_columns"))
            if (before := text(each.get("before"))) is not None and (after := text(each.get("after"))) is not None
        ],
    )


def _names(value: object) -> list[str]:
    items = value if isinstance(value, list) else []
    return texts([item.get("column") if isinstance(item, dict) else item for item in items])


def schema_diff(before: Snapshot, after: Snapshot) -> SchemaDiff | None:
    """Return the columns added, removed and changed in type; None if either frame could not be described.

    The second column of a name is compared with the second of that name. A name that came twice and now comes once is
    one removed column.
    """
    if not _is_described(before) or not _is_described(after):
        return None
    diff = SchemaDiff([], [], [])
    if before.schema == after.schema:
        return diff
    old, new = _types_by_name(before.schema), _types_by_name(after.schema)
    for name, types in new.items():
        was = old.get(name, [])
        diff.added_columns.extend([name] * (len(types) - len(was)))
        diff.changed_types.extend(TypeChange(name, a, b) for a, b in zip(was, types, strict=False) if a != b)
    for name, types in old.items():
        diff.removed_columns.extend([name] * (len(types) - len(new.get(name, []))))
    return diff


def _is_described(snapshot: Snapshot) -> bool:
    """Return whether the schema is known; a frame without columns is known if its number of columns is."""
    return bool(snapshot.schema) or (snapshot.not_described is None and snapshot.column_count == 0)


def _types_by_name(schema: Sequence[Column]) -> dict[str, list[str | None]]:
    types: dict[str, list[str | None]] = defaultdict(list)
    for column in schema:
        types[str(column.column)].append(column.type)
    return types
