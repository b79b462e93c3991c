"""What a step changed: two snapshots compared. Column names may repeat and may be anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from odibi_core.views.values import count, record, records, text, texts


def row_delta(before: dict[str, Any], after: dict[str, Any]) -> int | None:
    """Rows gained, or lost when negative; None when either number is unknown."""
    if before["row_count"] is None or after["row_count"] is None:
        return None
    return int(after["row_count"] - before["row_count"])


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any], told: object
) -> Mapping[str, Any] | None:
    """Return the `schema_diff` of two snapshots: as it was `told` with the second one, else computed from both.

    None also if the snapshots leave out columns and nothing was told, as in a record of an older version.
    """
    for each in records(told):
        if (text(each.get("dataset")) or "before") == before["name"]:
            return _as_told(each)
    if any(len(each["schema"]) < (each["column_count"] or 0) for each in (before, after)):
        return None
    return schema_diff(before, after)


def _as_told(told: dict[str, Any]) -> dict[str, Any]:
    """`left_out` counts, by kind, the changes that the record had no room for."""
    diff: dict[str, Any] = {
        kind: texts([item.get("column") for item in records(told.get(kind))])
        for kind in ("added_columns", "removed_columns")
    }
    diff["changed_types"] = records(told.get("changed_types"))
    left_out = {kind: number for kind, value in record(told.get("left_out")).items() if (number := count(value))}
    return {**diff, "left_out": left_out} if left_out else diff


def schema_diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]] | None:
    """Columns added, removed and changed in type; None when either frame could not be described.

    The second column of a name is compared with the second of that name: a name that came twice and now
    comes once is one removed column.
    """
    if not _described(before) or not _described(after):
        return None
    diff: dict[str, list[Any]] = {"added_columns": [], "removed_columns": [], "changed_types": []}
    if before["schema"] == after["schema"]:
        return diff
    old, new = _types_by_name(before["schema"]), _types_by_name(after["schema"])
    for name, types in new.items():
        was = old.get(name, [])
        diff["added_columns"] += [name] * (len(types) - len(was))
        diff["changed_types"] += [
            {"column": name, "before": a, "after": b} for a, b in zip(was, types, strict=False) if a != b
        ]
    for name, types in old.items():
        diff["removed_columns"] += [name] * (len(types) - len(new.get(name, [])))
    return diff


def _described(snapshot: Mapping[str, Any]) -> bool:
    """A frame may well have no columns; it is unknown only if it says so, or says nothing at all."""
    return bool(snapshot["schema"]) or (snapshot["not_described"] is None and snapshot["column_count"] == 0)


def _types_by_name(schema: list[dict[str, Any]]) -> dict[str, list[Any]]:
    types: dict[str, list[Any]] = defaultdict(list)
    for column in schema:
        types[str(column.get("column"))].append(column.get("type"))
    return types
