"""An event as a line of text, with optional colours; and `TextSink`, which writes such lines."""

from __future__ import annotations

import json
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, TextIO

from odibi_core.events import Event, encode, kinds
from odibi_core.events.inert import inert_lines, printable
from odibi_core.events.leveled import LOGGER, UNNAMED
from odibi_core.events.messages import WORDED, default_message

Format = Literal["text", "json"]

_RESET: Final = "\x1b[0m"
_DIM, _BOLD, _RED, _CYAN, _MAGENTA = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[36m", "\x1b[35m"
_LEVELS: Final = {"debug": _DIM, "info": "\x1b[32m", "warning": "\x1b[33m", "error": _RED, "critical": "\x1b[1;37;41m"}
_LONGEST: Final = 500
"""Characters of one value on a line; the log file has the whole value."""
_LONGEST_LINE: Final = 1_000_000
"""Characters of a line."""
_FILE, _LINE, _FUNCTION = "code.file.path", "code.line.number", "code.function.name"
_FOR_REPORTS: Final = frozenset(
    {
        "error_id", "message_id", "execution_id", "trace_id", "span_id", "trace_flags", "operation_id", "parent_id",
        "depth", "breadcrumbs", "contexts",
    }
)  # fmt: skip
_ELSEWHERE: Final = _FOR_REPORTS | {
    "error_type", "traceback", "members", "members_left_out", "notes", "message_template", "color_message",
    _FILE, _LINE, _FUNCTION,
}  # fmt: skip
"""Fields that the line shows at a fixed place, or not at all."""
_TIMED: Final = frozenset({kinds.NODE_COMPLETE, kinds.PIPELINE_COMPLETE})
"""Event types whose default message has the duration."""
_SUBJECTS: Final = {
    kinds.OPERATION_COMPLETE: "operation", kinds.OPERATION_FAILED: "operation", kinds.COST: "operation",
    kinds.QUERY: "query_type", kinds.CLI_COMMAND: "command", kinds.FEATURE_USAGE: "feature",
    kinds.DATA_QUALITY_CHECK: "check", kinds.HEALTH_CHECK: "check", kinds.CIRCUIT_STATE_CHANGE: "circuitName",
}  # fmt: skip
"""The field with the subject of an event, shown right after its type."""
_NO_WORD: Final = re.compile(r"""[\s"'=`$\\]""")
_NO_NAME: Final = re.compile(r"""["'`$\\;|&<>\n\r]|[^\S ]""")
_NO_KEY: Final = re.compile(r"""[\s"'=`$\\;|&<>()]""")
_IN_QUOTES: Final = re.compile("[$`!']")
_ESCAPE: Final = re.compile(r"\\(?:.|$)", re.DOTALL)
_TRACEBACKS_REMEMBERED: Final = 100
_NAMES: Final = frozenset({"layer", "engine", "operation"})
_BEHIND: Final = ("layer", "engine", "status", "cache_hit", "metadata", "operation", "user", "correlation_id")


class TextSink:
    """Sink that writes each event to a stream, as a line of text or of JSON.

    Each line, traceback included, is one `write`, so that lines of threads are not mixed. A closed or broken stream
    raises no exception; `dropped` counts the events.

    Args:
        stream: Output; the current `sys.stderr` by default.
        format: `text` or `json`.
        color: Use ANSI colours.
        to_json: Encodes an event as a line of JSON with its line feed.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        format: Format = "text",
        *,
        color: bool = False,
        to_json: Callable[[Event], bytes] = encode,
    ) -> None:
        self.dropped = 0
        self._stream = stream
        self._format = format
        self._color = color
        self._to_json = inert_lines(to_json)
        self._shown_errors: deque[object] = deque(maxlen=_TRACEBACKS_REMEMBERED)

    def __call__(self, event: Event) -> None:
        """Write an event; never raises."""
        stream = self._stream or sys.stderr
        try:
            line = self._to_json(event).decode() if self._format == "json" else self._text(event)
            _write(stream, line)
        except (OSError, ValueError, AttributeError):  # closed, broken, or none at all
            self.dropped += 1

    def _text(self, event: Event) -> str:
        line = line_of(event, color=self._color)
        if len(line) > _LONGEST_LINE:
            end = _RESET if self._color else ""
            line = f"{line[:_LONGEST_LINE]}{end}… [cut: {len(line)} characters]"
        return line + "\n" + self._traceback(event)

    def _traceback(self, event: Event) -> str:
        """Return the lines of a traceback, once for each exception, which may be in several events."""
        trace, identity = event.fields.get("traceback"), event.fields.get("error_id")
        if not isinstance(trace, str) or (identity is not None and identity in self._shown_errors):
            return ""
        self._shown_errors.append(identity)
        style, end = (_DIM, _RESET) if self._color else ("", "")
        return "".join(f"    {style}{printable(line, ' ')}{end}\n" for line in trace.splitlines())


def line_of(event: Event, *, color: bool = False) -> str:
    """Return `04:05:06 info     etl.load orders_loaded (3 rows) source=orders.csv`, the time in UTC.

    Control characters of the event are replaced, so that they cannot move the cursor, begin a line or set colours.
    """
    parts = _parts(event)
    if color:
        return " ".join(
            f"{style}{printable(part, ' ')}{_RESET}" if style else printable(part, " ") for style, part in parts
        )
    return " ".join(printable(part, " ") for _, part in parts)


def _parts(event: Event) -> Iterator[tuple[str, str]]:
    """Yield the parts of a line in order, each with its style."""
    yield _DIM, f"{event.timestamp:%H:%M:%S}"
    yield _LEVELS.get(event.level, ""), f"{event.level:<8}"
    if event.component:
        yield _MAGENTA, _name(event.component)
    message = given_message(event)
    worded = message is None and event.event_type in WORDED and _names_its_subject(event)
    message = _typed(event) if worded else message
    if event.event_type not in (UNNAMED, event.fields.get("message_template")) or not message:
        yield _BOLD, event.event_type
    subject = _SUBJECTS.get(event.event_type, "")
    for name in (subject_of(event), None if worded else event.node_name):
        if name:
            yield "", _name(str(name))
    if message:
        yield "", str(message)
    if figures := _figures(event):
        yield "", f"({figures})"
    if event.error and not worded:
        yield _RED, f"- {error_of(event)}"
    for field in fields_of(event):
        yield _CYAN, field
    for name in _BEHIND:
        value = getattr(event, name)
        if value is not None and value != event.run_id and name != subject:  # not the id of the program itself
            yield _DIM, f"{name}={_key(str(value)) if name in _NAMES else _value(value)}"
    if where := event.fields.get(_FILE):
        yield _DIM, f"{str(where).replace(chr(92), '/').rpartition('/')[2]}:{event.fields.get(_LINE, '?')}"


def subject_of(event: Event) -> str:
    """Return the subject of an event, such as the measured operation."""
    return str(event.get(_SUBJECTS.get(event.event_type, "")) or "")


def error_of(event: Event) -> str:
    """Return the error with its type."""
    kind = event.fields.get("error_type")
    return f"{kind}: {event.error}" if event.error and kind else str(event.error or kind or "")


def fields_of(event: Event) -> Iterator[str]:
    """Yield `name=value` of each field that has no other place on a line."""
    if event.event_type == kinds.ROW_CHANGE:  # its message has them
        return
    subject = _SUBJECTS.get(event.event_type)
    for name, value in event.fields.items():
        if name not in _ELSEWHERE and name != subject and not (name == LOGGER and value == event.component):
            yield f"{_key(name)}={_value(value)}"


def given_message(event: Event) -> str | None:
    """Return the message that the caller gave; None for the default message of the event's type."""
    standard = {name: getattr(event, name) for name in ("node_name", "component", "duration_ms", "error")}
    default = default_message(event.event_type, standard, event.fields)
    return None if event.message == default else event.message


def _names_its_subject(event: Event) -> bool:
    """Return true if the default message names its subject, and no name in it needs quotes."""
    names = [name for name in (event.node_name, event.component, event.fields.get("pipeline_name")) if name]
    plain = all(isinstance(name, str) and _name(name) == name for name in names)
    return plain and (event.event_type != kinds.ERROR or bool(names))


def _typed(event: Event) -> str:
    """Return the message with the exception's type before its text."""
    words, kind = str(event.message), event.fields.get("error_type")
    before = words.removesuffix(str(event.error)) if event.error and kind else words
    return words if before == words else f"{before}{kind}: {event.error}"


def _has_its_duration(event: Event) -> bool:
    return event.event_type in _TIMED and f"{event.duration_ms:.2f}ms" in str(event.message)


def _figures(event: Event) -> str:
    figures = []
    if isinstance(event.duration_ms, (int, float)) and not _has_its_duration(event):
        figures.append(f"{event.duration_ms:,.1f} ms")
    if isinstance(event.row_count, int):
        figures.append(f"{event.row_count:,} rows")
    return ", ".join(figures)


def _value(value: Any) -> str:
    """Return a value as text: one word as it is, other texts in quotes."""
    if isinstance(value, str):
        shown = value[:_LONGEST]  # cut before quoting, so that the closing quote is kept
        written = shown if shown and not _NO_WORD.search(shown) else json.dumps(shown, ensure_ascii=False)
        return written if len(value) <= _LONGEST else f"{written}… [{len(value)} characters]"
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= _LONGEST else f"{_closed(written[:_LONGEST])}… [{len(written)} characters]"


def _closed(written: str) -> str:
    """Close the text that a cut through JSON left open."""
    whole = _ESCAPE.sub("", written)
    return f'{written.rstrip(chr(92))}"' if whole.count('"') % 2 else written


def _name(name: str) -> str:
    """Return a name, quoted if it would end a quote of the line, or be more than one word in a shell."""
    return _quoted(name) if _NO_NAME.search(name) else name


def _key(name: str) -> str:
    """Return the name of a field as one word."""
    return name if name and not _NO_KEY.search(name) else _quoted(name)


def _quoted(name: str) -> str:
    """Return a text in double quotes, without characters that have a meaning in a shell."""
    return _IN_QUOTES.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(name, ensure_ascii=False))


def _write(stream: TextIO, line: str) -> None:
    """Write a line in one call; escape characters that the stream's encoding lacks."""
    try:
        stream.write(line)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
