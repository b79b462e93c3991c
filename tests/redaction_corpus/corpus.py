"""Entries of the corpus: tables of rows with placeholders, filled by a seed.

A row is a text or a dict of fields. `«an36»` in it is a placeholder (see `maker`), `«!an36»` one whose value is a
secret, which may not be found in the output. A text arrives in turn as a message, a field, in a list and nested.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from tests.redaction_corpus.maker import Maker

Verdict: TypeAlias = Literal["promised", "common", "innocent"]
Row: TypeAlias = str | dict[str, Any]
SEED: Final = 20_251_129
_HOLE: Final = re.compile("«(!?)([^«»]+)»")
_NAMES: Final = ("note", "detail", "text", "line", "payload", "remark", "description", "output")
_WRITTEN: Final[dict[str, type]] = {"int:": int, "float:": float}


@dataclass(frozen=True)
class Built:
    """An object that a row holds: it is made when the values that it is made of are filled."""

    make: Callable[..., Any]
    fields: dict[str, Any]
    text: str | None = None


@dataclass(frozen=True)
class Kind:
    """Rows of one kind, each made `times` times with fresh values."""

    name: str
    rows: Iterable[Row]
    times: int = 1


@dataclass(frozen=True)
class Entry:
    """One event: its message or fields, and the secrets in it, none of which may come out."""

    verdict: Verdict
    kind: str
    fields: dict[str, Any]
    message: str | None = None
    secrets: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return repr(self.fields if self.message is None else self.message)


class _Filler:
    """Fills the placeholders of one row, and keeps those that are secrets."""

    def __init__(self, make: Maker) -> None:
        self.make = make
        self.secrets: list[str] = []

    def fill(self, value: Any) -> Any:
        """Return the value with every placeholder filled, in keys and in values, at any depth."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.fill(item) for item in value)
        if isinstance(value, Built):
            text = () if value.text is None else (self._text(value.text),)
            return value.make(*text, **self.fill(value.fields))
        return value

    def _text(self, template: str) -> Any:
        """A text; or a number, where the template begins with `int:` or `float:`."""
        for prefix, number in _WRITTEN.items():
            if template.startswith(prefix + "«"):
                return number(_HOLE.sub(self._filled, template.removeprefix(prefix)))
        return _HOLE.sub(self._filled, template)

    def _filled(self, match: re.Match[str]) -> str:
        value = self.make.value(match[2])
        if match[1]:
            self.secrets.append(value)
        return value


def _arrivals(text: str, turn: int) -> tuple[str | None, dict[str, Any]]:
    """A text's way into the event: a message, a field, an item of a list, a nested value."""
    name = _NAMES[turn // 4 % len(_NAMES)]
    ways: tuple[tuple[str | None, dict[str, Any]], ...] = (
        (text, {}),
        (None, {name: text}),
        (None, {"items": ["first", text]}),
        (None, {"record": {"inner": {name: text}}}),
    )
    return ways[turn % 4]


def _entries(verdict: Verdict, kind: Kind, make: Maker) -> Iterator[Entry]:
    turn = 0
    for _ in range(kind.times):
        for row in kind.rows:
            filler = _Filler(make)
            filled = filler.fill(row)
            message, fields = _arrivals(filled, turn) if isinstance(filled, str) else (None, filled)
            yield Entry(verdict, kind.name, fields, message, tuple(filler.secrets))
            turn += 1


def filled(tables: Mapping[Verdict, Iterable[Kind]], seed: int = SEED) -> list[Entry]:
    """Return every entry of the tables; the same seed makes the same entries."""
    make = Maker(seed)
    return [
        entry
        for verdict, kinds in tables.items()
        for kind in kinds
        for entry in _entries(verdict, kind, make)
    ]
