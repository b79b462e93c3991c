"""Removal of secrets from a whole foreign lineage, which may be a hundred megabytes long.

Not `events.sanitize_value`, which bounds a value to the size of a log line: a story has as many steps as its run. The
document bounds each text, table and list.
"""

from __future__ import annotations

from typing import Any

import msgspec

from odibi_core.events import to_plain
from odibi_core.redaction.redactor import Redactor, redact_text

_UNBOUNDED = 1 << 62


def safe(lineage: object) -> dict[str, Any]:
    """Return a lineage as plain JSON values without secrets; an empty dict if it is no mapping."""
    found = Redactor(_Texts().text).of(_plain(lineage))
    return found if isinstance(found, dict) else {}


def _plain(value: object) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except Exception:  # cycles, lone surrogates, objects: only the slow way accepts them
        return to_plain(value, _UNBOUNDED)


class _Texts:
    """`redact_text` with a memory, because columns, types and layers repeat in thousands of steps."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], str] = {}

    def text(self, value: str, role: str) -> str:
        """Return the text without secrets, under a name of that role."""
        found = self.known.get((value, role))
        if found is None:
            found = redact_text(value, role)
            if len(value) <= 200:
                self.known[value, role] = found
        return found
