"""The event and its language: the record of one occurrence, its kinds, its context, its line of JSON.

`to_plain` makes any value plain, `sanitize_value` also free of secrets; the event bus does both, once for each event.
"""

from typing import TYPE_CHECKING, Any, Final

from odibi_core import _lazy
from odibi_core.events import kinds
from odibi_core.events.codec import decode, encode, from_dict, to_dict
from odibi_core.events.event import COLUMNS, HEADER, STANDARD, Event
from odibi_core.events.kinds import LogLevel
from odibi_core.events.normalize import to_plain

if TYPE_CHECKING:
    from odibi_core.events.context import bind
    from odibi_core.events.sanitize import sanitize_text, sanitize_value
    from odibi_core.redaction.redactor import redact

__all__ = [
    "COLUMNS",
    "HEADER",
    "STANDARD",
    "Event",
    "LogLevel",
    "bind",
    "decode",
    "encode",
    "from_dict",
    "kinds",
    "redact",
    "sanitize_text",
    "sanitize_value",
    "to_dict",
    "to_plain",
]

# Redaction is half of the import of this package, and most readers of a record need none.
_MODULES: Final = {
    "bind": "events.context",
    "redact": "redaction.redactor",
    "sanitize_text": "events.sanitize",
    "sanitize_value": "events.sanitize",
}


def __getattr__(name: str) -> Any:
    return _lazy.fetch(globals(), _MODULES, name)
