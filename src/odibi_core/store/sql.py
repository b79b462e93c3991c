"""SQL over the log: one SELECT over the table `logs`, answered by DuckDB, which may touch nothing else.

The events are first read into a table in memory by us; then DuckDB is locked (no files, no network, no extensions,
no settings) and only then sees the question, of which it is first made sure that it is one SELECT. A field may be
written in camelCase or snake_case, whichever way it was logged, and `event` is another name of `event_type`.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.errors import QueryError, nearest
from odibi_core.events import Event, encode
from odibi_core.store.segments import read_events

MEMORY_LIMIT: Final = "2GB"
TIMEOUT_S: Final = 60.0

STANDARD_TYPES: Final = {
    "timestamp": "TIMESTAMP", "level": "VARCHAR", "event_type": "VARCHAR", "message": "VARCHAR",
    "node_name": "VARCHAR", "layer": "VARCHAR", "engine": "VARCHAR", "status": "VARCHAR", "duration_ms": "DOUBLE",
    "error": "VARCHAR", "cache_hit": "BOOLEAN", "row_count": "BIGINT", "memory_mb": "DOUBLE", "user": "VARCHAR",
    "metadata": "JSON", "run_id": "VARCHAR", "correlation_id": "VARCHAR", "operation": "VARCHAR",
    "component": "VARCHAR", "writer_id": "VARCHAR", "seq": "BIGINT",
}  # fmt: skip
_NUMBERS: Final = frozenset({"BIGINT", "DOUBLE", "HUGEINT", "UBIGINT"})
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Answer(msgspec.Struct):
    """`columns` in their order, and `rows` as dicts."""

    columns: list[str]
    rows: list[dict[str, Any]]


def query_files(query: str, paths: Iterable[Path], *, timeout_s: float = TIMEOUT_S) -> Answer:
    """Answer a SELECT over the events in these journal segments.

    Raises `QueryError`: it is no single SELECT, it names what is not there, or it took too long.
    """
    import duckdb

    connection = _connect()
    try:
        _refuse_all_but_select(connection, query)
        try:
            _load(connection, [path for path in paths if path.is_file() and path.stat().st_size])
            _name_columns(connection, query)
        except duckdb.Error as error:
            raise QueryError(f"the log could not be read as a table: {_first_line(error)}") from None
        _lock(connection)
        return _ask(connection, query, timeout_s)
    finally:
        connection.close()


def query_events(query: str, events: Iterable[Event], *, timeout_s: float = TIMEOUT_S) -> Answer:
    """The same over events that are not in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(b"".join(map(encode, events)))
        return query_files(query, [path], timeout_s=timeout_s)


def snake_case(name: str) -> str:
    """`recordsIn` and `records_in` are one field: this is its name."""
    return _HUMP.sub("_", name).lower()


def _connect() -> Any:
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY_LIMIT,
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )


def _refuse_all_but_select(connection: Any, query: str) -> None:
    import duckdb

    try:
        statements = connection.extract_statements(query)
    except duckdb.Error as error:
        raise QueryError(_first_line(error)) from None
    if len(statements) != 1:
        raise QueryError(f"the log answers one SELECT at a time; given were {len(statements)} statements")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError(
            f"the log answers SELECT only; given was {str(statements[0].type).rpartition('.')[2]}"
        )


def _load(connection: Any, paths: list[Path]) -> None:
    """The events as table `raw`: standard columns of their own type, others of the type that their values have."""
    if not paths:
        connection.execute("create table raw (nothing varchar)")
        return
    _read(connection, paths)
    if [row[0] for row in connection.execute("describe raw").fetchall()] == ["json"]:
        # DuckDB gives up on columns over one line that is no object, or one key without a name: mend, and again.
        with tempfile.TemporaryDirectory() as folder:
            mended = Path(folder) / "mended.jsonl"
            with mended.open("wb") as file:
                file.writelines(encode(_with_named_keys(event)) for event in read_events(paths))
            _read(connection, [mended])


def _read(connection: Any, paths: list[Path]) -> None:
    connection.execute(
        "create or replace table raw as select * from read_json(?, format='newline_delimited', union_by_name=true, "
        "ignore_errors=true, sample_size=-1, maximum_depth=2, maximum_object_size=2097152)",
        [[str(path) for path in paths]],
    )


def _with_named_keys(event: Event) -> Event:
    return msgspec.structs.replace(event, fields={name or "_": value for name, value in event.fields.items()})


def _name_columns(connection: Any, query: str) -> None:
    """The view `logs`: a column for each field, by the name that the question uses, else the one it was logged by."""
    asked = {word.lower(): word for word in _IDENTIFIER.findall(query)}.values()
    spellings: dict[str, list[str]] = {name: [] for name in STANDARD_TYPES}
    types = {
        name: kind for name, kind, *_ in connection.execute("describe raw").fetchall() if name != "nothing"
    }
    for name in types:
        spellings.setdefault(_canonical(name), []).append(name)
    columns = []
    for name, written in spellings.items():
        value = _coalesce({each: types[each] for each in written})
        if name in STANDARD_TYPES:
            value = f"try_cast({value} as {STANDARD_TYPES[name]})"
        shown = name if name in STANDARD_TYPES else written[0]
        columns.append(f"{value} as {_quoted(shown)}")
        others = {word for word in asked if _canonical(word) == name and word.lower() != shown.lower()}
        columns += [f"{value} as {_quoted(word)}" for word in sorted(others)]
    told = [_quoted(name) for name in types if _canonical(name) in ("event_type", "timestamp")]
    lines = " or ".join(f"{name} is not null" for name in told) or "false"
    connection.execute(f"create view logs as select {', '.join(columns)} from raw where {lines}")


def _canonical(name: str) -> str:
    snake = snake_case(name)
    return "event_type" if snake == "event" else snake


def _coalesce(written: dict[str, str]) -> str:
    """One value of a field's spellings; where its values are of several types, all of them as text."""
    if not written:
        return "null"
    alike = len(set(written.values())) == 1 or set(written.values()) <= _NUMBERS
    values = [
        f"({_quoted(name)} ->> '$')" if kind == "JSON" else _quoted(name) + ("" if alike else "::varchar")
        for name, kind in written.items()
    ]
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _lock(connection: Any) -> None:
    for setting in ("enable_external_access=false", "lock_configuration=true"):
        connection.execute(f"set {setting}")


def _ask(connection: Any, query: str, timeout_s: float) -> Answer:
    import duckdb

    timer = threading.Timer(timeout_s, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        cursor = connection.execute(query)
        columns = _distinct([column[0] for column in cursor.description])
        return Answer(columns, [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()])
    except duckdb.InterruptException:
        raise QueryError(
            f"the question took longer than {timeout_s:g} s; ask for less, or for fewer runs"
        ) from None
    except duckdb.Error as error:
        raise QueryError(_explained(connection, error)) from None
    finally:
        timer.cancel()


def _explained(connection: Any, error: Exception) -> str:
    """DuckDB's own words, and the nearest column where one was not found."""
    said = _first_line(error)
    missing = re.search(r'column "([^"]+)" not found|does not have a column named "([^"]+)"', said)
    if missing is None:
        return said
    known = [row[0] for row in connection.execute("describe logs").fetchall()]
    name = missing[1] or missing[2]
    return f"the log has no field {name!r}{nearest(name, known)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _distinct(names: list[str]) -> list[str]:
    """Columns of a result may share a name; keys of a dict may not."""
    return [name if name not in names[:place] else f"{name}_{place + 1}" for place, name in enumerate(names)]
