"""The table `logs` in Parquet: its columns, and the way from a row back to the event.

A row has the standard fields, a column for each further field, and four columns for the way back:

    _run     the folder of the run that recorded the event
    _place   the place of the event among those of the run, minus `seq` (a constant for a run with one writer)
    _shape   the further fields in their order, each with a letter for the kind of its value; a JSON list of texts
    _rest    values without a column of their own, a JSON object

A column has the type that holds all values of its field: numbers, booleans or texts. If the values are of several
kinds it is text, and `_shape` has the kind of each. A standard field is in `_shape` only if its value is irregular.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final

import msgspec

from odibi_core.events import COLUMNS, Event
from odibi_core.store.log_table import STANDARD_TYPES

RUN: Final = "_run"
PLACE: Final = "_place"
SHAPE: Final = "_shape"
REST: Final = "_rest"
TECHNICAL: Final = (RUN, PLACE, SHAPE, REST)

STR, INT, FLOAT, BOOL, NULL, NESTED = "s", "i", "f", "b", "n", "j"
KINDS: Final[dict[object, str]] = {
    str: STR, int: INT, float: FLOAT, bool: BOOL, NoneType: NULL, dict: NESTED, list: NESTED,
}  # fmt: skip
"""The letter of a value's kind in `_shape`."""
IN_REST: Final = "r"
"""The letter of a standard field whose value is in `_rest`; that of a whole number in a column of floats is `INT`."""
REGULAR: Final = {
    "VARCHAR": STR, "BIGINT": INT, "DOUBLE": FLOAT, "BOOLEAN": BOOL, "JSON": NESTED, "TIMESTAMP": "t",
}  # fmt: skip
"""The kind of the values of a standard column, by its type."""
EXACT: Final = 2**53
"""A float holds every integer up to here."""
IN_ORDER: Final = f"{PLACE} + case when seq between 0 and {EXACT} then seq else 0 end"
"""SQL: the place of an event among those of its run."""

_decode: Final = msgspec.json.Decoder().decode
_decode_shape: Final = msgspec.json.Decoder(list[str]).decode
_FIRST_FIELD: Final = len(COLUMNS) + 2
"""In a row of `EventRows`: the standard fields, the shape, the rest, then the columns of further fields."""

Row = Sequence[Any]
_Convert = Callable[[Any], Any]

_CONVERSIONS: Final[dict[tuple[str, str], _Convert]] = {
    (INT, "double"): int, (INT, "text"): int, (FLOAT, "text"): float, (BOOL, "text"): "true".__eq__,
    (NESTED, "json"): _decode, (NESTED, "text"): _decode,
}  # fmt: skip
"""From a kind and the type of its column to the function that restores the value; none if the value is as it was."""


class _Plan(msgspec.Struct, frozen=True):
    """The steps from rows of one shape to events: each field with its place in the row and its conversion."""

    fields: list[tuple[str, int, _Convert | None]]
    irregular: list[tuple[int, str, bool]]
    """Standard fields: their place, their name, and true if the value is in `_rest`, false for a whole number."""
    has_rest: bool


class EventRows:
    """Restores events from rows of `columns`.

    Args:
        shapes: The texts of `_shape` that the rows have.
        fields: The column and the type of each further field that has a column.
    """

    def __init__(self, shapes: Iterable[str], fields: dict[str, tuple[str, str]]) -> None:
        self._fields = fields
        self._places: dict[str, int] = {}
        self._plans = {shape: self._plan(shape) for shape in shapes}

    @property
    def columns(self) -> list[str]:
        """The columns of the rows, in their order."""
        return [*COLUMNS, SHAPE, REST, *self._places]

    def _plan(self, shape: str) -> _Plan:
        fields: list[tuple[str, int, _Convert | None]] = []
        irregular: list[tuple[int, str, bool]] = []
        has_rest = False
        for entry in _decode_shape(shape):
            kind, name = entry[0], entry[1:]
            if name in STANDARD_TYPES:
                irregular.append((COLUMNS.index(name), name, kind == IN_REST))
                has_rest |= kind == IN_REST
            elif kind == NULL:
                fields.append((name, 0, _null))
            elif (known := self._fields.get(name)) is None:
                fields.append((name, -1, None))
                has_rest = True
            else:
                column, type_ = known
                place = self._places.setdefault(column, _FIRST_FIELD + len(self._places))
                fields.append((name, place, _CONVERSIONS.get((kind, type_))))
        return _Plan(fields, irregular, has_rest)

    def event(self, row: Row) -> Event:
        """Return the event of a row."""
        plan = self._plans[row[len(COLUMNS)]]
        standard = list(row[: len(COLUMNS)])
        standard[0] = standard[0].replace(tzinfo=UTC)
        rest = _decode(row[len(COLUMNS) + 1]) if plan.has_rest else {}
        if standard[_METADATA] is not None:
            standard[_METADATA] = _decode(standard[_METADATA])
        for place, name, is_in_rest in plan.irregular:
            standard[place] = rest[name] if is_in_rest else int(standard[place])
        fields = {
            name: rest[name] if place < 0 else row[place] if convert is None else convert(row[place])
            for name, place, convert in plan.fields
        }
        return Event(*standard, fields)  # type: ignore[call-arg]  # `fields` has another name in the line


_METADATA: Final = COLUMNS.index("metadata")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _null(_: object) -> None:
    return None


def microseconds(moment: datetime) -> int:
    """Return the microseconds of a time since 1970, exactly."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def quoted(name: str) -> str:
    """Return the name of a column for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text for SQL."""
    return "'" + text.replace("'", "''") + "'"
