"""Segments as a part of the log that DuckDB reads as they are: the fast way for many lines and a few named columns.

DuckDB refuses a line that is no whole JSON object, or that has a key twice, so that what it reads strictly is what the
decoder reads. Any error or doubt gives the segments back, to be decoded line by line (`sql_decoded`). Lines that
odibi-core does not write are judged more leniently: blank lines are not counted as unreadable, and a line may have up
to 32 MB. A field that is not asked for may hold what JSON lacks: `NaN`, a number beyond a double, a thousand levels.
The spellings of a field are its own, snake_case, camelCase, and those in a sample of the lines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from odibi_core.select_only import Asked
from odibi_core.store.hot_lines import HotLines, collect, sampled_names
from odibi_core.store.lines import LONGEST_LINE
from odibi_core.store.log_table import STANDARD_TYPES, canonical
from odibi_core.store.sql_decoded import FEW, not_copied, standard
from odibi_core.store.sql_logs import Part, Piece
from odibi_core.store.sql_text import TEXT, literal, quoted

_EXACT: Final = 2.0**53
_LARGEST: Final = 9e18
"""From here on DuckDB calls an integer a double; the decoder does not."""
_NATIVE: Final = frozenset({"BIGINT", "BOOLEAN", "DOUBLE", TEXT})
_TYPES: Final = {"UBIGINT": "BIGINT", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}


def undecoded_part(connection: Any, paths: list[Path], asked: Asked, stack: ExitStack) -> Part | None:
    """Return the part of segments; None if they are few, or must be decoded."""
    if _bytes_of(paths) <= FEW:
        return None
    names = _spellings(asked, sampled_names(paths))
    if names is None:
        return None
    for copy_all in (False, True):  # a large file that grows may have a half line at its end: then it is copied
        try:
            lines = collect(paths, stack, copy_all=copy_all)
        except OSError as error:
            raise not_copied(error) from None
        if (part := _read(connection, lines, names)) is not None:
            return part
        if lines.is_counted:
            break
    return None


def _bytes_of(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += os.stat(path).st_size
        except OSError:
            continue
    return total


def _spellings(asked: Asked, sampled: list[str]) -> dict[str, list[str]] | None:
    """Return the names of fields that each asked column may have; None if names differ in nothing but their case."""
    found: dict[str, list[str]] = {"event_type": ["event_type"]}
    for word in sorted(asked.columns):
        name = canonical(word)
        first, *others = name.split("_")
        camel = first + "".join(part[:1].upper() + part[1:] for part in others)
        known = [each for each in sampled if canonical(each) == name or each.lower() == word.lower()]
        event = ["event"] if name == "event_type" else []
        own = [name] if name in STANDARD_TYPES else []
        found[name] = list(dict.fromkeys([*own, *known, word, name, camel, *event]))
    every = [name for names in found.values() for name in names]
    return None if len({name.lower() for name in every}) < len(every) or "" in every else found


def _read(connection: Any, lines: HotLines, names: dict[str, list[str]]) -> Part | None:
    """Return the part of the lines as a table in memory; None if DuckDB cannot read all of them."""
    import duckdb

    table = f"hot_{lines.files[0].fileno()}"
    types = {spelled: _read_as(name) for name, spellings in names.items() for spelled in spellings}
    columns = ", ".join(f"{quoted(name)}: '{kind}'" for name, kind in types.items())
    relation = (
        f"read_json([{', '.join(map(literal, lines.paths()))}], format='newline_delimited', "
        f"compression='uncompressed', maximum_object_size={LONGEST_LINE}, columns={{{columns}}})"
    )
    try:
        connection.execute(f"create temp table {table} as select * from {relation}")
        found = connection.execute(f"select count(*), count(event_type) from {table}").fetchone()
        if found[0] != found[1] or (lines.is_counted and found[0] != lines.lines):
            return None
        pieces = {name: piece for name, spelled in names.items() for piece in _pieces(connection, table, name, spelled)}
    except (duckdb.Error, MemoryError):
        connection.execute(f"drop table if exists {table}")
        return None
    except _Doubt:
        return None
    return Part(table, pieces, lines.read_errors, has_every_field=False)


class _Doubt(Exception):
    """Raised for values that only the decoder reads exactly."""


def _read_as(name: str) -> str:
    kind = STANDARD_TYPES.get(name, "JSON")
    return kind if kind in _NATIVE else TEXT if kind == "TIMESTAMP" else "JSON"


def _pieces(connection: Any, table: str, name: str, spelled: list[str]) -> Iterator[Piece]:
    """Yield the column of a field, unless no line has it."""
    counts = ", ".join(f"count({quoted(each)})" for each in spelled)
    counted = connection.execute(f"select {counts} from {table}").fetchone()
    present = [each for each, number in zip(spelled, counted, strict=True) if number]
    if name in STANDARD_TYPES:
        sql = _first_of(present or spelled[:1])
        yield Piece(name, STANDARD_TYPES[name], standard(name, sql, _read_as(name)))
    elif present:
        sql = _first_of(present)
        kind = _type_of(connection, table, sql)
        yield Piece(present[0], kind, f"({sql}->>'$')" if kind == TEXT else f"{sql}::{kind}")


def _first_of(names: list[str]) -> str:
    values = [quoted(name) for name in names]
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _type_of(connection: Any, table: str, sql: str) -> str:
    """Return the type that holds every value, as `log_table.Column` finds it."""
    found = connection.execute(
        f"select json_type(v), max(abs(try_cast(v as double))), bool_or(json_type(v) = 'OBJECT' and "
        f"len(json_keys(v)) > len(list_distinct(json_keys(v)))) from (select {sql} as v from {table}) "
        "where v is not null group by 1"
    ).fetchall()
    largest = {kind: value or 0.0 for kind, value, _ in found}
    if largest.get("DOUBLE", 0.0) >= _LARGEST or largest.get("UBIGINT", 0.0) >= _LARGEST:
        raise _Doubt
    if any(is_repeated for _, _, is_repeated in found):
        raise _Doubt
    kinds = {_TYPES.get(kind, TEXT) for kind in largest}
    if kinds == {"BIGINT", "DOUBLE"}:
        return "DOUBLE" if max(largest.get("UBIGINT", 0.0), largest.get("BIGINT", 0.0)) <= _EXACT else TEXT
    return kinds.pop() if len(kinds) == 1 else TEXT
