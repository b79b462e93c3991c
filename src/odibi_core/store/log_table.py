"""The events of many segments as one file of uniform lines, with the name and type of each column.

Each line is decoded once, so DuckDB never guesses a schema: a line that is no event is counted and left out, a field
has one spelling and one type in all lines, and a nested value is JSON text. Memory is bounded by the longest line and
by the number of different fields, not by the number of lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from odibi_core.store.lines import ReadErrors, read_lines

STANDARD_TYPES: Final = {
    "timestamp": "TIMESTAMP", "level": "VARCHAR", "event_type": "VARCHAR", "message": "VARCHAR",
    "node_name": "VARCHAR", "layer": "VARCHAR", "engine": "VARCHAR", "status": "VARCHAR", "duration_ms": "DOUBLE",
    "error": "VARCHAR", "cache_hit": "BOOLEAN", "row_count": "BIGINT", "memory_mb": "DOUBLE", "user": "VARCHAR",
    "metadata": "JSON", "run_id": "VARCHAR", "correlation_id": "VARCHAR", "operation": "VARCHAR",
    "component": "VARCHAR", "writer_id": "VARCHAR", "seq": "BIGINT",
}  # fmt: skip
LONGEST_LINE: Final = 16 << 20
"""Bytes of a line of the table: one of a segment is shorter, and nested values grow when they become text."""
MAX_FIELDS: Final = 1_000
"""Columns of the table; a field beyond them is one only if the query names it."""

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EXACT: Final = 2**53
"""A float holds every integer up to here."""
_NESTED: Final = frozenset({dict, list})
_MAX_SHAPES: Final = 20_000
_SHORT_LINE: Final = 1 << 16
_LONGEST_NAME: Final = 1_000
_BLOCK: Final = 1 << 20

_Record = dict[str, Any]
_decode: Final[Callable[[bytes], _Record]] = msgspec.json.Decoder(dict[str, Any]).decode
_encode: Final = msgspec.json.Encoder().encode


def canonical(name: str) -> str:
    """Return the column that a field belongs to: its name in snake_case; `event` is another name of `event_type`."""
    snake = snake_case(name)
    return "event_type" if snake == "event" else snake


def snake_case(name: str) -> str:
    """Return the canonical spelling of a field: `recordsIn` and `records_in` are one field."""
    return _HUMP.sub("_", name).lower()


class Column:
    """A field in all lines: its spelling, the Python types of its values, and its largest integer beyond `_EXACT`."""

    __slots__ = ("kinds", "largest", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.kinds: set[type] = set()
        self.largest = 0

    @property
    def type(self) -> str:
        """The DuckDB type that holds every value exactly; text if no other does."""
        if self.kinds == {bool}:
            return "BOOLEAN"
        if self.kinds == {int}:
            return "BIGINT" if self.largest < 2**63 else "HUGEINT" if self.largest < 2**127 else "VARCHAR"
        if self.kinds and self.kinds <= {int, float}:
            return "DOUBLE" if self.largest <= _EXACT else "VARCHAR"
        return "VARCHAR"


class _Plan(msgspec.Struct, frozen=True):
    """How lines of one shape are written: `names` are their fields in the table, empty for those without a column."""

    names: tuple[str, ...]
    integers: tuple[tuple[str, Column], ...]
    is_event: bool
    is_rewritten: bool


class LogTable:
    """Collects lines into `file`. `rows` counts the events written, `read_errors` the lines left out."""

    def __init__(self, file: IO[bytes], asked: Iterable[str] = ()) -> None:
        """Create an empty table.

        Args:
            file: Receives the lines.
            asked: Words of the query. A field of such a name is always a column.
        """
        self.file = file
        self.rows = 0
        self.read_errors = ReadErrors()
        self.columns: dict[str, Column] = {name: Column(name) for name in STANDARD_TYPES}
        self._asked = {canonical(word) for word in asked}
        self._left_out: set[int] = set()
        self._by_lower: dict[str, str] = {name: name for name in STANDARD_TYPES} | {"event": "event_type"}
        self._plans: dict[tuple[object, ...], _Plan] = {}

    @property
    def left_out(self) -> int:
        """The number of fields without a column, because there are too many; counted up to a hundred times as many."""
        return len(self._left_out)

    def add(self, paths: Iterable[Path]) -> None:
        """Write the events of segments. A file that is gone has none."""
        for path in paths:
            if path.is_file():
                self._add_lines(read_lines(path, self.read_errors))
        self.file.flush()

    def find(self, word: str) -> Column | None:
        """Return the column that a word means, in any spelling."""
        return self.columns.get(self._by_lower.get(word.lower()) or canonical(word))

    def _add_lines(self, lines: Iterable[bytes]) -> None:
        block: list[bytes] = []
        size = 0
        for line in lines:
            try:
                written = self._line(line, _decode(line))
            except (ValueError, TypeError, RecursionError):
                written = None
            if written is None:
                self.read_errors.unreadable += 1
                continue
            block.append(written)
            size += len(written)
            if size > _BLOCK:
                self._write(block)
                size = 0
        self._write(block)

    def _write(self, block: list[bytes]) -> None:
        if block:
            self.rows += len(block)
            self.file.write(b"\n".join(block) + b"\n")
            block.clear()

    def _line(self, line: bytes, record: _Record) -> bytes | None:
        """Return the line as the table has it; None if it is no event."""
        shape = (*record, *map(type, record.values()))
        plan = self._plans.get(shape) or self._plan(shape, record, keep=len(line) <= _SHORT_LINE)
        if not plan.is_event:
            return None
        for name, column in plan.integers:
            if not -_EXACT <= record[name] <= _EXACT:
                column.largest = max(column.largest, abs(record[name]))
        if plan.is_rewritten or _may_repeat_a_key(line, len(record)):
            return _encode(_uniform(record, plan.names))
        return line

    def _plan(self, shape: tuple[object, ...], record: _Record, keep: bool) -> _Plan:
        columns = [self._column(name) for name in record]
        for column, value in zip(columns, record.values(), strict=True):
            if column is not None and value is not None:
                column.kinds.add(type(value))
        fields = [
            (name, column, value)
            for column, (name, value) in zip(columns, record.items(), strict=True)
            if column is not None
        ]
        names = tuple("" if column is None else column.name for column in columns)
        plan = _Plan(
            names=names,
            integers=tuple((name, column) for name, column, value in fields if type(value) is int),
            is_event=any(
                column.name in ("event_type", "timestamp") and value is not None for _, column, value in fields
            ),
            is_rewritten=names != tuple(record) or any(type(value) in _NESTED for value in record.values()),
        )
        if len(self._plans) >= _MAX_SHAPES:
            self._plans.clear()
        if keep:
            self._plans[shape] = plan
        return plan

    def _column(self, given: str) -> Column | None:
        """Return the column of a field, made if it is new; None if it has none."""
        name = given.replace("\0", "_") or "_"
        known = self._by_lower.get(name.lower())
        if known is not None:
            return self.columns[known]
        column = canonical(name)
        if column not in self.columns:
            full = len(self.columns) >= MAX_FIELDS and column not in self._asked
            if full or len(name) > _LONGEST_NAME:
                if self.left_out < 100 * MAX_FIELDS:
                    self._left_out.add(hash(name))
                return None
            self.columns[column] = Column(name)
        self._by_lower[name.lower()] = column
        return self.columns[column]


def _may_repeat_a_key(line: bytes, keys: int) -> bool:
    """Return whether a flat line may have a key twice, which DuckDB refuses: more colons than keys, or hidden ones."""
    if line.count(b'":') != keys or b"\t" in line or b"\r" in line:
        return True
    return b" " in line and b'" ' in line


def _uniform(record: _Record, names: tuple[str, ...]) -> _Record:
    """Return a record with one value a column, of the column's own spelling if it has one; nested values as text."""
    uniform: _Record = {}
    for name, (given, value) in zip(names, record.items(), strict=True):
        if name and value is not None and (given == name or name not in uniform):
            uniform[name] = _encode(value).decode() if type(value) in _NESTED else value
    return uniform
