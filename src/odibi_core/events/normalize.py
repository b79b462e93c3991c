"""The normalizing step: any value becomes plain and bounded JSON, without exceptions, consumed iterators or frames."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from odibi_core.errors import STOPS
from odibi_core.events.event import FIELDS_ON_THE_WIRE
from odibi_core.events.library_values import library_of, meaning_of
from odibi_core.redaction.keys import NamedItems, Redacted, unique

MAX_TEXT: Final = 64 * 1024
"""Characters of one field."""
MAX_DEPTH: Final = 24
MAX_KEY: Final = 200
_WORD: Final = 256
_BIGGEST: Final = 2**63 - 1
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def to_plain(value: Any, limit: int = MAX_TEXT, *, keep_names: bool = False) -> Any:
    """Return `value` as None, bool, int, float, str, lists and string-keyed dicts of these.

    Args:
        value: Any object. Iterators are not consumed, frames are not printed.
        limit: About how many characters the result may have in all.
        keep_names: Return `NamedItems` for a named tuple, so that each item can be judged by its name.

    Never raises.
    """
    return _Normalizer(limit, keep_names=keep_names).visit(value, 0)


def to_text(value: Any, limit: int = MAX_TEXT) -> str:
    """Return a text that is valid UTF-8, cut to `limit` characters with a note of its length."""
    content = value if type(value) is str else _words(value)
    if len(content) > limit:
        content = f"{_begun(content, limit)}… [cut: {len(content)} characters]"
    return content if content.isascii() else _SURROGATES.sub("\ufffd", content)


def _begun(content: str, limit: int) -> str:
    """Return its beginning, without a short half word at the end: half a secret has no shape."""
    if content[limit].isspace():
        return content[:limit]
    at = max(content.rfind(space, limit - _WORD, limit) for space in " \n\t") if limit > _WORD else -1
    return content[:limit] if at < 0 else content[: at + 1]


def to_key(name: Any) -> str:
    """Return a key that a line may have."""
    label = to_text(name, MAX_KEY)
    return "fields_" if label == FIELDS_ON_THE_WIRE else label or "_"


def _words(value: Any) -> str:
    """Return `str(value)`; if that raises, a text with the error."""
    try:
        return str.__str__(value) if isinstance(value, str) else str(value)
    except STOPS:
        raise
    except BaseException as error:
        return f"<{type(value).__name__}: its text failed with {type(error).__name__}>"


def is_truthy(answer: Any) -> bool:
    """Return true if a value is true; false for a frame, whose truth raises."""
    try:
        return answer is not NotImplemented and bool(answer)
    except STOPS:
        raise
    except BaseException:
        return False


def json_number(value: float) -> Any:
    """Return a float as JSON has it; NaN and the infinities by name."""
    if value - value == 0.0:
        return float(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def json_integer(value: int) -> Any:
    """Return an int that every reader of JSON can hold; a larger one as text."""
    if -_BIGGEST <= value <= _BIGGEST:
        return int(value)
    return str(int(value)) if value.bit_length() <= 10_000 else f"<int of {value.bit_length()} bits>"


class _Normalizer:
    """One walk over one value: `budget` is the number of characters left, `path` the containers around."""

    def __init__(self, budget: int, *, keep_names: bool = False) -> None:
        self.budget = budget
        self.keep_names = keep_names
        self.path: set[int] = set()

    def visit(self, value: Any, depth: int) -> Any:
        self.budget -= 4
        try:
            if isinstance(value, _CONTAINERS):
                return self._inside(value, value, depth)
            members = _members(value)
            return self._scalar(value) if members is None else self._inside(value, members, depth)
        except STOPS:
            raise
        except BaseException as error:
            return f"<{type(value).__name__}: could not be read, {type(error).__name__}>"

    def _scalar(self, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and not isinstance(value, Enum):
            written = self._spend(to_text(value, max(0, self.budget)))
            return Redacted(written) if type(value) is Redacted and self.keep_names else written
        for kind, convert in _SCALARS:
            if isinstance(value, kind):
                converted = convert(value)
                return self._spend(converted) if isinstance(converted, str) else converted
        return self._other(value)

    def _other(self, value: Any) -> Any:
        library = library_of(type(value))
        if library is not None:
            found = meaning_of(value, library)
            return self._spend(to_text(value)) if found is value else to_plain(found, max(0, self.budget))
        if hasattr(type(value), "__next__") or hasattr(type(value), "__anext__"):
            return f"<{type(value).__name__}>"
        return self._spend(to_text(value, max(0, self.budget)))

    def _spend(self, content: str) -> str:
        self.budget -= len(content)
        return content

    def _inside(self, owner: Any, members: Any, depth: int) -> Any:
        if id(owner) in self.path:
            return "<cycle>"
        if depth >= MAX_DEPTH:
            return f"<{type(owner).__name__}, deeper than {MAX_DEPTH}>"
        self.path.add(id(owner))
        try:
            return self._mapping(members, depth) if isinstance(members, Mapping) else self._sequence(members, depth)
        finally:
            self.path.discard(id(owner))

    def _sequence(self, value: Any, depth: int) -> list[Any]:
        names = getattr(value, "_fields", None) if self.keep_names and isinstance(value, tuple) else None
        items: list[Any] = NamedItems(map(str, names)) if isinstance(names, tuple) else []
        for item in value:
            if self.budget <= 0:
                items.append(f"… [cut: {len(value)} items]")
                break
            items.append(self.visit(item, depth + 1))
        return items

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for name, item in value.items():
            if self.budget <= 0:
                record["…"] = f"[cut: {len(value)} keys]"
                break
            label = unique(to_key(name), record)
            self.budget -= len(label)
            record[label] = self.visit(item, depth + 1)
        return record


def _members(value: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass, a msgspec struct or a pydantic model; None for any other value."""
    kind = type(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclass_fields(value)}
    if hasattr(kind, "__struct_fields__"):
        return {name: getattr(value, name) for name in kind.__struct_fields__}
    return dict(value.model_dump()) if hasattr(kind, "model_dump") else None


def _moment(value: date | time) -> str | None:
    written = value.isoformat()
    return None if written == "NaT" else written


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return to_text(bytes(value[: MAX_TEXT + 1]).decode("utf-8", "replace"))


_CONTAINERS: Final = (Mapping, list, tuple, Set)
_SCALARS: Final[tuple[tuple[Any, Any], ...]] = (
    (Enum, lambda value: to_plain(value.value)),
    (int, json_integer),
    (float, json_number),
    ((datetime, date, time), _moment),
    (timedelta, lambda value: value.total_seconds()),
    ((bytes, bytearray, memoryview), _bytes),
    (BaseException, lambda value: to_text(f"{type(value).__name__}: {_words(value)}")),
    ((Decimal, UUID, PurePath), to_text),
)
