"""Iceberg tables, by pyiceberg: snapshots, and writing in one commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from odibi_core.engines import files
from odibi_core.engines.access_facts import Facts
from odibi_core.engines.formats import values
from odibi_core.engines.formats.arrow_fit import Types, fitted
from odibi_core.engines.formats.base import Operation, Options, TableFormat
from odibi_core.errors import SourceNotFoundError

_TYPES: Final = Types("Iceberg")
_MODES: Final = ("overwrite", "append", "merge")
_METADATA: Final = ".metadata.json"


def _problems(operation: Operation, path: str, options: Options) -> list[str]:
    found = []
    catalog, is_file = options.get("catalog"), path.endswith(_METADATA)
    if is_file and operation == "write":
        found.append(f"{path!r} is one version of a table; write to namespace.table of a catalog=")
    elif not is_file and not (isinstance(catalog, Mapping) or (isinstance(catalog, str) and catalog)):
        found.append(
            "catalog must be the name of a catalog of .pyiceberg.yaml or its properties, such as "
            f"{{'type': 'rest', 'uri': …}}, got {type(catalog).__name__ if catalog else None}"
        )
    if not is_file and "." not in path.strip("."):
        found.append(f"the path of an Iceberg table must be namespace.table, got {path!r}")
    if operation == "write":
        return found + values.unfit_mode(options, _MODES, "merge")
    found += values.unfit_whole(options, "snapshot") + values.unfit_moment(options) + values.unfit_columns(options)
    return found + values.unfit_one_of(options, "snapshot", "timestamp")


def _catalog(options: Options) -> Any:
    from pyiceberg.catalog import load_catalog

    given = options["catalog"]
    if isinstance(given, str):
        return load_catalog(given)
    return load_catalog(str(given.get("name", "odibi")), **{str(key): each for key, each in given.items()})


def _read(path: str, options: Options) -> tuple[Any, Facts]:
    table = _table(path, options)
    snapshot = _snapshot(table, path, options)
    columns = options.get("columns")
    scan = table.scan(
        snapshot_id=None if snapshot is None else snapshot.snapshot_id,
        selected_fields=("*",) if columns is None else tuple(columns),
    )
    planned = {task.file.file_path: task.file.file_size_in_bytes for task in scan.plan_files()}
    version = None if snapshot is None else str(snapshot.snapshot_id)
    facts = Facts(_uri(table), "iceberg", "read", version=version, files=len(planned), bytes=sum(planned.values()))
    return scan.to_arrow(), facts


def _table(path: str, options: Options) -> Any:
    from pyiceberg.exceptions import NoSuchTableError
    from pyiceberg.table import StaticTable

    try:
        return StaticTable.from_metadata(path) if path.endswith(_METADATA) else _catalog(options).load_table(path)
    except (NoSuchTableError, FileNotFoundError) as error:
        raise SourceNotFoundError(f"there is no Iceberg table {path!r}: {str(error)[:200]}") from error


def _snapshot(table: Any, path: str, options: Options) -> Any:
    """Return the snapshot that options name, else the current one; None of a table without one."""
    moment = values.moment(options.get("timestamp"))
    if moment is not None:
        found = table.snapshot_as_of_timestamp(int(moment.timestamp() * 1000))
    elif options.get("snapshot") is not None:
        found = table.snapshot_by_id(options["snapshot"])
    else:
        return table.current_snapshot()
    if found is None:
        asked = f"at {moment.isoformat()}" if moment is not None else f"{options['snapshot']}"
        known = ", ".join(str(each.snapshot_id) for each in table.history()[-5:])
        raise SourceNotFoundError(
            f"the Iceberg table {path!r} has no snapshot {asked}; its last ones are {known or 'none'}"
        )
    return found


def _write(table: Any, path: str, options: Options) -> Facts:
    from pyiceberg.exceptions import NoSuchTableError

    catalog, mode = _catalog(options), options.get("mode", _MODES[0])
    keys = values.names_of(options.get("keys"))
    if mode == "merge":
        values.refuse_keys(table, keys)
    try:
        there = catalog.load_table(path)
    except NoSuchTableError:
        fit = fitted(table, _TYPES)
        catalog.create_namespace_if_not_exists(path.rpartition(".")[0])
        with catalog.create_table_transaction(path, schema=fit.schema) as transaction:
            transaction.append(fit)
        there = catalog.load_table(path)
        return _facts_of_write(there, None, mode)
    fit = fitted(table, _TYPES, there.schema().as_arrow())
    before = there.current_snapshot()
    _change(there, fit, mode, keys)
    return _facts_of_write(there, before, mode)


def _change(there: Any, table: Any, mode: str, keys: list[str]) -> None:
    if mode == "merge":
        values.refuse_missing_keys(keys, there.schema().as_arrow().names, "Iceberg")
        there.upsert(table, join_cols=keys)
    elif mode == "append":
        there.append(table)
    else:
        there.overwrite(table)


def _facts_of_write(table: Any, before: Any, mode: str) -> Facts:
    """Return the facts of a commit; one that changed nothing made no snapshot and added no file."""
    now = table.current_snapshot()
    is_new = now is not None and (before is None or now.snapshot_id != before.snapshot_id)
    summary = dict(now.summary.additional_properties) if is_new and now.summary else {}
    return Facts(
        _uri(table), "iceberg", mode, version=None if now is None else str(now.snapshot_id),
        files=int(summary.get("added-data-files", 0)), bytes=int(summary.get("added-files-size", 0)),
    )  # fmt: skip


def _uri(table: Any) -> str:
    return files.shown(files.local(str(table.location())))


ICEBERG: Final = TableFormat(
    frozenset({"catalog", "snapshot", "timestamp", "columns"}),
    frozenset({"catalog", "mode", "keys"}),
    _read,
    _write,
    _problems,
)
