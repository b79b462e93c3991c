"""The tables in a database: those of the history, and one that notes what was exported.

A table is created if it is not there, and a column that a later version added is added to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from odibi_core.errors import ConfigurationError
from odibi_core.history.database.base import Database
from odibi_core.history.schema import TABLES, Column, Table
from odibi_core.store.sql_text import quoted

_LOGS: Final = TABLES["logs"]
EXPORTED: Final[dict[str, Table]] = {
    **TABLES,
    "logs": replace(
        _LOGS, columns=(*_LOGS.columns, Column("fields", "json", "The other fields of the event, an object."))
    ),
}
"""The tables by name. Every field of an event that is no column of `logs` is in its column `fields`."""
NOTED: Final = Table(
    "odibi_exports",
    "run that was exported",
    (
        Column("run_id", "text", "The run; `missed:` and an `alert_id` for a run that did not come."),
        Column("events", "bigint", "The events of the run when it was exported."),
        Column("version", "bigint", "The columns that its rows have: a later version has more."),
        Column("tables", "text", "The tables that have its rows, with commas between."),
        Column("notes", "text", "The acknowledgements and mutes of its alerts, as a hash."),
        Column("exported", "timestamp", "The time of the export."),
        Column("host", "text", "The host that exported it."),
    ),
)
"""The table of what was exported: a run is exported again if it has more events or columns than are noted here."""
VERSION: Final = sum(len(table.columns) for table in EXPORTED.values())
_TIMES: Final = ("started", "run_started", "timestamp")


def prepare(database: Database, names: Iterable[str]) -> None:
    """Create the tables that are not there, and add the columns that they lack, in one transaction.

    Raises:
        ConfigurationError: A table of that name is there, and no export made it.
        StoreError: The database refuses.
    """
    wanted = [NOTED, *(EXPORTED[name] for name in names)]
    if all(set(table.names) <= set(database.columns(table.name)) for table in wanted):
        return  # a reader of the tables is not disturbed by a lock
    with database.transaction(), database.failing("cannot be prepared"):
        database.create_schema()
        is_ours = bool(database.columns(NOTED.name))
        for table in wanted:
            there = database.columns(table.name)
            if not there:
                _create(database, table)
            elif not is_ours:
                raise ConfigurationError(
                    f"{database.shown} has a table {table.name!r} that no export made; choose another --schema or file"
                )
            else:
                for column in table.columns:
                    if column.name not in there:
                        database.execute(
                            f"alter table {database.named(table.name)} add column {_typed(database, column)}"
                        )


def _create(database: Database, table: Table) -> None:
    key = ", primary key (run_id)" if table is NOTED and database.has_indexes else ""
    columns = ", ".join(_typed(database, column) for column in table.columns)
    database.execute(f"create table {database.named(table.name)} ({columns}{key})")
    if not database.has_indexes or table is NOTED:
        return
    time = next((name for name in _TIMES if name in table.names and (name != "started" or table.name == "runs")), None)
    for name in ("run_id", time):
        if name:
            index = quoted(f"odibi_{table.name}_{name}")
            database.execute(f"create index {index} on {database.named(table.name)} ({quoted(name)})")


def _typed(database: Database, column: Column) -> str:
    return f"{quoted(column.name)} {database.types[column.type]}"
