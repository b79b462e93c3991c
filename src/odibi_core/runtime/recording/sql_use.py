"""The SQL of a statement: the tables that its constant texts name, and the connection that runs it."""

from __future__ import annotations

import ast
import re
from typing import Any, Final, NamedTuple

from odibi_core.errors import STOPS

_CALLS: Final = frozenset("sql query execute from_query".split())  # noqa: SIM905
_NAME: Final = r"\"?([A-Za-z_]\w*)\"?(?!\s*[\w.\"]*\()"
_READS: Final = re.compile(rf"(?i)\b(?:from|join)\s+{_NAME}")
_WRITES: Final = re.compile(
    rf"(?i)\bcreate\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:table|view)\s+(?:if\s+not\s+exists\s+)?{_NAME}"
    rf"|\binsert\s+(?:or\s+\w+\s+)?into\s+\"?([A-Za-z_]\w*)\"?|\bupdate\s+{_NAME}\s+set\b|\bdelete\s+from\s+{_NAME}"
)


class SqlUse(NamedTuple):
    """The texts of SQL in a statement."""

    reads: tuple[str, ...] = ()
    """Tables, or variables that DuckDB finds under the name of a table."""
    writes: tuple[str, ...] = ()
    """Tables and views that it creates or changes."""
    text: str | None = None
    """The text of its only call, if it is a constant."""
    connection: ast.expr | None = None


NO_SQL: Final = SqlUse()


def sql_of(calls: list[ast.Call]) -> SqlUse:
    """Return the SQL of the calls of a statement."""
    asked = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in _CALLS and call.args]
    if not asked:
        return NO_SQL
    text = "\n".join(
        each.value
        for call in asked
        for each in ast.walk(call.args[0])
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )
    writes = tuple(dict.fromkeys(name for found in _WRITES.findall(text) for name in found if name))
    changed = (name for _, *found in _WRITES.findall(text) for name in found if name)  # it holds the earlier rows too
    reads = tuple(dict.fromkeys([*_READS.findall(text), *changed]))
    only = asked[0].args[0]
    whole = only.value if len(asked) == 1 and isinstance(only, ast.Constant) and isinstance(only.value, str) else None
    function = asked[0].func
    return SqlUse(reads, writes, whole, function.value if isinstance(function, ast.Attribute) else None)


class Table:
    """A table of a database as a value that a step has made; it keeps no connection alive."""


def relation_of(connection: Any, table: str) -> Any:
    """Return a table of a DuckDB connection as a relation, which runs nothing; None for another database."""
    library = str(getattr(connection, "__name__", type(connection).__module__)).partition(".")[0].lstrip("_")
    if library != "duckdb":
        return None
    try:
        return connection.table(table)
    except STOPS:
        raise
    except BaseException:  # it is a table of another database, or was dropped
        return None
