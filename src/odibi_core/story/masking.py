"""Secrets are taken out of a whole lineage, which may come from anywhere and be a hundred megabytes long.

The rules are those of `events.redaction`. Not `events.clean`, which bounds a value to the size of a log line:
a story has as many steps as its run had. The document bounds each text, table and list that it takes from
here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from odibi_core.events import plain, redact
from odibi_core.events.redaction import HIDDEN, SMALLEST_CARD, hidden, redact_text

_UNBOUNDED = 1 << 62


def safe(lineage: object) -> dict[str, Any]:
    """The lineage as JSON-plain values without secrets; empty when it is no mapping at all."""
    found = _Mask().of(_plain(lineage))
    return found if isinstance(found, dict) else {}


def _plain(value: object) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except Exception:  # cycles, lone surrogates, objects: the slow way knows them all
        return plain(value, _UNBOUNDED)


class _Mask:
    """`redact` with a memory: names of columns, types and layers are the same in thousands of steps."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def of(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return self.texts.get(value) or self.text(value)
        if kind is dict:
            return {
                self.text(name): HIDDEN if hidden(name, item) else self.of(item)
                for name, item in value.items()
            }
        if kind is list:
            return [self.of(item) for item in value]
        if kind is int and not -SMALLEST_CARD < value < SMALLEST_CARD:
            return redact(value)
        return value

    def text(self, value: str) -> str:
        found = self.texts.get(value)
        if found is None:
            found = redact_text(value)
            if len(value) <= 200:
                self.texts[value] = found
        return found
