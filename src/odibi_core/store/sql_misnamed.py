"""The error about a column that the tables of a query do not have: where it is, and which columns they have instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from odibi_core.errors import nearest
from odibi_core.select_only import LOGS
from odibi_core.store.log_table import canonical

_MOST: Final = 3
"""Columns that a message names at most."""
_SHORT: Final = 3
"""Letters of a word that has no ending."""
_KEYS: Final = ("run_id", "node_name")
"""The columns that join the tables, in the order of a condition."""
_WORDS: Final = {
    "begin": "start", "count": "", "elapsed": "duration", "exception": "error", "finish": "end", "message": "error",
    "number": "", "state": "status", "step": "node", "table": "dataset", "task": "node", "took": "duration",
}  # fmt: skip
"""Words of a name that the tables spell otherwise; empty if the word selects no column."""
_ENOUGH: Final = 0.5
"""The part of their words in which two names agree, above which that is no coincidence."""

Columns = Mapping[str, list[str]]
"""The columns of tables."""


def explain_missing(name: str, tables: Columns, others: Columns) -> str | None:
    """Return the error of a query that asks for a column of no table of it; None if one of them has the column.

    Args:
        name: The column that was not found.
        tables: The tables of the query, with their columns.
        others: The tables that the query does not use.
    """
    if any(_has(columns, name) for columns in tables.values()):
        return None
    where = "the log" if list(tables) == [LOGS] else " and ".join(tables)
    return f"{where} {'has' if len(tables) == 1 else 'have'} no field {name!r}{_hint(name, tables, others)}"


def _hint(name: str, tables: Columns, others: Columns) -> str:
    own = [column for columns in tables.values() for column in columns]
    place = _place(name, tables, others)
    near = _listed(_alike(name, own)) or ("" if place else nearest(name, own))
    return f"{near}{place}" or nearest(name, (column for columns in others.values() for column in columns))


def _place(name: str, tables: Columns, others: Columns) -> str:
    """Return the other table that has the column, and its join; the table with most keys of the query's tables."""
    shared = {
        table: [key for key in _KEYS if key in columns and all(key in own for own in tables.values())]
        for table, columns in others.items()
        if _has(columns, name)
    }
    if not shared:
        return ""
    table = max(shared, key=lambda each: len(shared[each]))
    join = f": join {table} using ({', '.join(shared[table])})" if shared[table] else ""
    return f"; the table {table} has one{join}"


def _alike(name: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that share the largest part of their words with the name, in their order."""
    words = _words(_WORDS.get(word, word) for word in canonical(name).split("_"))
    found = {column: _words(column.split("_")) for column in columns}
    shares = {column: len(words & each) / len(words | each) for column, each in found.items()}
    best = max(shares.values(), default=0.0)
    return [column for column, share in shares.items() if share == best >= _ENOUGH][:_MOST]


def _words(parts: Iterable[str]) -> set[str]:
    """Return the words without the endings of a plural and of the past."""
    return {part.removesuffix("ed").removesuffix("s") if len(part) > _SHORT else part for part in parts} - {""}


def _listed(names: list[str]) -> str:
    if not names:
        return ""
    *most, last = map(repr, names)
    return f" (did you mean {', '.join(most)}{' or ' if most else ''}{last}?)"


def _has(columns: Iterable[str], name: str) -> bool:
    return any(canonical(column) == canonical(name) or column.lower() == name.lower() for column in columns)
