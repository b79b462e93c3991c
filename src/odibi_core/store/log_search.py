"""`LogFilter`: the lines of a page of a log, and the conditions of SQL and of bytes that every such line meets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from odibi_core.events import Event, kinds, to_dict
from odibi_core.store.event_columns import REST, SHAPE, quoted
from odibi_core.store.log_table import STANDARD_TYPES

_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_WORD: Final = re.compile(r"[A-Za-z0-9_ .@/-]+", re.ASCII)
"""A part of a text that a line has as these bytes, in any case, if it has the text in a name and a value."""
_IMPLIED: Final = "level=info\nevent_type=log"
"""The text of fields that a line leaves out, because they have their defaults."""
_NOT_AS_IT_IS: Final = re.compile(r'[="\\\x00-\x1f]+')
"""Characters of a text that JSON escapes, and the one between a name and its value."""
_NUMBER: Final = re.compile(r"[0-9.e+-]*", re.ASCII)
_TIME: Final = re.compile(r"[0-9.:tz-]*", re.ASCII)
_FORM: Final = "%Y-%m-%dt%H:%M:%S.%fz"
_NULL: Final = "null"


class LogFilter(msgspec.Struct, frozen=True):
    """The lines of a page: those that pass every filter that is given."""

    search: str = ""
    """A part of `name=value` of a field, in any case."""
    severity: int = 0
    step: str | None = None
    kind: str | None = None

    def matches(self, event: Event) -> bool:
        """Return whether an event passes."""
        return (
            kinds.severity(event.level) >= self.severity
            and self.step in (None, event.node_name)
            and self.kind in (None, event.event_type)
            and (not self.search or self.search.lower() in text_of(event).lower())
        )

    @property
    def levels(self) -> list[str]:
        """The levels that pass."""
        return [level for level in _LEVELS if kinds.severity(level) >= self.severity]

    @property
    def groups(self) -> list[list[bytes]]:
        """Groups of words in lower case: a line that passes has one of each group, or a character escape."""
        levels = self.levels
        found = [] if "info" in levels else [[f'"level":"{level}"'.encode() for level in levels]]
        words = [] if self.search.lower() in _IMPLIED else _WORD.findall(self.search)
        words += [name for name in (self.step, self.kind) if name and name != "log" and _WORD.fullmatch(name)]
        return found + [[word.lower().encode()] for word in words]


def text_of(event: Event) -> str:
    """Return the text of an event that a search reads: `name=value` of each field, one a line."""
    values = to_dict(event).items()
    return "\n".join(f"{name}={value if isinstance(value, str) else _json(value)}" for name, value in values)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def condition_of(wanted: LogFilter, fields: dict[str, tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Return conditions on a row of the table `logs`, and their values: each row that passes the filter meets them.

    Args:
        wanted: The filter.
        fields: The column and the type of each further field that has a column.
    """
    parts, values = [], []
    hidden = [level for level in _LEVELS if level not in wanted.levels]
    if hidden:
        parts.append(f"level not in ({', '.join('?' for _ in hidden)})")
        values += hidden
    for name, value in (("node_name", wanted.step), ("event_type", wanted.kind)):
        if value is not None:
            parts.append(f"{name} = ?")
            values.append(value)
    if wanted.search:
        found = list(_alternatives(wanted.search.lower(), fields))
        parts.append(f"({' or '.join(condition for condition, _ in found)})")
        values += [value for _, some in found for value in some]
    return parts, values


def _alternatives(text: str, fields: dict[str, tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Yield conditions with their values, of which a row has one if a field has the text in `name=value`."""
    yield _has_parts(REST, text)
    yield _has_parts(SHAPE, text)  # which alone has the names of fields that are null
    name, equals, value = text.rpartition("=")
    if equals and _NULL.startswith(value):
        yield _has_parts(SHAPE, name)
    if text in _NULL:
        yield f"contains({SHAPE}, ?)", ['"n']
    columns = {name: (name, type_.lower()) for name, type_ in STANDARD_TYPES.items()} | fields
    for name, (column, type_) in columns.items():
        if text in f"{name}=":
            yield f"{quoted(column)} is not null", []
        yield from _of_column(text, name, quoted(column), type_)


def _has_parts(column: str, text: str) -> tuple[str, list[str]]:
    """Return the condition that a column of JSON has the parts of a text that JSON has as they are."""
    parts = [part for part in _NOT_AS_IT_IS.split(text) if part]
    return " and ".join(f"contains(lower({column}), ?)" for _ in parts) or f"{column} is not null", parts


def _of_column(text: str, name: str, column: str, type_: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the conditions that a value has the text, or begins with what follows its name in the text."""
    begins = [at + 1 for at, letter in enumerate(text) if letter == "=" and f"{name}=".endswith(text[: at + 1])]
    for test, part in (("contains", text), *(("starts_with", text[begin:]) for begin in begins)):
        if type_ in ("varchar", "text", "json"):
            yield f"{test}(lower({column}::varchar), ?)", [part]
        elif type_ == "timestamp" and _TIME.fullmatch(part):
            yield f"{test}(strftime({column}, '{_FORM}'), ?)", [part]
        elif type_ == "boolean" and (part in "true" or part in "false"):
            yield f"{test}({column}::varchar, ?)", [part]
        elif type_ in ("bigint", "double") and _NUMBER.fullmatch(part):
            yield f"{test}({column}::varchar, ?)", [part]
            if type_ == "double":  # the forms with an exponent differ
                yield f"({column} <> 0 and abs({column}) not between 1e-3 and 1e12)", []
