"""Pages of the log of a run in a batch: DuckDB chooses the lines that may pass a filter, and the filter decides.

An event has a place among those of its run, counted from 0, and a page is a range of places. Without a filter the page
reads this range alone. With a filter it reads ranges that grow, until it is full or has read as many lines as it may.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core.events import Event
from odibi_core.store.cold import connected
from odibi_core.store.event_columns import EXACT, IN_ORDER, PLACE, RUN, SHAPE, EventRows, literal, quoted
from odibi_core.store.log_search import LogFilter, condition_of
from odibi_core.store.manifest import Manifest, RunEntry

MOST_LINES: Final = 250_000
"""Lines that one page reads (benchmark: serve)."""
_GROWTH: Final = 100
"""Times that a range is longer than the one before it."""


class ColdPage(NamedTuple):
    """A page: its events, the place at which the next one begins, and whether there are lines behind it."""

    events: list[Event]
    place: int
    more: bool


class ColdLog:
    """The log of a run in a batch.

    Args:
        root: The folder of the store.
        manifest: The manifest of the batch.
        entry: The run.
    """

    def __init__(self, root: Path, manifest: Manifest, entry: RunEntry) -> None:
        self._entry = entry
        path = str(root / manifest.files["logs"].path)
        self._source = f"read_parquet({literal(path)}, hive_partitioning = false, file_row_number = true)"
        self._fields = {field.name: (field.column, field.type) for field in manifest.fields if field.column}

    def page(self, wanted: LogFilter, limit: int, start: int | None, *, newest: bool) -> ColdPage:
        """Return a page.

        Args:
            wanted: The filter.
            limit: Events of the page.
            start: The place of the page before; None for the first page. A page that is read backward ends in front
                of it.
            newest: True to read backward.

        Raises:
            duckdb.Error: The file cannot be read.
        """
        count = self._entry.events
        reached = min(start, count) if start is not None else count if newest else 0
        direction = "desc" if newest else "asc"
        found: list[tuple[int, int]] = []
        with connected() as connection:
            conditions, values = condition_of(wanted, self._fields)
            offsets = self._offsets(connection)
            for low, high in _ranges(reached, count, limit + 1, newest=newest):
                parts = [f"{RUN} = ?", f"{IN_ORDER} between {low} and {high - 1}", *conditions]
                if offsets is not None:
                    parts.append(f"seq between {low - offsets[1]} and {high - offsets[0]}")
                chosen = f"select {IN_ORDER}, file_row_number from {self._source} where {' and '.join(parts)}"
                ordered = f"{chosen} order by 1 {direction} limit {limit + 1 - len(found)}"
                found += connection.execute(ordered, [self._entry.run_id, *values]).fetchall()
                if len(found) > limit:
                    reached = found[limit][0] + newest
                    break
                reached = low if newest else high
            events = self._events(connection, [number for _, number in found[:limit]], direction)
        more = reached > 0 if newest else reached < count
        return ColdPage([event for event in events if wanted.matches(event)], reached, more)

    def _offsets(self, connection: Any) -> tuple[int, int] | None:
        """Return the least and the greatest difference of place and `seq`; None if an event has no regular `seq`.

        The statistics of the file answer this, and a range of `seq` skips the row groups of other places.
        """
        least, most, low, high, known, every = connection.execute(
            f"select min({PLACE}), max({PLACE}), min(seq), max(seq), count(seq), count(*) from {self._source}"
            f" where {RUN} = ?",
            [self._entry.run_id],
        ).fetchone()
        return (least, most) if every and known == every and low >= 0 and high <= EXACT else None

    def _events(self, connection: Any, rows: list[int], direction: str) -> list[Event]:
        """Return the events of rows of the file, in their order."""
        some = f"from {self._source} where file_row_number in ({', '.join(map(str, rows)) or 'null'})"
        shapes = connection.execute(f"select distinct {SHAPE} {some}").fetchall()
        reader = EventRows((shape for (shape,) in shapes), self._fields)
        columns = ", ".join(map(quoted, reader.columns))
        found = connection.execute(f"select {columns} {some} order by {IN_ORDER} {direction}").fetchall()
        return [reader.event(row) for row in found]


def _ranges(start: int, count: int, size: int, *, newest: bool) -> Iterator[tuple[int, int]]:
    """Yield ranges of places from a start on, each longer than the one before, as far as one page reads."""
    end = max(0, start - MOST_LINES) if newest else min(count, start + MOST_LINES)
    while start != end:
        reached = max(end, start - size) if newest else min(end, start + size)
        yield (reached, start) if newest else (start, reached)
        start, size = reached, size * _GROWTH
