"""Delta tables, by deltalake: versions, and writing in one commit."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any, Final

from odibi_core.engines import files
from odibi_core.engines.access_facts import Facts
from odibi_core.engines.formats import values
from odibi_core.engines.formats.arrow_fit import Types, fitted
from odibi_core.engines.formats.base import Operation, Options, TableFormat
from odibi_core.errors import SourceNotFoundError

_TYPES: Final = Types("Delta", times=False)
_MODES: Final = ("overwrite", "append", "merge")
_SCHEMA_MODES: Final = (None, "merge", "overwrite")


def _problems(operation: Operation, path: str, options: Options) -> list[str]:
    if operation == "read":
        return [
            *values.unfit_whole(options, "version"),
            *values.unfit_moment(options),
            *values.unfit_one_of(options, "version", "timestamp"),
            *values.unfit_columns(options),
        ]
    found = values.unfit_mode(options, _MODES, "merge")
    if options.get("schema_mode") not in _SCHEMA_MODES:
        found.append(f"schema_mode must be merge or overwrite, got {options['schema_mode']!r:.80}")
    return found


def _read(path: str, options: Options) -> tuple[Any, Facts]:
    from deltalake.exceptions import TableNotFoundError

    try:
        table = _opened(path, options, options.get("version"))
    except TableNotFoundError as error:
        raise SourceNotFoundError(f"there is no Delta table at {files.shown(path)!r}: {str(error)[:200]}") from error
    if (moment := values.moment(options.get("timestamp"))) is not None:
        table.load_as_version(moment)
        _refuse_later(table, path, moment)
    columns = options.get("columns")
    found = table.to_pyarrow_table(columns=None if columns is None else list(columns))
    sizes = _sizes(table)
    return found, Facts(
        _uri(path), "delta", "read", version=str(table.version()), files=len(sizes), bytes=sum(sizes.values())
    )


def _refuse_later(table: Any, path: str, moment: datetime) -> None:
    """Raise SourceNotFoundError if the table is younger than a moment: deltalake takes the first version then."""
    made = min((each["timestamp"] for each in table.history()), default=0)
    if made > moment.timestamp() * 1000:
        raise SourceNotFoundError(
            f"the Delta table at {files.shown(path)!r} has no version as old as {moment.isoformat()}"
        )


def _opened(path: str, options: Options, version: int | None = None) -> Any:
    from deltalake import DeltaTable

    return DeltaTable(files.local(path), version=version, storage_options=options.get("storage_options"))


def _write(table: Any, path: str, options: Options) -> Facts:
    from deltalake import DeltaTable, write_deltalake

    mode, storage = options.get("mode", _MODES[0]), options.get("storage_options")
    there = _opened(path, options) if DeltaTable.is_deltatable(files.local(path), storage) else None
    fit = fitted(table, _TYPES, _schema(there) if there and options.get("schema_mode") != "overwrite" else None)
    before = {} if there is None else _sizes(there)
    if mode == "merge":
        values.refuse_keys(fit, values.names_of(options["keys"]))
    if mode == "merge" and there is not None:
        _merge(there, fit, options)
    else:
        write_deltalake(
            there if there is not None else files.local(path), fit, mode="append" if mode == "merge" else mode,
            partition_by=options.get("partition_by"), schema_mode=options.get("schema_mode"),
            storage_options=None if there is not None else storage,
        )  # fmt: skip
    now = there if there is not None else _opened(path, options, 0)
    added = [size for file, size in _sizes(now).items() if file not in before]
    return Facts(_uri(path), "delta", mode, version=str(now.version()), files=len(added), bytes=sum(added))


def _merge(there: Any, table: Any, options: Options) -> None:
    keys = values.names_of(options["keys"])
    predicate = " AND ".join(f"t.{_quoted(key)} = s.{_quoted(key)}" for key in keys)
    values.refuse_missing_keys(keys, _schema(there).names, "Delta")
    merge = there.merge(
        table, predicate, source_alias="s", target_alias="t", merge_schema=options.get("schema_mode") == "merge"
    )
    merge.when_matched_update_all().when_not_matched_insert_all().execute()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _schema(table: Any) -> Any:
    import pyarrow as pa

    return pa.schema(table.schema().to_arrow())


def _sizes(table: Any) -> dict[str, int]:
    """Return the files of this version with their bytes."""
    import pyarrow as pa

    actions = pa.table(table.get_add_actions(flatten=True))
    return dict(zip(actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist(), strict=True))


def _uri(path: str) -> str:
    return files.shown(path) if files.is_remote(files.local(path)) else os.path.abspath(files.local(path))


DELTA: Final = TableFormat(
    frozenset({"version", "timestamp", "columns", "storage_options"}),
    frozenset({"mode", "keys", "partition_by", "schema_mode", "storage_options"}),
    _read,
    _write,
    _problems,
    files.shown,
)
