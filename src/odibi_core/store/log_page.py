"""Pages of the log of one run, filtered, each read from where the page before ended.

A page of a run that is not compacted reads a bounded part of the record: with a filter that few lines pass it may hold
fewer lines than asked for, and `next` continues behind the part that was read. So a page of a log of a million lines
takes as long as one of a short log. The filter of a run in a batch is a query over all its lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, kinds, to_dict
from odibi_core.store.event_columns import IN_ORDER, REST, RUN, SHAPE, EventRows, literal, quoted
from odibi_core.store.log_table import STANDARD_TYPES
from odibi_core.store.segment_scan import Budget, Scan, merged
from odibi_core.store.segments import all_segments, by_writer, writer_of

if TYPE_CHECKING:
    from odibi_core.store.runs import RunStore

_WORD: Final = re.compile(r"[A-Za-z0-9_ .@/-]+", re.ASCII)
"""A part of a text that a line has as these bytes, in any case, if it has the text in a name and a value."""
_IMPLIED: Final = "level=info\nevent_type=log"
"""The text of fields that a line leaves out, because they have their defaults."""


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
        return [level for level in ("debug", "info", "warning", "error", "critical") if self._passes(level)]

    def _passes(self, level: str) -> bool:
        return kinds.severity(level) >= self.severity

    @property
    def groups(self) -> list[list[bytes]]:
        """Groups of words in lower case: a line that passes has one of each group, or a character escape."""
        levels = self.levels
        found = [] if "info" in levels else [[f'"level":"{level}"'.encode() for level in levels]]
        words = [] if self.search.lower() in _IMPLIED else _WORD.findall(self.search)
        words += [name for name in (self.step, self.kind) if name and name != "log" and _WORD.fullmatch(name)]
        return found + [[word.lower().encode()] for word in words]


class LogPage(msgspec.Struct):
    """A page: its events, and the cursor of the next one.

    `more` is false at the end of what is recorded so far; the cursor then finds the lines that are written later.
    """

    events: list[Event]
    next: str
    more: bool


def text_of(event: Event) -> str:
    """Return the text of an event that a search reads: `name=value` of each field, one a line."""
    values = to_dict(event).items()
    return "\n".join(f"{name}={value if isinstance(value, str) else _json(value)}" for name, value in values)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


def page(store: RunStore, run_id: str, wanted: LogFilter, limit: int, after: str = "", *, newest: bool) -> LogPage:
    """Return a page of the log of a run.

    Args:
        store: The store.
        run_id: The run, an id.
        wanted: The filter.
        limit: Lines of the page.
        after: `next` of the page before, which had the same filter and order; empty for the first page.
        newest: True for the newest line first.

    Raises:
        ConfigurationError: `after` is no cursor.
    """
    place = _decoded(after)
    found = store.cold.find(store.folder(run_id).name)
    if found is None:
        return _hot(store, run_id, wanted, limit, place, newest)
    if store.segments(run_id):  # a process wrote lines after the run became part of a batch
        return _read_whole(store, run_id, wanted, limit, place, newest)
    return _cold(store, run_id, wanted, limit, place, newest)


def _hot(store: RunStore, run_id: str, wanted: LogFilter, limit: int, place: Any, newest: bool) -> LogPage:
    known = place if isinstance(place, dict) else {}
    budget = Budget()
    writers = by_writer(all_segments(store.folder(run_id) / "events"))
    scans = [Scan(own, known.get(writer_of(own[0])), wanted, budget, newest=newest) for own in writers]
    events = merged(scans, limit, newest=newest)
    ends = {writer_of(own[0]): scan.place for own, scan in zip(writers, scans, strict=True) if scan.place is not None}
    return LogPage(events, _encoded(ends), any(scan.head is not None or scan.is_paused for scan in scans))


def _read_whole(store: RunStore, run_id: str, wanted: LogFilter, limit: int, place: Any, newest: bool) -> LogPage:
    start = place if isinstance(place, int) else 0
    found = [event for event in store.read(run_id) if wanted.matches(event)]
    if newest:
        found.reverse()
    return _counted(found[start : start + limit + 1], start, limit)


def _counted(found: list[Event], start: int, limit: int) -> LogPage:
    """Return the page of events from a place on, of which there may be one more than the page takes."""
    return LogPage(found[:limit], _encoded(start + min(limit, len(found))), len(found) > limit)


def _cold(store: RunStore, run_id: str, wanted: LogFilter, limit: int, place: Any, newest: bool) -> LogPage:
    from odibi_core.store.cold import connected

    found = store.cold.find(store.folder(run_id).name)
    assert found is not None
    manifest, start = found[0], place if isinstance(place, int) else 0
    path = str(store.root / manifest.files["logs"].path)
    source = f"read_parquet({literal(path)}, hive_partitioning = false, file_row_number = true)"
    fields = {field.name: (field.column, field.type) for field in manifest.fields if field.column}
    condition, values = _condition(wanted, found[1].run_id, fields)
    with connected() as connection:
        # Two queries: the first reads the columns of the filter and the order alone.
        order = f"order by {IN_ORDER} {'desc' if newest else 'asc'}"
        chosen = f"select file_row_number from {source} where {condition} {order} limit {limit + 1} offset {start}"
        numbers = [number for (number,) in connection.execute(chosen, values).fetchall()]
        some = f"from {source} where file_row_number in ({', '.join(map(str, numbers)) or 'null'})"
        reader = EventRows(
            (shape for (shape,) in connection.execute(f"select distinct {SHAPE} {some}").fetchall()), fields
        )
        columns = ", ".join(map(quoted, reader.columns))
        rows = connection.execute(f"select {columns} {some} {order}").fetchall()
    return _counted([reader.event(row) for row in rows], start, limit)


def _condition(wanted: LogFilter, run_id: str, fields: dict[str, tuple[str, str]]) -> tuple[str, list[Any]]:
    parts, values = [f"{RUN} = ?"], [run_id]
    if wanted.severity > kinds.severity("debug"):
        parts.append(f"level in ({', '.join('?' for _ in wanted.levels)})")
        values += wanted.levels
    for name, value in (("node_name", wanted.step), ("event_type", wanted.kind)):
        if value is not None:
            parts.append(f"{name} = ?")
            values.append(value)
    if wanted.search:
        columns = {name: name for name in STANDARD_TYPES} | {name: column for name, (column, _) in fields.items()}
        texts = [f"{literal(name + '=')} || {quoted(column)}::varchar" for name, column in columns.items()]
        parts.append(f"contains(lower(concat_ws(chr(10), {', '.join(texts)}, {REST}::varchar)), ?)")
        values.append(wanted.search.lower())
    return " and ".join(parts), values


def _encoded(place: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def _decoded(after: str) -> Any:
    """Return the place of a cursor.

    Raises:
        ConfigurationError: The text is no cursor.
    """
    if not after:
        return None
    try:
        content = base64.urlsafe_b64decode(after.encode() + b"=" * (-len(after) % 4))
        place = msgspec.msgpack.decode(content, type=dict[str, tuple[str, int]] | int)
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError):
        place = None
    offsets = [place] if isinstance(place, int) else [offset for _, offset in (place or {}).values()]
    if place is None or not all(0 <= offset < 1 << 62 for offset in offsets):
        raise ConfigurationError(f"after must be `next` of an earlier page, got {after[:40]!r}")
    return place
