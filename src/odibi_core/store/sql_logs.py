"""The view `logs` of a DuckDB connection: the lines of segments, and the rows of Parquet files, as one table.

A field has one column in all of them, whatever its spelling, and one type that holds every value.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.select_only import LOGS, Asked
from odibi_core.store.lines import ReadErrors
from odibi_core.store.log_table import MAX_FIELDS, STANDARD_TYPES, canonical
from odibi_core.store.sql_text import as_type, literal, quoted, unified

_MOST_CONFLICTS: Final = 3


class Piece(msgspec.Struct):
    """A column in one part of the log: the name that it has there, its type (None without values), its expression."""

    shown: str
    type: str | None
    sql: str


class Part(msgspec.Struct):
    """Rows of the log that DuckDB reads in one way: a relation, and its columns by canonical name."""

    relation: str
    columns: dict[str, Piece]
    read_errors: ReadErrors = msgspec.field(default_factory=ReadErrors)
    left_out: int = 0
    files: list[str] = msgspec.field(default_factory=list)
    """The files that it reads."""
    has_every_field: bool = True
    """False if it may have more fields than `columns`."""
    others: set[str] = msgspec.field(default_factory=set)
    """The names of fields that the query does not name."""


class ColdColumn(msgspec.Struct):
    """A field in a Parquet file: the name that was logged, the SQL of its value, and the DuckDB type of that."""

    name: str
    sql: str
    type: str


class ColdFile(msgspec.Struct):
    """A Parquet file of the log."""

    path: str
    columns: list[ColdColumn]
    left_out: int = 0


class LogColumns(msgspec.Struct):
    """The view: its columns, the names of all fields that are known, and what a reader must know."""

    names: list[str]
    files: list[str]
    read_errors: ReadErrors
    left_out: int
    notices: list[str]


def cold_parts(files: Iterable[ColdFile], asked: Asked, where: str = "true") -> list[Part]:
    """Return a part for all files that hold the columns of a query in the same way; `where` chooses rows."""
    groups: dict[bytes, Part] = {}
    for file in files:
        pieces = _pieces(file, asked)
        key = msgspec.msgpack.encode([(name, pieces[name].type, pieces[name].sql) for name in sorted(pieces)])
        part = groups.setdefault(key, Part("", pieces))
        part.files.append(file.path)
        part.others.update(column.name for column in file.columns)
        part.left_out += file.left_out if asked.is_whole else 0
    for part in groups.values():
        part.relation = f"(from {parquet(part.files)} where {where})"
    return list(groups.values())


def parquet(paths: Iterable[str]) -> str:
    """Return the relation of Parquet files."""
    files = list(map(literal, paths))
    # By name: an older file lacks the columns that were added later. `date=…` in a path is no column of the record.
    by_name = ", union_by_name=true" if len(files) > 1 else ""
    return f"read_parquet([{', '.join(files)}]{by_name}, hive_partitioning=false)"


def _pieces(file: ColdFile, asked: Asked) -> dict[str, Piece]:
    columns: dict[str, list[ColdColumn]] = {}
    for column in file.columns:
        name = canonical(column.name)
        if asked.is_whole or name in STANDARD_TYPES or is_asked(asked, name, column.name):
            columns.setdefault(name, []).append(column)
    return {name: _piece(name, of_name) for name, of_name in columns.items()}


def _piece(name: str, columns: list[ColdColumn]) -> Piece:
    if name in STANDARD_TYPES:
        values = [f"try_cast({column.sql} as {STANDARD_TYPES[name]})" for column in columns]
        return Piece(name, STANDARD_TYPES[name], values[0] if len(values) == 1 else f"coalesce({', '.join(values)})")
    piece = Piece(columns[0].name, columns[0].type, columns[0].sql)
    for column in columns[1:]:
        piece = _merged(piece, Piece(column.name, column.type, column.sql))
    return piece


def create_view(connection: Any, parts: list[Part], asked: Asked) -> LogColumns:
    """Make the view `logs` over the parts."""
    shown = _merge_spellings(parts)
    kept = _kept(shown, asked)
    types, conflicts = _types(parts, kept, shown)
    empty = f"select {', '.join(f'null::{types[name]} as c{place}' for place, name in enumerate(kept))} where false"
    selects = [f"select {_expressions(part, kept, types)} from {part.relation}" for part in parts]
    columns = [
        f"c{place} as {quoted(alias)}"
        for place, name in enumerate(kept)
        for alias in _aliases(name, shown[name], asked)
    ]
    source = " union all ".join(selects or [empty])
    connection.execute(f"create view {LOGS} as select {', '.join(columns)} from ({source})")
    return LogColumns(
        list(dict.fromkeys([*shown.values(), *sorted(set().union(*(part.others for part in parts)))])),
        [file for part in parts for file in part.files],
        ReadErrors(sum(part.read_errors.torn for part in parts), sum(part.read_errors.unreadable for part in parts)),
        sum(part.left_out for part in parts) + (len(shown) - len(kept) if asked.is_whole else 0),
        _notices(conflicts),
    )


def _kept(shown: dict[str, str], asked: Asked) -> list[str]:
    """Return the columns of the view: those that the query names, or all, up to a limit if it does not name them."""
    named = [name for name in shown if is_asked(asked, name, shown[name])]
    if not asked.is_whole:
        return named or list(STANDARD_TYPES)[:1]
    kept = list(dict.fromkeys([*STANDARD_TYPES, *named]))
    others = [name for name in shown if name not in set(kept)]
    return kept + others[: max(0, MAX_FIELDS - len(kept))]


def is_asked(asked: Asked, name: str, shown: str) -> bool:
    """Return whether the query names a column, in any spelling."""
    return any(canonical(word) == name or word.lower() in (name, shown.lower()) for word in asked.columns)


def _merge_spellings(parts: list[Part]) -> dict[str, str]:
    """Return the name of each column in the view; columns whose names SQL cannot distinguish become one."""
    shown = {name: name for name in STANDARD_TYPES}
    by_lower = dict(shown)
    for part in parts:
        merged: dict[str, Piece] = {}
        for name, piece in part.columns.items():
            key = name if name in shown else by_lower.get(piece.shown.lower(), name)
            shown.setdefault(key, piece.shown)
            by_lower.setdefault(piece.shown.lower(), key)
            merged[key] = _merged(merged[key], piece) if key in merged else piece
        part.columns = merged
    return shown


def _merged(one: Piece, other: Piece) -> Piece:
    kind = unified((one.type, other.type))[0]
    return Piece(
        one.shown, kind, f"coalesce({as_type(one.sql, one.type, kind)}, {as_type(other.sql, other.type, kind)})"
    )


def _types(parts: list[Part], kept: list[str], shown: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the type of each column, and the names of those that became text because types conflict."""
    types: dict[str, str] = {}
    conflicts = []
    for name in kept:
        if name in STANDARD_TYPES:
            types[name] = STANDARD_TYPES[name]
            continue
        found = [part.columns[name].type for part in parts if name in part.columns]
        types[name], is_conflict = unified(found)
        if is_conflict:
            conflicts.append(shown[name])
    return types, conflicts


def _expressions(part: Part, kept: list[str], types: dict[str, str]) -> str:
    none = Piece("", None, "null")
    pieces = [(part.columns.get(name, none), types[name]) for name in kept]
    return ", ".join(
        f"{as_type(piece.sql, piece.type, kind)} as c{place}" for place, (piece, kind) in enumerate(pieces)
    )


def _aliases(name: str, shown: str, asked: Asked) -> list[str]:
    """Return the names of a column in the view: its own, and every other spelling that the query uses."""
    spelled = {word.lower(): word for word in sorted(asked.columns) if canonical(word) == name}
    spelled.pop(shown.lower(), None)
    return [shown, *spelled.values()]


def _notices(conflicts: list[str]) -> list[str]:
    if not conflicts:
        return []
    some = ", ".join(conflicts[:_MOST_CONFLICTS])
    more = f" and {len(conflicts) - _MOST_CONFLICTS} more" if len(conflicts) > _MOST_CONFLICTS else ""
    return [f"{some}{more}: logged with several types, so that the column is text"]


def hot_parts(connection: Any, paths: list[Path], asked: Asked, stack: ExitStack, *, fast: bool = True) -> list[Part]:
    """Return the part of the segments; none without segments.

    Args:
        connection: The connection.
        paths: The segments.
        asked: The query.
        stack: Holds the temporary files.
        fast: Let DuckDB read the lines as they are, if they are many and the query names its columns.
    """
    from odibi_core.store.sql_decoded import decoded_part
    from odibi_core.store.sql_undecoded import undecoded_part

    part = undecoded_part(connection, paths, asked, stack) if fast and not asked.is_whole else None
    return [part or decoded_part(connection, paths, asked, stack)] if paths else []
