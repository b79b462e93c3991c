"""`odibi sql --schema` and `--macros`: the tables, their columns, and the macros."""

from __future__ import annotations

from collections.abc import Sequence

from odibi_core.cli import output
from odibi_core.cli.sql_formats import SqlFormat
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.history.schema import TABLES
from odibi_core.history.sql.macros import MACROS


def show_schema(table: str | None, form: SqlFormat) -> None:
    """Write the tables, or the columns of one.

    Raises:
        ConfigurationError: There is no such table.
    """
    if table is None:
        _write(("table", "row", "columns"), [(t.name, t.row, ", ".join(t.names)) for t in TABLES.values()], form)
        return
    if table.lower() not in TABLES:
        raise ConfigurationError(f"there is no table {table!r}{nearest(table, TABLES)}; --schema lists them")
    columns = TABLES[table.lower()].columns
    _write(("column", "type", "description"), [(c.name, c.type, c.description) for c in columns], form)


def show_macros(form: SqlFormat) -> None:
    """Write the macros."""
    _write(("macro", "description"), [(each.signature, each.description) for each in MACROS.values()], form)


def _write(names: tuple[str, ...], rows: Sequence[tuple[str, ...]], form: SqlFormat) -> None:
    documents = [dict(zip(names, row, strict=True)) for row in rows]
    if form is SqlFormat.json:
        output.write_json(documents)
    elif form is SqlFormat.jsonl:
        output.write_json_lines(documents)
    elif form is SqlFormat.table:
        table = output.table(*names, whole=names[:1])
        for row in rows:
            table.add_row(*map(output.styled, row))
        output.write(output.console(), table)
    else:
        raise ConfigurationError(f"--schema and --macros have no --format {form.value}; use table, json or jsonl")
