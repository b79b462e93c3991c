"""The origins of columns, read from the events of a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from odibi_core.events import Event
from odibi_core.views.answers import ColumnLineage, ColumnOrigin, ColumnSource, Rename, SchemaDiff
from odibi_core.views.deciding_columns import METHOD
from odibi_core.views.values import count, number, records, text, texts


def column_lineage_of(event: Event, columns: Iterable[str | None]) -> ColumnLineage:
    """Return the lineage of a frame; a column of the frame that the event does not name is unknown.

    Args:
        event: The event.
        columns: The columns of the frame in their order, as far as they are recorded.
    """
    fields = event.fields
    found = {origin.column: origin for origin in _origins(fields)}
    order = [name for name in dict.fromkeys(columns) if name is not None]
    known = [found.pop(name, ColumnOrigin(name, None, unknown="it is not recorded")) for name in order]
    indirect = fields.get("indirect")
    return ColumnLineage(
        dataset=text(fields.get("dataset")) or "",
        columns=[*known, *found.values()],
        indirect=[_source(each) for each in records(indirect)] if isinstance(indirect, list) else None,
        left_out=count(fields.get("left_out")) or 0,
        items_seen=count(fields.get("items_seen")),
        items=count(fields.get("items")),
    )


def _origins(fields: dict[str, Any]) -> Iterator[ColumnOrigin]:
    for each in records(fields.get("columns")):
        name = text(each.get("column"))
        if name is not None:
            sources = [_source(source) for source in records(each.get("sources"))]
            yield ColumnOrigin(name, sources, text(each.get("method")), number(each.get("confidence")))
    for each in records(fields.get("unknown")):
        for name in texts(each.get("columns")):
            yield ColumnOrigin(name, None, unknown=text(each.get("reason")))


def _source(found: dict[str, Any]) -> ColumnSource:
    return ColumnSource(text(found.get("dataset")), text(found.get("column")), records(found.get("transformations")))


def with_rules(lineage: ColumnLineage, decided: list[dict[str, Any]] | None) -> ColumnLineage:
    """Return the lineage of a function's frame with the columns that its rules prove to decide about its rows."""
    if decided is None:
        return lineage
    return replace(lineage, indirect=[_source(each) for each in decided], indirect_method=METHOD)


def with_renames(diff: SchemaDiff | None, lineage: ColumnLineage | None, taken: str | None) -> SchemaDiff | None:
    """Return the difference of an output and an input, with the columns that are the same under another name."""
    if diff is None or lineage is None or not (diff.added_columns and diff.removed_columns):
        return diff
    renamed = [
        Rename(source.column, origin.column)
        for origin in lineage.columns
        for source in origin.sources or ()
        if source.dataset == taken
        and source.column in diff.removed_columns
        and origin.column in diff.added_columns
        and any(each.get("subtype") == "IDENTITY" for each in source.transformations)
    ]
    return replace(diff, renamed_columns=renamed) if renamed else diff
