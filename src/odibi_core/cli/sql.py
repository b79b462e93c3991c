"""`odibi sql`: SQL over the tables of all runs."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from odibi_core.cli import options, output, record
from odibi_core.cli.sql_formats import SqlFormat, check_target, write
from odibi_core.errors import ConfigurationError, QueryError, StoreError

if TYPE_CHECKING:
    from odibi_core.store.runs import RunStore
    from odibi_core.store.sql_process import Child

CHILD: Final = "odibi_core.history.sql.child"
_STDIN: Final = "-"
_LONGEST_FILE: Final = 1 << 20

Query = Annotated[
    str | None, typer.Argument(metavar="QUERY", show_default=False, help="One SELECT; - for stdin; none: a prompt.")
]
QueryFile = Annotated[
    Path | None, typer.Option("-f", "--file", metavar="FILE", help="Read the query from a file.", show_default=False)
]
Target = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the answer to a file.", show_default=False)
]
Form = Annotated[
    SqlFormat,
    typer.Option("--format", metavar="FORMAT", show_default=False, help="table, json, jsonl, csv, parquet, arrow."),
]


def sql(
    context: typer.Context,
    query: Query = None,
    file: QueryFile = None,
    run: options.OnlyRun = None,
    format: Form = SqlFormat.table,
    target: Target = None,
    schema: Annotated[bool, typer.Option("--schema", help="List tables, or columns of QUERY.")] = False,
    macros: Annotated[bool, typer.Option("--macros", help="List the macros.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, help="Time limit in seconds.")] = 60.0,
    store: options.Store = None,
) -> None:
    """Query the tables of all runs with one SELECT.

    The tables are runs, nodes, columns, checks, files, logs and others:
    odibi sql "select node_name, rows_out from nodes where status = 'failed'"
    In logs, every logged field is a column, in snake_case or camelCase.

    The query runs in its own process, with at most 2 GB of memory. The page
    docs/schema.md describes every column and macro.
    """
    if schema or macros:
        given = {"--file": file, "--run": run, "--output": target, "--store": store, "QUERY": macros and query}
        mode = "with --macros" if macros else "with --schema"
        options.refuse(mode, {name: bool(value) for name, value in given.items()} | {"--schema": macros and schema})
        from odibi_core.cli.sql_schema import show_macros, show_schema

        show_macros(format) if macros else show_schema(query, format)
        return
    check_target(format, target)
    text = _query(query, file)
    kept = record.open_store(store)
    chosen = record.find(kept, run) if run else None
    if text is None:
        from odibi_core.cli.sql_prompt import prompt

        options.refuse("at the prompt", {"--output": target is not None})
        prompt(kept, chosen, timeout, format)
        return
    from odibi_core.store.sql_process import Child

    with Child(CHILD, context.obj) as child:
        answer(child, kept, text, format, target, timeout=timeout, run_id=chosen)


def answer(
    child: Child,
    kept: RunStore,
    query: str,
    form: SqlFormat,
    target: Path | None = None,
    *,
    timeout: float,
    run_id: str | None,
) -> None:
    """Write the answer of a query, and notices of what could not be read."""
    from odibi_core.history.sql.collecting import collected, set_damage_aside
    from odibi_core.select_only import check_text
    from odibi_core.store.sql_process import LARGEST_ANSWER, Child

    check_text(query)
    with ExitStack() as stack, output.waiting("querying") as waited:
        largest = LARGEST_ANSWER if form is SqlFormat.table else None
        try:
            cursor = child.ask(query, collected(kept, query, run_id), timeout, largest)
        except (QueryError, StoreError):
            if not set_damage_aside(kept, query):
                raise
            child = stack.enter_context(Child(CHILD))
            cursor = child.ask(query, collected(kept, query, run_id), timeout, largest)
        waited()
        if form is SqlFormat.table:
            from odibi_core.cli.sql_table import show

            show(cursor)
        else:
            write(cursor, form, target)
    record.report(cursor.read_errors, "the log")
    for notice in cursor.notices:
        output.notice(notice)


def _query(given: str | None, file: Path | None) -> str | None:
    """Return the query; None if the user is asked for one.

    Raises:
        ConfigurationError: There are two, or the file is no query.
    """
    if given is not None and file is not None:
        raise ConfigurationError("the query is given twice; use QUERY or -f")
    if file is not None and str(file) != _STDIN:
        return _text(file.read_bytes()[:_LONGEST_FILE], str(file))
    if given == _STDIN or file is not None or (given is None and not sys.stdin.isatty()):
        return _text(sys.stdin.buffer.read(_LONGEST_FILE), "standard input")
    return given


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{where} must be UTF-8 text; it holds bytes that are no text") from None
