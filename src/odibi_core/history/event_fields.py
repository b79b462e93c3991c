"""The further fields of the table `logs` in one batch: their columns and types."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from odibi_core.events import COLUMNS
from odibi_core.store.event_columns import BOOL, FLOAT, INT, NESTED, NULL, TECHNICAL
from odibi_core.store.manifest import FieldEntry

MAX_COLUMNS: Final = 256
"""Columns of further fields, in the order in which the fields came; the values of others are in `_rest`."""
MAX_LISTED: Final = 10_000
"""Fields that are listed."""
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_]+")
_TYPES: Final = {frozenset({INT}): "bigint", frozenset({BOOL}): "boolean", frozenset({NESTED}): "json"}


class Field:
    """A field: its column, its key in the lines, the kinds of its values, and their number."""

    __slots__ = ("column", "count", "is_huge", "is_large", "key", "kinds")

    def __init__(self) -> None:
        self.column = self.key = ""
        self.kinds: set[str] = set()
        self.count = 0
        self.is_large = False
        self.is_huge = False

    @property
    def type(self) -> str:
        """The type of `history.schema` that holds every value; text for values of several kinds."""
        kinds = frozenset(self.kinds)
        if self.is_huge or not kinds:
            return "text"
        if FLOAT in kinds and kinds <= {INT, FLOAT}:
            return "text" if self.is_large else "double"
        return _TYPES.get(kinds, "text")


class Fields:
    """All fields of a batch. Two names that differ in case alone have two columns."""

    def __init__(self) -> None:
        self._by_name: dict[str, Field] = {}
        self._taken = {name.lower() for name in (*COLUMNS, *TECHNICAL)}
        self._columns: list[Field] = []
        self._unlisted: set[int] = set()

    @property
    def unlisted(self) -> int:
        """The number of fields that are not listed, because there are too many; counted up to a limit."""
        return len(self._unlisted)

    def add(self, name: str, kind: str, *, is_large: bool, is_huge: bool) -> Field | None:
        """Note a kind of value of a field, and return the field; None for one that is not listed."""
        field = self._by_name.get(name)
        if field is None:
            if len(self._by_name) >= MAX_LISTED:
                if len(self._unlisted) < 10 * MAX_LISTED:
                    self._unlisted.add(hash(name))
                return None
            field = self._by_name[name] = Field()
        if kind != NULL:
            field.kinds.add(kind)
            field.is_large |= is_large
            field.is_huge |= is_huge
            if not field.column and len(self._columns) < MAX_COLUMNS:
                field.column, field.key = self._column(name), f"f{len(self._columns)}"
                self._columns.append(field)
        return field

    def entries(self) -> list[FieldEntry]:
        """Return the fields by name."""
        return [FieldEntry(name, each.column, each.type, each.count) for name, each in sorted(self._by_name.items())]

    def columns(self) -> list[tuple[str, str, str]]:
        """Return the columns: the key in the lines, the name, the type."""
        return [(each.key, each.column, each.type) for each in self._columns]

    def _column(self, name: str) -> str:
        """Return the name of a column: the field's own if it is plain and free, whatever the case."""
        column = name
        if not _PLAIN.fullmatch(name) or name.lower() in self._taken:
            slug = _UNSAFE.sub("_", name)[:50].strip("_") or "field"
            digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            column = next(end for size in range(8, 65) if (end := f"{slug}_{digest[:size]}").lower() not in self._taken)
        self._taken.add(column.lower())
        return column
