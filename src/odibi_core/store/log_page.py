"""Pages of the log of one run, filtered, each read from where the page before ended.

A page reads a bounded part of the record: with a filter that few lines pass it may hold fewer lines than asked for, and
`next` continues behind the part that was read. So a page of a log of a million lines takes as long as one of a short
log.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from odibi_core.errors import ConfigurationError, StoreError, first_line
from odibi_core.events import Event
from odibi_core.store.log_search import LogFilter
from odibi_core.store.segment_scan import Budget, Scan, merged
from odibi_core.store.segments import all_segments, by_writer, writer_of

if TYPE_CHECKING:
    from odibi_core.store.manifest import Manifest, RunEntry
    from odibi_core.store.runs import RunStore


class LogPage(msgspec.Struct):
    """A page: its events, and the cursor of the next one.

    `more` is false at the end of what is recorded so far; the cursor then finds the lines that are written later.
    """

    events: list[Event]
    next: str
    more: bool


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
        ConfigurationError: `after` is no cursor, or one of before the run moved into a batch.
        StoreError: The file of the batch cannot be read.
    """
    place = _decoded(after)
    found = store.cold.find(store.folder(run_id).name)
    if found is None:
        return _hot(store, run_id, wanted, limit, place, newest)
    if isinstance(place, dict):
        raise ConfigurationError("after is of a page from before the run moved into a batch; begin with the first page")
    if store.segments(run_id):  # a process wrote lines after the run became part of a batch
        return _read_whole(store, run_id, wanted, limit, place, newest)
    return _cold(store, found, wanted, limit, place, newest)


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


def _cold(
    store: RunStore, found: tuple[Manifest, RunEntry], wanted: LogFilter, limit: int, place: int | None, newest: bool
) -> LogPage:
    import duckdb

    from odibi_core.store.cold_page import ColdLog

    try:
        events, reached, more = ColdLog(store.root, *found).page(wanted, limit, place, newest=newest)
    except duckdb.Error as error:
        now = store.cold.find(found[1].run_id)
        if now is None or now[0].batch == found[0].batch:
            path = store.root / found[0].files["logs"].path
            raise StoreError(f"{path} could not be read: {first_line(error)}") from None
        return _cold(store, now, wanted, limit, place, newest)  # another batch replaced it meanwhile
    return LogPage(events, _encoded(reached), more)


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
