"""Datasets with their facets: the frames that steps hand on, and the files and tables that they read and write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from odibi_core.events import Event
from odibi_core.openlineage.facets import Facet, Facets
from odibi_core.openlineage.names import DatasetName, file_name
from odibi_core.views.values import count, number, passed_of, record, records, text

Dataset = dict[str, Any]

_QUANTILES: Final = {"q05": "0.05", "q25": "0.25", "median": "0.5", "q75": "0.75", "q95": "0.95"}
_TABLE_FORMATS: Final = frozenset({"delta", "iceberg"})
_PARAMS: Final = ("condition", "mostly", "failed_rows", "total_rows", "key_columns", "contract", "contract_version")


def input_dataset(name: DatasetName, facets: dict[str, Facet], inputs: dict[str, Facet]) -> Dataset:
    """Return an input."""
    return {"namespace": name.namespace, "name": name.name, "facets": facets, "inputFacets": inputs}


def output_dataset(name: DatasetName, facets: dict[str, Facet], outputs: dict[str, Facet]) -> Dataset:
    """Return an output."""
    return {"namespace": name.namespace, "name": name.name, "facets": facets, "outputFacets": outputs}


def name_of_file(event: Event) -> DatasetName | None:
    """Return the name of the file or the table of an access; None for the count of files that are not listed."""
    uri = text(event.fields.get("uri"))
    if uri is None:
        return None
    of_table = text(event.fields.get("table_operation")) is not None
    return file_name(uri, text(event.fields.get("dataset")) if of_table else None)


def schema_facet(make: Facets, snapshot: Event | None) -> Facet | None:
    """Return the columns of a frame; None if it was not described."""
    columns = records(snapshot.fields.get("schema")) if snapshot is not None else []
    fields = [
        {"name": name, "type": kind, "ordinal_position": place, "fields": []}
        for place, column in enumerate(columns, 1)
        if (name := text(column.get("column"))) is not None and (kind := text(column.get("type"))) is not None
    ]
    return make.standard("SchemaDatasetFacet", fields=fields) if fields else None


def metrics_facet(make: Facets, snapshot: Event | None, facet: str = "DataQualityMetricsDatasetFacet") -> Facet | None:
    """Return the statistics of a frame, over the rows that were evaluated; None without any."""
    stats = records(snapshot.fields.get("stats")) if snapshot is not None else []
    if snapshot is None or not stats:
        return None
    rows = count(record(snapshot.metadata).get("stats_rows"))
    columns = {name: _column_metrics(each, rows) for each in stats if (name := text(each.get("column"))) is not None}
    return make.standard(facet, rowCount=rows, columnMetrics=columns)


def _column_metrics(stats: dict[str, Any], rows: int | None) -> dict[str, Any]:
    nulls = count(stats.get("nulls"))
    found = {
        "nullCount": nulls,
        "distinctCount": count(stats.get("distinct")),
        "count": None if rows is None or nulls is None else rows - nulls,
        "min": number(stats.get("min")),
        "max": number(stats.get("max")),
        "quantiles": {name: value for key, name in _QUANTILES.items() if (value := number(stats.get(key))) is not None},
    }
    return {key: value for key, value in found.items() if value is not None}


def assertions_facet(make: Facets, checks: Iterable[Event]) -> Facet | None:
    """Return the results of checks that were asked; the facet has no place for one that could not be."""
    found = [_assertion(event, passed) for event in checks if (passed := passed_of(event)) is not None]
    return make.standard("DataQualityAssertionsDatasetFacet", assertions=found) if found else None


def _assertion(event: Event, passed: bool) -> dict[str, Any]:
    fields = event.fields
    found = {
        "assertion": text(fields.get("check")) or "check",
        "success": passed,
        "column": text(fields.get("column")),
        "severity": text(fields.get("severity")),
        "description": text(event.message),
        "params": {name: fields[name] for name in _PARAMS if fields.get(name) is not None},
    }
    return {key: value for key, value in found.items() if value is not None}


def file_facets(make: Facets, event: Event) -> dict[str, Facet | None]:
    """Return the facets of a file or a table: its place, its format and its version."""
    fields, name = event.fields, name_of_file(event)
    version, format = text(fields.get("version")) or text(fields.get("etag")), text(fields.get("format"))
    is_table = format in _TABLE_FORMATS
    return {
        "dataSource": None if name is None else make.standard("DatasourceDatasetFacet", **_source(name)),
        "storage": make.standard("StorageDatasetFacet", storageLayer=format) if is_table else None,
        "version": None if version is None else make.standard("DatasetVersionDatasetFacet", datasetVersion=version),
        "odibi_file": make.own(
            "dataset", dataset=text(fields.get("dataset")), format=format, modified=text(fields.get("modified")),
            operation=text(fields.get("table_operation")),
        ),
    }  # fmt: skip


def _source(name: DatasetName) -> dict[str, str]:
    if name.namespace == "file":
        return {"name": "file", "uri": "file:///"}
    has_scheme = "://" in name.namespace
    return {"name": name.namespace, "uri": name.namespace if has_scheme else f"{name.namespace}:///"}


def amounts(event: Event | None, rows: int | None = None) -> dict[str, int]:
    """Return the rows, bytes and files of an access, as far as they are known."""
    fields = {} if event is None else event.fields
    known = {
        "rowCount": count(event.row_count) if event is not None and rows is None else rows,
        "size": count(fields.get("bytes")),
        "fileCount": count(fields.get("files")),
    }
    return {key: value for key, value in known.items() if value is not None}
