"""The events of all runs: the last ones, by the times of the index, or every one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import heappush, heapreplace
from itertools import count
from typing import Final

from odibi_core.cli import record
from odibi_core.cli.log_lines import EventFilter
from odibi_core.events import Event
from odibi_core.store.runs import RunStore

_MOST_AT_ONCE: Final = 256
"""Runs of one reading; the first ones are read singly, because they may have all that is asked for."""


def last_of_all(
    store: RunStore, pipeline: str | None, wanted: EventFilter, limit: int, without: Collection[str] = ()
) -> list[Event]:
    """Return the last `limit` events of all runs that pass the filter, the oldest first.

    Runs are read from the one with the latest event on, until no other run can have a later event than those found.
    """
    with record.indexed(store) as index:
        runs = [each for each in index.recent(pipeline, wanted.since, wanted.until) if each[0] not in without]
    found: list[tuple[float, int, Event]] = []
    number, start, size = count(), 0, 1
    while start < len(runs):
        chunk = runs[start : start + size]
        if len(found) == limit and chunk[0][1].timestamp() < found[0][0]:
            break
        for _, events in record.read_many(store, [name for name, _ in chunk]):
            for event in events:
                if event in wanted:
                    item = event.timestamp.timestamp(), next(number), event
                    if len(found) < limit:
                        heappush(found, item)
                    elif item > found[0]:
                        heapreplace(found, item)
        start, size = start + size, min(_MOST_AT_ONCE, size * 2)
    return [event for _, _, event in sorted(found)]


def of_all(store: RunStore, pipeline: str | None, wanted: EventFilter) -> Iterator[Event]:
    """Yield every event that passes the filter, run after run, the oldest run first."""
    with record.indexed(store) as index:
        names = [name for name, _ in index.recent(pipeline, wanted.since, wanted.until)]
    chosen = set(names)
    for _, events in record.read_many(store, [name for name in store.ids() if name in chosen]):
        yield from (event for event in events if event in wanted)
