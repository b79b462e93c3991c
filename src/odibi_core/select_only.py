"""The check that a query is one SELECT over given tables, such as those of the record, and over nothing else.

DuckDB's own lock keeps files, the network and extensions out. It still allows statements that change the database,
and functions that return settings and paths; those are refused here, from DuckDB's parse tree, before anything runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from odibi_core.errors import QueryError, first_line, nearest

LONGEST_QUERY: Final = 100_000
"""Characters: DuckDB's parser needs memory in proportion, or more."""

_TABLE_FUNCTIONS: Final = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}
)
_OUTSIDE: Final = frozenset({"current_setting", "getenv", "write_log"})
LOGS: Final = "logs"
_TABLES: Final = "tables"
_WHOLE: Final = frozenset({"PIVOT", "POSITIONAL_REFERENCE", "SHOW_REF", "STAR"})
_WORD: Final = re.compile(r"[A-Za-z]+")


class Asked(msgspec.Struct, frozen=True):
    """The parts of the record that a query reads, by its parse tree; all names in lower case.

    Args:
        tables: The tables that it names.
        functions: The table functions and functions that it calls.
        columns: The parts of every reference to a column, as they are spelled.
        is_whole: True if it can read columns that it does not name, as `*` does.
        shows_tables: True if it lists the tables.
    """

    tables: frozenset[str]
    functions: frozenset[str]
    columns: frozenset[str]
    is_whole: bool
    shows_tables: bool = False


def check_text(query: str) -> None:
    """Raise `QueryError` unless the query is text that another program can read, and not too long."""
    try:
        query.encode()
    except UnicodeEncodeError:
        raise QueryError("the query must be UTF-8; it holds bytes that are no text") from None
    if len(query) > LONGEST_QUERY:
        raise QueryError(
            f"the query must be at most {LONGEST_QUERY:,} characters long, got {len(query):,}; ask in several queries"
        )


def check_select(
    connection: Any,
    query: str,
    tables: Iterable[str] = (LOGS,),
    table_functions: Iterable[str] = (),
    source: str = "the tables of the history",
) -> Asked:
    """Return the parts of the record, or of other tables, that a query reads.

    Args:
        connection: A connection of DuckDB, for its parser.
        query: The query.
        tables: The tables that it may read, besides its own subqueries.
        table_functions: Table functions that it may call, besides those that generate rows.
        source: Names the tables in an error, unless `logs` is the only one.

    Raises:
        QueryError: It is not one SELECT, or it reads anything else.
    """
    statements = statements_of(connection, query)
    known = frozenset(tables)
    for problem in _problems(statements, known, _TABLE_FUNCTIONS | frozenset(table_functions)):
        only = f"the table {LOGS}" if known == {LOGS} else source
        raise QueryError(f"a query must read {only} only; {problem}")
    return _asked(statements)


def statements_of(connection: Any, query: str) -> Any:
    """Return the parse tree of a query: a list of its one statement.

    Raises:
        QueryError: It is not one SELECT.
    """
    check_text(query)
    _check_statements(connection, query)
    parsed = json.loads(connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchall()[0][0])
    if parsed.get("error"):
        raise QueryError(f"the query must be one plain SELECT: {parsed.get('error_message')}")
    return parsed["statements"]


def parse_select(query: str) -> dict[str, Any]:
    """Return the parse tree of one SELECT, which may name any table. Nothing is run.

    Raises:
        QueryError: It is not one SELECT.
    """
    import duckdb

    with duckdb.connect(":memory:") as connection:
        statement: dict[str, Any] = statements_of(connection, query)[0]
        return statement


def _check_statements(connection: Any, query: str) -> None:
    import duckdb

    try:
        kinds = [_kind(statement, query) for statement in connection.extract_statements(query)]
    except duckdb.Error as error:
        raise QueryError(first_line(error)) from None
    if len(kinds) != 1:
        raise QueryError(f"the query must be one SELECT at a time; given were {len(kinds)} statements")
    if kinds == ["MULTI"]:
        raise QueryError("PIVOT needs its values: pivot logs on level in ('info', 'error') using count(*)")
    if kinds != ["SELECT"]:
        raise QueryError(f"the query must be SELECT only; given was {kinds[0]}")


def _kind(statement: Any, query: str) -> str:
    """Return the kind of a statement, or its first word: DuckDB parses more kinds than its enumeration has."""
    try:
        kind = str(statement.type).rpartition(".")[2]
    except ValueError:
        kind = ""
    word = _WORD.search(query)
    return kind if kind.isidentifier() or word is None else word[0].upper()


def _nodes(node: Any, tables: frozenset[str]) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield every node of a parse tree with the tables that are in scope there."""
    todo = [(node, tables)]
    while todo:
        part, known = todo.pop()
        if isinstance(part, list):
            todo += [(each, known) for each in part]
        elif isinstance(part, dict):
            named = part.get("cte_map") or {}
            known |= {str(entry["key"]).lower() for entry in named.get("map", ())}
            yield part, known
            todo += [(each, known) for each in part.values()]


def _problems(node: Any, tables: frozenset[str], table_functions: frozenset[str]) -> Iterator[str]:
    """Yield the tables and functions of a parse tree that are not allowed."""
    for part, known in _nodes(node, tables):
        yield from _problem(part, known, table_functions)


def _problem(node: dict[str, Any], tables: frozenset[str], table_functions: frozenset[str]) -> Iterator[str]:
    kind, table = node.get("type"), str(node.get("table_name", ""))
    function = str(node.get("function_name", "")).lower()
    if kind == "BASE_TABLE" and table.lower() not in tables:
        yield f"there is no table {table!r}{nearest(table, tables)}"
    elif kind == "TABLE_FUNCTION":
        name = str(node.get("function", {}).get("function_name", "?"))
        if name.lower() not in table_functions:
            yield f"the table function {name} is not allowed{nearest(name, table_functions)}"
    elif kind == "SHOW_REF" and table.strip('"') not in ("", _TABLES):
        yield f"SHOW {table} is not allowed"
    elif function in _OUTSIDE:
        yield f"the function {function} is not allowed"


def _asked(tree: Any) -> Asked:
    tables, functions, columns, names_of_tables = set[str](), set[str](), set[str](), set[str]()
    references: list[list[str]] = []
    is_whole = shows_tables = False
    for node, _ in _nodes(tree, frozenset()):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            tables.add(str(node["table_name"]).lower())
            names_of_tables |= {str(node[name]).lower() for name in ("table_name", "alias") if node.get(name)}
        elif node.get("class") == "COLUMN_REF":
            references.append([str(name) for name in node.get("column_names") or ()])
        functions.add(str(node.get("function_name") or "").lower())
        columns.update(map(str, node.get("using_columns") or ()))
        shows_tables |= kind == "SHOW_REF" and str(node.get("table_name")).strip('"') == _TABLES
        is_whole |= kind in _WHOLE or node.get("ref_type") == "NATURAL"
    for names in references:
        is_table = bool(names) and names[0].lower() in names_of_tables
        is_whole |= is_table and len(names) == 1  # the name of a table alone is a struct of all its columns
        columns.update(names[is_table:])
    return Asked(frozenset(tables), frozenset(functions - {""}), frozenset(columns), is_whole, shows_tables)
