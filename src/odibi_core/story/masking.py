"""Secrets are taken out of a whole lineage, which may come from anywhere and be a hundred megabytes long.

The rules are those of `events.redaction`. Not `events.clean`, which bounds a value to the size of a log line:
a story has as many steps as its run had. The document bounds each text, table and list that it takes from
here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from odibi_core.events import to_plain
from odibi_core.redaction.redactor import Redactor, redact_text

_UNBOUNDED = 1 << 62


def safe(lineage: object) -> dict[str, Any]:
    """The lineage as JSON-plain values without secrets; empty when it is no mapping at all."""
    found = Redactor(_Texts().text).of(_plain(lineage))
    return found if isinstance(found, dict) else {}


def _plain(value: object) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except Exception:  # cycles, lone surrogates, objects: the slow way knows them all
        return to_plain(value, _UNBOUNDED)


class _Texts:
    """`redact_text` with a memory: names of columns, types and layers are the same in thousands of steps."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], str] = {}

    def text(self, value: str, role: str) -> str:
        """The text without secrets, under a name of that role."""
        found = self.known.get((value, role))
        if found is None:
            found = redact_text(value, role)
            if len(value) <= 200:
                self.known[value, role] = found
        return found
