"""The files and rows that a query over the history reads, as plain data that can be sent to a child process."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from odibi_core.history.schema import TABLES
from odibi_core.history.sql.macros import MACROS, with_callees
from odibi_core.store.sql_logs import ColdFile

_WORD: Final = re.compile(r"\w+")
_ALL: Final = "tables"
"""`show tables` names no table, and lists all of them."""


class TableSource(msgspec.Struct):
    """The rows of a table: its Parquet files, and JSON lines with the rows of runs that are not compacted."""

    files: list[str] = []
    rows: bytes = b""


class HistorySource(msgspec.Struct):
    """The record that a query reads.

    Args:
        tables: The tables that the query may name, but `logs`.
        segments: The hot segments, if it may name `logs`. Paths are bytes, because a file name need not be text.
        logs: The Parquet files of `logs`, with the columns of each.
        log_filter: SQL that chooses rows of these files.
        run_id: The one run that every other table shows; None for all.
        acknowledged: The time of `odibi ack` by `alert_id`, if the query may name `alerts`.
        resolved: The end of an alert of a rule, likewise.
        muted: SQL that is true for an alert that a mute covers.
        notices: Problems of the store, for a reader of the answer.
    """

    tables: dict[str, TableSource]
    segments: list[bytes] = []
    logs: list[ColdFile] = []
    log_filter: str = "true"
    run_id: str | None = None
    acknowledged: dict[str, str] = {}
    resolved: dict[str, str] = {}
    muted: str = "false"
    notices: list[str] = []


def words_of(query: str) -> set[str]:
    """Return the words of a query."""
    return set(_WORD.findall(query))


def tables_in(query: str) -> set[str]:
    """Return every table that the query may read: those whose name is a word of it, or of a macro that it calls."""
    words = {word.lower() for word in words_of(query)}
    if _ALL in words:
        return set(TABLES)
    for macro in with_callees(words & MACROS.keys()):
        words |= macro.words
    return words & TABLES.keys()
