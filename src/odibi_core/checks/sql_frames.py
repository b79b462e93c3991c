"""SQL over the frames of a step for checks: conditions on rows, and queries.

The engine of the frame runs the SQL (`Engine.select`): DuckDB for all libraries whose frames are in memory. It sees
the frames and nothing else. The frame that is checked is also the table `frame`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from odibi_core import plugins
from odibi_core.checks.frames import eager
from odibi_core.checks.labels import key_of
from odibi_core.errors import CheckError, EngineError, MissingExtraError, NotCheckedError, QueryError, nearest
from odibi_core.select_only import parse_select

FRAME = "frame"
_NUMBER = "row number of the check"
_UNKNOWN_COLUMN = re.compile(r'Referenced column "(.+?)" not found')


def valid_predicate(what: str, text: Any) -> None:
    """Raise CheckError unless a text is one SQL condition; `what` names it in the message."""
    if not isinstance(text, str) or not text.strip():
        raise CheckError(f"{what} must be a SQL condition such as \"country = 'DE'\", got {text!r}")
    node = _parsed(what, text, f"SELECT ({text}\n) AS passes").get("node", {})
    listed: list[dict[str, Any]] = node.get("select_list") or []
    plain = node.get("type") == "SELECT_NODE" and (node.get("from_table") or {}).get("type") == "EMPTY"
    is_one = len(listed) == 1 and listed[0].get("alias") == "passes" and listed[0].get("function_name") != "row"
    if not plain or not is_one or node.get("where_clause"):
        raise CheckError(f"{what} must be one SQL condition, got {text!r}; use checks.query() for a whole SELECT")


def valid_query(what: str, text: Any) -> None:
    """Raise CheckError unless a text is one SELECT; `what` names it in the message."""
    if not isinstance(text, str) or not text.strip():
        raise CheckError(f"{what} must be the text of a SELECT, got {text!r}")
    _parsed(what, text, text)


def _parsed(what: str, given: str, text: str) -> dict[str, Any]:
    """Return the parse tree of the only statement of a text, a SELECT."""
    try:
        return parse_select(text)
    except QueryError as error:
        raise CheckError(f"{what} cannot be parsed as SQL: {error}; got {given!r}") from None


def rows_where(frame: Any, predicate: str, frames: Mapping[str, Any]) -> list[int]:
    """Return the numbers of the rows, from 0, for which a condition is true.

    Raises:
        CheckError: The condition cannot be computed.
    """
    return _rows_where(frame.with_row_index(_NUMBER), predicate, frames)


def mask_where(frame: Any, predicate: str, frames: Mapping[str, Any]) -> Any:
    """Return the mask of the rows for which a condition is true.

    Raises:
        CheckError: The condition cannot be computed.
    """
    import narwhals

    numbered = frame.with_row_index(_NUMBER)
    numbers = numbered[_NUMBER].cast(narwhals.Int64)
    found = _rows_where(numbered, predicate, frames)
    return numbers.is_in(found) if found else numbers < 0


def _rows_where(numbered: Any, predicate: str, frames: Mapping[str, Any]) -> list[int]:
    text = f'SELECT "{_NUMBER}" FROM {FRAME} WHERE ({predicate}\n)'
    return sorted(row[0] for row in select(text, numbered, frames)[1])


def select(query: str, frame: Any, frames: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and the rows of a SELECT over the frame that is checked and the other frames.

    Raises:
        NotCheckedError: It reads a lazy frame.
        CheckError: It fails, or it reads anything else.
    """
    tables, lazy = {FRAME: _table(frame)}, []
    for name, each in frames.items():
        if name.casefold() == FRAME:
            continue
        try:
            found = eager(each, collect=False)
        except CheckError:
            continue  # a value that is no frame, such as a connection
        if found is None:
            lazy.append(name)
        else:
            tables[name] = _table(found)
    try:
        columns, rows = _engine(frame).select(query, _distinct(tables))
    except EngineError as error:
        for name in lazy:
            if f"no table {name!r}" in str(error) or f"no table {name.lower()!r}" in str(error):
                raise NotCheckedError(f"the SQL reads {name!r}, which is lazy") from None
        raise CheckError(f"{error}{_hint(str(error), frame)}") from None
    return columns, rows


def _hint(message: str, frame: Any) -> str:
    """Return the nearest column for an unknown one, or why a column cannot be named."""
    found = _UNKNOWN_COLUMN.search(message)
    if not found:
        return ""
    twins = [name for name in frame.columns if name.casefold() == found[1].casefold()]
    if len(twins) > 1:
        return f"; {' and '.join(map(repr, twins))} are one name in SQL, so rename one"
    return nearest(found[1], frame.columns)


def _distinct(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables without those whose names differ in capitals only from an earlier one."""
    found: dict[str, str] = {}
    for name in tables:
        found.setdefault(name.casefold(), name)
    return {name: tables[name] for name in found.values()}


def _table(frame: Any) -> Any:
    """Return a frame for SQL: columns that differ in capitals only get names that no condition has by accident."""
    times = Counter(name.casefold() for name in frame.columns)
    renamed = {
        name: f"{key_of(name)} (column {place} of the frame)"
        for place, name in enumerate(frame.columns)
        if times[name.casefold()] > 1
    }
    return (frame.rename(renamed) if renamed else frame).to_native()


def _engine(frame: Any) -> Any:
    """Return the engine that runs the SQL over a frame: the one of its library, else the first that is installed."""
    own = str(frame.implementation.value)
    for name in dict.fromkeys([own, "polars", "pandas", *plugins.names("engines")]):
        if name not in plugins.names("engines"):
            continue
        try:
            engine = plugins.load("engines", name)()
        except MissingExtraError:
            continue
        if hasattr(engine, "select"):
            return engine
    raise CheckError("SQL in checks needs polars or pandas: pip install 'odibi-core[polars]'")
