"""The language: what an event is, how it is written, and how anything a caller says becomes one."""

from odibi_core.events import kinds
from odibi_core.events.codec import decode, encode, from_dict, to_dict
from odibi_core.events.compose import clean, clean_text
from odibi_core.events.context import bind
from odibi_core.events.event import COLUMNS, HEADER, STANDARD, Event
from odibi_core.events.kinds import LogLevel
from odibi_core.events.normalise import plain
from odibi_core.redaction.redactor import redact

__all__ = [
    "COLUMNS",
    "HEADER",
    "STANDARD",
    "Event",
    "LogLevel",
    "bind",
    "clean",
    "clean_text",
    "decode",
    "encode",
    "from_dict",
    "kinds",
    "plain",
    "redact",
    "to_dict",
]
