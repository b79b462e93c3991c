"""SQL over the log: one SELECT over the table `logs`, answered by DuckDB, which can read nothing else.

A query may spell a field in camelCase or in snake_case, however it was logged. `event` is another name of `event_type`.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path

from odibi_core.events import Event, encode
from odibi_core.store.sql_duckdb import TIMEOUT_S, Answer, Interrupted, Opened, opened, run_query, too_slow


def query_files(query: str, paths: Iterable[Path], *, timeout_s: float = TIMEOUT_S, isolated: bool = False) -> Answer:
    """Answer a SELECT over the events in these journal segments.

    Args:
        query: One SELECT over the table `logs`.
        paths: The segments.
        timeout_s: Seconds for the query. Reading the segments is not counted.
        isolated: Run the query in a process of its own, where memory, CPU time and the timeout are limited by the
            operating system. Without it, DuckDB looks at the timeout and at its memory only between two blocks of
            values, so that a single expensive value takes as much of both as it needs.

    Raises:
        QueryError: It is not one SELECT, it names what is not there, or it needs too much time or memory.
        StoreError: The temporary file could not be written, or not every event was read from it.
    """
    if isolated:
        from odibi_core.store.sql_process import query_isolated

        return query_isolated(query, paths, timeout_s=timeout_s)
    with opened(query, list(paths)) as log:
        return answer_within(log, query, timeout_s)


def answer_within(log: Opened, query: str, timeout_s: float) -> Answer:
    """Return the answer of a query, which is interrupted after the timeout.

    Raises:
        QueryError: DuckDB cannot answer it, or not in time.
    """
    timer = threading.Timer(timeout_s, log.connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        return run_query(log, query).answer()
    except Interrupted:
        raise too_slow(timeout_s) from None
    finally:
        timer.cancel()


def query_events(
    query: str, events: Iterable[Event], *, timeout_s: float = TIMEOUT_S, isolated: bool = False
) -> Answer:
    """Answer a SELECT over events that are not in a file; see `query_files`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        with path.open("wb") as file:
            file.writelines(map(encode, events))
        return query_files(query, [path], timeout_s=timeout_s, isolated=isolated)
