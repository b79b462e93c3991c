"""The facet of column lineage: the columns that each column of an output comes from, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from odibi_core.events import Event
from odibi_core.openlineage.facets import Facet, Facets
from odibi_core.openlineage.names import DatasetName
from odibi_core.views.deciding_columns import METHOD
from odibi_core.views.values import count, number, record, records, text, texts

NameOf = Callable[[str], DatasetName]


def column_facet(
    make: Facets, event: Event | None, name_of: NameOf, decided: list[dict[str, Any]] | None = None
) -> dict[str, Facet]:
    """Return the facets of a recorded column lineage: what is unknown is in `odibi_columns`.

    Args:
        make: Makes the facets.
        event: The event of the frame.
        name_of: Returns the name of a dataset.
        decided: The columns that decide about its rows by a proved rule, if the event does not know them.
    """
    if event is None:
        return {}
    fields: dict[str, Any] = {}
    evidence: dict[str, Any] = {}
    unknown: dict[str, str | None] = {}
    for each in records(event.fields.get("unknown")):
        unknown |= dict.fromkeys(texts(each.get("columns")), text(each.get("reason")))
    for column in records(event.fields.get("columns")):
        name = text(column.get("column"))
        if name is None:
            continue
        fields[name] = {"inputFields": [_input(each, name_of) for each in records(column.get("sources"))]}
        evidence[name] = {"method": text(column.get("method")), "confidence": number(column.get("confidence"))}
    recorded = event.fields.get("indirect")
    whole = decided if recorded is None else recorded
    indirect = None if whole is None else [_input(each, name_of) for each in records(whole)]
    found = {}
    if fields or indirect:
        found["columnLineage"] = make.standard("ColumnLineageDatasetFacet", fields=fields, dataset=indirect or [])
    left_out = event.fields.get("left_out") or None
    found["odibi_columns"] = make.own(
        "dataset", evidence=evidence, unknown=unknown, indirect_unknown=True if whole is None else None,
        indirect_method=METHOD if recorded is None and whole is not None else None,
        columns_left_out=left_out, items_seen=count(event.fields.get("items_seen")),
        items=count(event.fields.get("items")),
    )  # fmt: skip
    return found


def _input(source: dict[str, Any], name_of: NameOf) -> dict[str, Any]:
    name = name_of(text(source.get("dataset")) or "")
    return {
        "namespace": name.namespace,
        "name": name.name,
        "field": text(source.get("column")) or "",
        "transformations": [_transformation(each) for each in records(source.get("transformations"))],
    }


def _transformation(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": text(found.get("type")) or "DIRECT",
        "subtype": text(found.get("subtype")) or "",
        "description": text(found.get("description")) or "",
        "masking": record(found).get("masking") is True,
    }


def copied_columns(make: Facets, frame: Event | None, source: DatasetName) -> dict[str, Facet]:
    """Return the facet of a frame that was read from a file, or of a file that a frame was written to."""
    columns = records(frame.fields.get("schema")) if frame is not None else []
    identity = {"type": "DIRECT", "subtype": "IDENTITY", "description": "", "masking": False}
    fields = {
        name: {
            "inputFields": [
                {"namespace": source.namespace, "name": source.name, "field": name, "transformations": [identity]}
            ]
        }
        for column in columns
        if (name := text(column.get("column"))) is not None
    }
    return {"columnLineage": make.standard("ColumnLineageDatasetFacet", fields=fields, dataset=[])} if fields else {}
