"""A batch of whole runs: collected line by line, then written as one Parquet file for each table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from odibi_core import private_files
from odibi_core.errors import StoreError, first_line
from odibi_core.events import COLUMNS, Event
from odibi_core.history.event_lines import EventLines
from odibi_core.history.rows import RunTables
from odibi_core.history.schema import DUCKDB_TYPES, TABLES
from odibi_core.store.cold import connected, count_rows
from odibi_core.store.event_columns import EPOCH, PLACE, REST, RUN, SHAPE, literal, microseconds, quoted
from odibi_core.store.log_table import LONGEST_LINE, STANDARD_TYPES
from odibi_core.store.manifest import FieldEntry, FileEntry, RunEntry, SegmentEntry, checksum_of
from odibi_core.store.segments import ReadErrors

ROW_GROUP: Final = 122_880
LEVEL: Final = 9
"""Of zstd: 6 % smaller than level 3, in a fifth more time."""
METADATA: Final = "odibi"
"""The key of the manifest inside the file of `logs`, from which a damaged manifest is restored."""

_RUN_COLUMNS: Final = TABLES["runs"].names
_encode: Final = msgspec.json.Encoder().encode


class Batch:
    """Collects runs in temporary files below `root`, and writes them.

    Args:
        root: The folder of the store.
        name: The name of the batch.
        threads: Threads of the conversion to Parquet.
    """

    def __init__(self, root: Path, name: str, threads: int = 2) -> None:
        self.root = root
        self.name = name
        self.runs: list[RunEntry] = []
        self._threads = threads
        self._stack = ExitStack()
        self._logs = EventLines(self._file(), root)
        self._tables: dict[str, IO[bytes]] = {}
        self._rows: dict[str, int] = {}

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(
        self, run_id: str, events: Iterable[Event], read_errors: ReadErrors, segments: Sequence[SegmentEntry] = ()
    ) -> RunEntry:
        """Add a run: its events, and its rows in the other tables.

        Args:
            run_id: The name of its folder.
            events: All of its events, in their order.
            read_errors: The counts of lines that could not be read, once `events` is consumed.
            segments: The files of its journal.
        """
        tables, ends = RunTables(read_errors), _Ends()
        count = self._logs.add(run_id, _observed(events, tables, ends))
        rows = tables.answer()
        for name, found in rows.items():
            self._add_rows(name, found)
        run = dict(zip(_RUN_COLUMNS, rows["runs"][0], strict=True)) if rows["runs"] else {}
        entry = RunEntry(
            run_id=run_id,
            pipeline_name=run.get("pipeline_name"),
            started=run.get("started") or ends.first,
            ended=run.get("ended") or ends.last,
            events=count,
            torn=read_errors.torn,
            unreadable=read_errors.unreadable,
            status=run.get("status"),
            segments=tuple(segments),
        )
        self.runs.append(entry)
        return entry

    @property
    def rows(self) -> int:
        """The events that were added."""
        return self._logs.rows

    def fields(self) -> list[FieldEntry]:
        """Return the further fields of the events."""
        self._logs.close()
        return self._logs.fields()

    @property
    def unlisted(self) -> int:
        """The number of fields that `fields` leaves out."""
        return self._logs.unlisted

    def write(self, metadata: bytes) -> dict[str, FileEntry]:
        """Write the Parquet files under temporary names, synced; return their entries by table.

        Args:
            metadata: Kept inside the file of `logs`.

        Raises:
            StoreError: DuckDB cannot write a file, or does not write every row.
            OSError: A file cannot be written.
        """
        self._logs.close()
        written = {"logs": self._write("logs", self._log_query(), self._logs.rows, metadata)}
        for name, file in self._tables.items():
            file.flush()
            written[name] = self._write(name, _table_query(name, file), self._rows[name])
        return written

    def path(self, table: str) -> Path:
        """Return the path of a table's file, in the folder of the day of the first run."""
        first = min((run.started for run in self.runs if run.started), default=EPOCH)
        return self.root / "tables" / table / f"date={first:%Y-%m-%d}" / f"{self.name}.parquet"

    def _file(self) -> IO[bytes]:
        """Return a new file without a name, which no crash can leave behind."""
        return self._stack.enter_context(tempfile.TemporaryFile(dir=self.root))

    def _add_rows(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if not rows:
            return
        if table not in self._tables:
            self._tables[table] = self._file()
        self._rows[table] = self._rows.get(table, 0) + len(rows)
        lines = [_encode({f"c{place}": _cell(v) for place, v in enumerate(row) if v is not None}) for row in rows]
        self._tables[table].write(b"\n".join([*lines, b""]))

    def _log_query(self) -> str:
        read = {RUN: "VARCHAR", PLACE: "BIGINT", SHAPE: "VARCHAR", REST: "VARCHAR"}
        read |= {name: "BIGINT" if type_ == "TIMESTAMP" else type_ for name, type_ in STANDARD_TYPES.items()}
        read["metadata"] = "VARCHAR"
        columns = ["make_timestamp(timestamp) as timestamp", *map(quoted, COLUMNS[1:])]
        for key, name, type_ in self._logs.columns():
            read[key] = "VARCHAR" if type_ == "json" else DUCKDB_TYPES[type_]  # type: ignore[index]
            columns.append(f"{quoted(key)} as {quoted(name)}")
        columns += [RUN, PLACE, SHAPE, REST]
        source = _read_json(self._logs.file, read)
        return f"select {', '.join(columns)} from {source}"

    def _write(self, table: str, query: str, rows: int, metadata: bytes = b"") -> FileEntry:
        import duckdb

        final = self.path(table)
        draft = final.with_name(f"{final.name}.tmp")
        private_files.make_folder(final.parent)
        os.close(private_files.create(draft, os.O_WRONLY))
        options = (
            f"format parquet, compression zstd, compression_level {LEVEL}, row_group_size {ROW_GROUP}, "
            "use_tmp_file false"
        )
        if metadata:
            options += f", kv_metadata {{{METADATA}: {literal(metadata.decode())}}}"
        try:
            with connected(self._threads) as connection:
                connection.execute(f"copy ({query}) to {literal(str(draft))} ({options})")
                count = count_rows(connection, draft)
        except duckdb.Error as error:
            raise StoreError(f"{final} could not be written: {first_line(error)}") from None
        if count != rows:
            raise StoreError(f"{final} could not be written: of {rows:,} rows {count:,} were; report this")
        sync(draft)
        path = final.relative_to(self.root).as_posix()
        return FileEntry(path=path, rows=rows, bytes=draft.stat().st_size, checksum=checksum_of(draft))


class _Ends:
    """The times of the first and the last event."""

    def __init__(self) -> None:
        self.first: datetime | None = None
        self.last: datetime | None = None

    def __call__(self, event: Event) -> None:
        self.first = self.first or event.timestamp
        self.last = event.timestamp


def sync(path: Path) -> None:
    """Write a file or the names of a folder to the disk. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _observed(events: Iterable[Event], *sinks: Any) -> Iterator[Event]:
    for event in events:
        for sink in sinks:
            sink(event)
        yield event


def _table_query(table: str, file: IO[bytes]) -> str:
    read, columns = {}, []
    for place, column in enumerate(TABLES[table].columns):
        is_time = column.type == "timestamp"
        read[f"c{place}"] = "BIGINT" if is_time else "VARCHAR" if column.type == "json" else DUCKDB_TYPES[column.type]
        value = f"make_timestamp(c{place})" if is_time else f"c{place}"
        columns.append(f"{value} as {quoted(column.name)}")
    return f"select {', '.join(columns)} from {_read_json(file, read)}"


def _read_json(file: IO[bytes], columns: dict[str, str]) -> str:
    schema = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in columns.items())
    return (
        f"read_json('/dev/fd/{file.fileno()}', format = 'newline_delimited', columns = {{{schema}}}, "
        f"compression = 'uncompressed', maximum_object_size = {LONGEST_LINE})"
    )


def _cell(value: Any) -> Any:
    """Return a cell as JSON has it: a time in microseconds, no integer beyond BIGINT."""
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return None
    return value
