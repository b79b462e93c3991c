"""Events as lines for DuckDB's `read_json`, in the columns that `store.event_columns` describes.

The type of a column is known only after the last event: a line has the values as they are, and `columns()` the types.
The lines of a run are grouped by kind, because equal events compress well, and a query for one kind skips the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from msgspec.structs import astuple

from odibi_core.events import COLUMNS, Event
from odibi_core.history.event_fields import Field, Fields
from odibi_core.history.kind_lines import KindLines
from odibi_core.store.event_columns import (
    EXACT,
    IN_REST,
    INT,
    KINDS,
    NESTED,
    NULL,
    PLACE,
    REGULAR,
    REST,
    RUN,
    SHAPE,
    microseconds,
)
from odibi_core.store.log_table import STANDARD_TYPES
from odibi_core.store.manifest import FieldEntry

_MAX_SHAPES: Final = 20_000
_BIGINT: Final = 2**63
_SEQ: Final = COLUMNS.index("seq")
_FIELDS: Final = len(COLUMNS)

_encode: Final = msgspec.json.Encoder().encode
_Types = tuple[object, ...]


class _Large:
    """Stands for the type of an integer that a float may not hold."""


class _Huge:
    """Stands for the type of an integer that BIGINT cannot hold."""


_LETTERS: Final[dict[object, str]] = {_Large: INT, _Huge: INT, **KINDS}


class _Plan:
    """The way from events of one shape to lines; `count` is the number of them."""

    __slots__ = ("as_is", "as_text", "count", "fields", "integers", "rest", "shape", "standard", "standard_text")

    def __init__(self) -> None:
        self.shape = ""
        self.count = 0
        self.standard: list[tuple[str, int]] = []
        self.standard_text: list[tuple[str, int]] = []
        """Standard fields: the column and the place in the event; those of the second list as JSON text."""
        self.as_is: list[tuple[str, str]] = []
        self.as_text: list[tuple[str, str]] = []
        """Further fields with a column: the key in the line and the name; those of the second list as JSON text."""
        self.rest: list[tuple[str, int]] = []
        """Values without a column: the name and, of a standard field, the place in the event, else -1."""
        self.integers: list[tuple[str, int]] = []
        self.fields: list[Field] = []


class EventLines:
    """Writes events to `file`, one JSON line each."""

    def __init__(self, file: IO[bytes], folder: Path | None = None) -> None:
        self.file = file
        self._fields = Fields()
        self._plans: dict[_Types, _Plan] = {}
        self._kinds = KindLines(folder)
        self.rows = 0

    def add(self, run: str, events: Iterable[Event]) -> int:
        """Write all events of a run, in their order; return their number."""
        count = 0
        for event in events:
            self._kinds.add(event.event_type, self._line(astuple(event), run, count))
            count += 1
        self._kinds.move_to(self.file)
        self.rows += count
        return count

    def close(self) -> None:
        """Write the last lines; the file stays open."""
        self.file.flush()
        self._count()

    def fields(self) -> list[FieldEntry]:
        """Return the further fields, each with its column and its type."""
        return self._fields.entries()

    @property
    def unlisted(self) -> int:
        """The number of fields that `fields` leaves out, because there are too many."""
        return self._fields.unlisted

    def columns(self) -> list[tuple[str, str, str]]:
        """Return the columns of further fields: the key in the lines, the name, the type."""
        return self._fields.columns()

    def _count(self) -> None:
        for plan in self._plans.values():
            for field in plan.fields:
                field.count += plan.count
            plan.count = 0

    def _line(self, values: Sequence[Any], run: str, place: int) -> bytes:
        fields: dict[str, Any] = values[_FIELDS]
        types = (*map(type, values[:_FIELDS]), *map(type, fields.values()))
        plan = self._plan((*types, *fields), types, values)
        if plan.integers and (sized := _with_sizes(types, plan.integers, values)) is not types:
            plan = self._plan((*sized, *fields), sized, values)
        seq = values[_SEQ]
        if type(seq) is int and 0 <= seq <= EXACT:
            place -= seq
        plan.count += 1
        record: dict[str, Any] = {RUN: run, PLACE: place, SHAPE: plan.shape, "timestamp": microseconds(values[0])}
        for key, index in plan.standard:
            record[key] = values[index]
        for key, name in plan.as_is:
            record[key] = fields[name]
        for key, index in plan.standard_text:
            record[key] = _text(values[index])
        for key, name in plan.as_text:
            record[key] = _text(fields[name])
        if plan.rest:
            record[REST] = _text({name: fields[name] if at < 0 else values[at] for name, at in plan.rest})
        return _encode(record)

    def _plan(self, key: _Types, types: _Types, values: Sequence[Any]) -> _Plan:
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MAX_SHAPES:
                self._count()
                self._plans.clear()
            plan = self._plans[key] = self._made(types, values)
        return plan

    def _made(self, types: _Types, values: Sequence[Any]) -> _Plan:
        plan, shape = _Plan(), []
        for index, name in enumerate(COLUMNS[1:], start=1):
            if values[index] is not None and (irregular := _add_standard(plan, name, index, types[index])):
                shape.append(irregular)
        for position, name in enumerate(values[_FIELDS]):
            kind = types[_FIELDS + position]
            shape.append(_LETTERS[kind] + name)
            self._add_field(plan, name, _FIELDS + position, kind)
        plan.shape = _encode(shape).decode()
        return plan

    def _add_field(self, plan: _Plan, name: str, position: int, kind: object) -> None:
        letter = _LETTERS[kind]
        field = self._fields.add(name, letter, is_large=kind in (_Large, _Huge), is_huge=kind is _Huge)
        if letter == NULL:
            return
        if field is not None:
            plan.fields.append(field)
        if field is None or not field.column:
            plan.rest.append((name, -1))
        else:
            is_text = letter == NESTED or kind is _Huge
            (plan.as_text if is_text else plan.as_is).append((field.key, name))
        if kind is int:
            plan.integers.append((name, position))


def _add_standard(plan: _Plan, name: str, index: int, kind: object) -> str:
    """Add a standard field to a plan; return its entry in the shape, which is empty if the value is regular."""
    column, letter = STANDARD_TYPES[name], _LETTERS[kind]
    if kind is int:
        plan.integers.append(("", index))
    if letter == REGULAR[column] and kind is not _Huge:
        (plan.standard_text if letter == NESTED else plan.standard).append((name, index))
        return ""
    if column == "DOUBLE" and kind is int:
        plan.standard.append((name, index))
        return INT + name
    plan.rest.append((name, index))
    return IN_REST + name


def _with_sizes(types: _Types, integers: list[tuple[str, int]], values: Sequence[Any]) -> _Types:
    """Return the types with `_Large` and `_Huge` for integers that are; the same object if none is."""
    found: list[object] | None = None
    for name, position in integers:
        value = values[_FIELDS][name] if position >= _FIELDS else values[position]
        if not -EXACT <= value <= EXACT:
            found = found or list(types)
            found[position] = _Large if -_BIGINT <= value < _BIGINT else _Huge
    return types if found is None else tuple(found)


def _text(value: object) -> str:
    return _encode(value).decode()
