"""The check that a query is one SELECT over the table `logs` and over nothing else.

DuckDB's own lock keeps files, the network and extensions out. It still allows statements that change the database,
and functions that return settings and paths; those are refused here, from DuckDB's parse tree, before anything runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from odibi_core.errors import QueryError, nearest

LONGEST_QUERY: Final = 100_000
"""Characters: DuckDB's parser needs memory in proportion, or more."""

_TABLE_FUNCTIONS: Final = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest"}
)
_OUTSIDE: Final = frozenset({"current_setting", "getenv", "write_log"})
_TABLE: Final = "logs"
_WORD: Final = re.compile(r"[A-Za-z]+")


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


def check_select(connection: Any, query: str) -> None:
    """Raise `QueryError` unless the query is one SELECT that reads `logs`, its own subqueries, or generated rows."""
    check_text(query)
    _check_statements(connection, query)
    serialized = connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchone()[0]
    parsed = json.loads(serialized)
    if parsed.get("error"):
        raise QueryError(f"the query must be one plain SELECT: {parsed.get('error_message')}")
    for problem in _problems(parsed["statements"], frozenset({_TABLE})):
        raise QueryError(f"a query must read the table {_TABLE} only; {problem}")


def _check_statements(connection: Any, query: str) -> None:
    import duckdb

    try:
        kinds = [_kind(statement, query) for statement in connection.extract_statements(query)]
    except duckdb.Error as error:
        raise QueryError(first_line(error)) from None
    if len(kinds) != 1:
        raise QueryError(f"the log answers one SELECT at a time; given were {len(kinds)} statements")
    if kinds == ["MULTI"]:
        raise QueryError("PIVOT needs its values: pivot logs on level in ('info', 'error') using count(*)")
    if kinds != ["SELECT"]:
        raise QueryError(f"the log answers SELECT only; given was {kinds[0]}")


def _kind(statement: Any, query: str) -> str:
    """Return the kind of a statement, or its first word: DuckDB parses more kinds than its enumeration has."""
    try:
        kind = str(statement.type).rpartition(".")[2]
    except ValueError:
        kind = ""
    word = _WORD.search(query)
    return kind if kind.isidentifier() or word is None else word[0].upper()


def _problems(node: Any, tables: frozenset[str]) -> Iterator[str]:
    """Yield the tables and functions of a parse tree that are not allowed; `tables` are those in scope."""
    todo = [(node, tables)]
    while todo:
        part, known = todo.pop()
        if isinstance(part, list):
            todo += [(each, known) for each in part]
        elif isinstance(part, dict):
            named = part.get("cte_map") or {}
            known |= {str(entry["key"]).lower() for entry in named.get("map", ())}
            yield from _problem(part, known)
            todo += [(each, known) for each in part.values()]


def _problem(node: dict[str, Any], tables: frozenset[str]) -> Iterator[str]:
    kind, table = node.get("type"), str(node.get("table_name", ""))
    function = str(node.get("function_name", "")).lower()
    if kind == "BASE_TABLE" and table.lower() not in tables:
        yield f"there is no table {table!r}{nearest(table, tables)}"
    elif kind == "TABLE_FUNCTION":
        name = str(node.get("function", {}).get("function_name", "?"))
        if name.lower() not in _TABLE_FUNCTIONS:
            yield f"the table function {name} is not allowed"
    elif kind == "SHOW_REF" and table.strip('"') not in ("", "tables"):
        yield f"SHOW {table} is not allowed"
    elif function in _OUTSIDE:
        yield f"the function {function} is not allowed"


def first_line(error: Exception) -> str:
    """Return the first line of the message of an error of DuckDB."""
    return str(error).strip().partition("\n")[0]
