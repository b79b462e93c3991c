"""Tables and queries of databases: SQLite, DuckDB, and a PostgreSQL server."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import nullcontext
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.families.seen import rows_of
from tests.services.postgres import PASSWORD

from odibi_core import Orchestrator, Step, pipeline
from odibi_core.engines import files
from odibi_core.errors import (
    EngineError,
    PipelineDefinitionError,
    PipelineError,
    SourceNotFoundError,
    UnreadableSourceError,
)
from odibi_core.store.runs import RunStore

BIG = 2**53 + 1
ROWS = [{"k": 1, "v": "a", "n": BIG}, {"k": 2, "v": None, "n": None}]
rows = partial(rows_of, by="k")


def test_a_table_is_created_appended_to_and_replaced(engine: Any, database: str, how: dict[str, str]) -> None:
    """And read back as a whole and by a query with parameters."""
    engine.write(ROWS, database, table="t", mode="append", **how)
    engine.write([{"v": "c", "k": 3}], database, table="t", mode="append", **how)  # by name; a column may be left out
    assert rows(engine.read(database, table="t", **how)) == [*ROWS, {"k": 3, "v": "c", "n": None}]
    mark = "$low" if database.startswith("duckdb") else "2" if how else ":low"
    params = {} if how else {"params": {"low": 2}}
    found = engine.read(database, query=f"select k, v from t where k > {mark} order by k", **params, **how)
    assert rows(found) == [{"k": 3, "v": "c"}]
    engine.write(ROWS[:1], database, table="t", mode="replace", **how)
    assert rows(engine.read(database, table="t", **how)) == ROWS[:1]
    engine.write(engine.frame(ROWS)[:0], database, table="t", mode="replace", **how)
    assert len(engine.read(database, table="t", **how)) == 0


def test_an_upsert_updates_and_inserts(engine: Any, database: str, how: dict[str, str]) -> None:
    """By one key or several; columns that the frame has not keep their values; a second time changes nothing."""
    engine.write(ROWS, database, table="t", mode="upsert", keys="k", **how)
    for _ in range(2):
        engine.write([{"k": 2, "v": "B"}, {"k": 3, "v": "C"}], database, table="t", mode="upsert", keys=["k"], **how)
    wanted = [ROWS[0], {"k": 2, "v": "B", "n": None}, {"k": 3, "v": "C", "n": None}]
    assert rows(engine.read(database, table="t", **how)) == wanted
    pairs = [{"k": 1, "day": "mon"}, {"k": 1, "day": "tue"}]
    for _ in range(2):
        engine.write(pairs, database, table="pairs", mode="upsert", keys=["k", "day"], **how)
    assert len(engine.read(database, table="pairs", **how)) == 2


def test_keys_that_identify_no_row_are_refused(engine: Any, database: str, how: dict[str, str]) -> None:
    """A null, a key that is there twice, a column that is not there; the table is as it was."""
    engine.write(ROWS, database, table="t", mode="upsert", keys="k", **how)
    for bad, words in (
        ([{"k": None, "v": "x"}, {"k": 5, "v": "x"}], "key 'k' is null in 1 rows"),
        ([{"k": 5, "v": "x"}, {"k": 5, "v": "y"}], "1 values of the keys k are in several rows"),
        ([{"kk": 5, "v": "x"}], r"no column 'k' for keys"),
    ):
        with pytest.raises(EngineError, match=words):
            engine.write(bad, database, table="t", mode="upsert", keys="k", **how)
    assert rows(engine.read(database, table="t", **how)) == ROWS


def test_an_upsert_needs_a_unique_constraint(tmp_path: Path) -> None:
    """Otherwise the database would insert every row."""
    engine = _polars()
    database = f"sqlite:///{tmp_path}/x.db"
    engine.write(pl.DataFrame(ROWS), database, table="t", mode="append")
    with pytest.raises(EngineError, match="no primary key and no unique constraint of k"):
        engine.write(pl.DataFrame(ROWS), database, table="t", mode="upsert", keys="k")
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create unique index one on t (k)")
    connection.close()
    engine.write(pl.DataFrame(ROWS), database, table="t", mode="upsert", keys="k")
    assert len(engine.read(database, table="t")) == 2


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_row_that_fails_leaves_the_table_as_it_was(
    engine: Any, database: str, how: dict[str, str], mode: str
) -> None:
    """The last of many rows breaks a constraint, after thousands were sent."""
    create = "create table t (k bigint primary key, v text check (v <> 'bad'))"
    _execute(database, create, "insert into t values (1, 'a')")
    bad = pl.DataFrame({"k": range(10, 12_010), "v": ["x"] * 11_999 + ["bad"]})
    keys = {"keys": "k"} if mode == "upsert" else {}
    with pytest.raises(EngineError, match="'t' was not written and is as it was"):
        engine.write(engine.frame(bad), database, table="t", mode=mode, **keys, **how)
    assert rows(engine.read(database, table="t", **how)) == [{"k": 1, "v": "a"}]
    # A table that did not exist does not exist afterwards.
    twice = pl.DataFrame({"k": [1], "v": [None]}, schema={"k": pl.Int64, "v": pl.Null})
    if not database.startswith("duckdb"):
        with pytest.raises(EngineError, match="'v' has no value, and a new table needs its type"):
            engine.write(engine.frame(twice), database, table="new", mode="append", **how)
        with pytest.raises(SourceNotFoundError, match="there is no table 'new'"):
            engine.read(database, table="new", **how)


KILLED = """
    import os, signal, sys
    import polars as pl
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    from odibi_core.plugins import load

    def kill(connection, cursor, statement, parameters, context, many):
        if statement.startswith("INSERT") and "{table}" in statement:
            kill.calls += 1
            if kill.calls == 2:
                os.kill(os.getpid(), signal.SIGKILL)
    kill.calls = 0
    event.listen(Engine, "before_cursor_execute", kill)
    frame = pl.DataFrame({{"k": range(10, 20_010), "v": ["x"] * 20_000}})
    load("engines", "polars")().write(frame, sys.argv[1], table="{table}", mode="{mode}")
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(("table", "mode"), [("t", "replace"), ("t", "append"), ("new", "append")])
def test_a_killed_process_leaves_the_table_as_it_was(
    kind: str, table: str, mode: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """SIGKILL between two batches of rows, also while the table is new."""
    database = f"sqlite:///{tmp_path}/x.db" if kind == "sqlite" else request.getfixturevalue("postgresql")
    engine = _polars()
    if kind == "postgresql":
        _execute(database, "drop table if exists t", "drop table if exists new")
    engine.write(pl.DataFrame(ROWS), database, table="t", mode="append")
    code = textwrap.dedent(KILLED.format(table=table, mode=mode))
    done = subprocess.run([sys.executable, "-c", code, database], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert rows(engine.read(database, table="t")) == ROWS
    if table == "new":
        with pytest.raises(SourceNotFoundError):
            engine.read(database, table="new")


def test_without_the_transaction_the_killed_process_would_leave_rows(tmp_path: Path) -> None:
    """Sabotage: the same process with AUTOCOMMIT leaves a part of the rows."""
    database = f"sqlite:///{tmp_path}/x.db"
    sabotage = """
        import sqlalchemy
        real = sqlalchemy.create_engine
        sqlalchemy.create_engine = lambda *a, **k: real(*a, **k, isolation_level="AUTOCOMMIT")
        from odibi_core.engines import files
        from odibi_core.engines.formats import sql
        sql.begin = lambda connection: None
    """
    code = textwrap.dedent(sabotage) + textwrap.dedent(KILLED.format(table="new", mode="append"))
    done = subprocess.run([sys.executable, "-c", code, database], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(_polars().read(database, table="new")) > 0


def test_credentials_are_in_no_record_and_no_message(postgresql: str, tmp_path: Path) -> None:
    """Events, the message of a failure and its traceback: user and password are in none."""
    _execute(postgresql, "drop table if exists secret_table")
    wrong = postgresql.replace("127.0.0.1", "localhost.invalid")
    made = lambda: pl.DataFrame(ROWS)  # noqa: E731
    made.__name__ = "made"
    for url in (postgresql, wrong):
        steps: list[Any] = [
            Step(name="made", layer="ingest", value=made),
            Step(name="save", layer="publish", value=url, inputs=["made"],
                 params={"table": "secret_table", "mode": "append"}),
        ]  # fmt: skip
        with nullcontext() if url == postgresql else pytest.raises(PipelineError) as failed:
            Orchestrator(steps, "polars", store=str(tmp_path / "store")).execute()
    assert PASSWORD not in str(failed)
    record = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert b"secret_table" in record
    assert PASSWORD.encode() not in record
    assert b"tester:" not in record
    with pytest.raises(EngineError) as raised:
        _polars().write(pl.DataFrame(ROWS), wrong, table="t", mode="append")
    assert PASSWORD not in str(raised.value)
    assert raised.value.__cause__ is None


def test_the_url_is_shown_without_credentials() -> None:
    """Also if the password holds a slash, or stands among the options."""
    for url in (
        "postgresql://u:p/w@host:5432/db",
        "postgresql+psycopg://u:secret@host/db?password=secret",
        "mysql://u:p%40@host/db",
    ):
        shown = files.shown(url)
        assert "host" in shown
        assert not any(each in shown for each in ("secret", "p/w", "p%40", "u:", "password"))
    with pytest.raises(EngineError, match=r"got 'mysql.nosuch://host/db'") as raised:
        _polars().read("mysql+nosuch://u:p/w@host/db", table="t")
    assert "p/w" not in str(raised.value)


def test_a_step_records_the_rows_of_a_database(tmp_path: Path) -> None:
    """The operation, the table, and the rows that were written or read."""
    database = f"sqlite:///{tmp_path}/x.db"
    steps: list[Any] = [
        Step(name="made", layer="ingest", value=lambda: pl.DataFrame(ROWS)),
        Step(name="save", layer="publish", value=database, inputs=["made"],
             params={"table": "t", "mode": "upsert", "keys": "k"}),
    ]  # fmt: skip
    store = str(tmp_path / "store")
    first = Orchestrator(steps, "polars", store=store).execute()
    second = Orchestrator(
        [Step(name="take", layer="ingest", value=database, params={"query": "select * from t"})], "pandas", store=store
    ).execute()
    found = [_accesses(store, run["run_id"]) for run in (first, second)]
    assert found == [
        [("save", "write", database, "made", "sql", 2, "upsert")],
        [("take", "read", database, "take", "sql", 2, "query")],
    ]


def _accesses(store: str, run_id: str) -> list[tuple[Any, ...]]:
    events = [event for event in RunStore(store).events(run_id) if event.event_type == "file_access"]
    names = ("access", "uri", "dataset", "format")
    return [
        (e.node_name, *(e.fields[name] for name in names), e.row_count, e.fields["table_operation"]) for e in events
    ]


BAD = [
    ("write", {}, "table must be the name of the table to write"),
    ("write", {"table": "t"}, "mode must be one of append, replace, upsert, got none"),
    ("write", {"table": "t", "mode": "overwrite"}, "mode must be one of append, replace, upsert, got 'overwrite'"),
    ("write", {"table": "t", "mode": "upsert"}, "mode='upsert' needs keys="),
    ("write", {"table": "t", "mode": "append", "keys": "k"}, "no other mode takes them"),
    ("write", {"table": "t", "mode": "upsert", "keys": 5}, "keys must be a name of a column"),
    ("write", {"table": "t", "mode": "append", "wrong": 1}, "no option 'wrong'"),
    ("read", {}, "one of table= and query= must be set"),
    ("read", {"table": "t", "query": "select 1"}, "one of table= and query= must be set"),
    ("read", {"table": "t", "params": {"a": 1}}, "params must be a dict with the parameters of query="),
    ("read", {"query": "select 1", "params": [1]}, "params must be a dict"),
    ("read", {"query": 5}, "query must be a text"),
    ("read", {"table": "t", "driver": "odbc"}, "driver must be 'adbc' or left out"),
    ("read", {"table": "t", "driver": "adbc"}, "driver='adbc' is for postgresql://"),
    ("read", {"query": "select 1", "chunksize": 5}, "no option 'chunksize'"),
]


@pytest.mark.parametrize(("operation", "params", "words"), BAD)
def test_options_that_do_not_fit_are_refused_before_the_run(operation: str, params: dict[str, Any], words: str) -> None:
    """By the name of the step."""
    is_read = operation == "read"
    step = Step(
        name="s", layer="ingest" if is_read else "publish", value="sqlite:///x.db", params=params,
        inputs=[] if is_read else ["x"],
    )  # fmt: skip
    with pytest.raises(PipelineDefinitionError, match=f"step 's': .*{words}"):
        pipeline.compile([step], "polars", initial={"x"})
    assert not os.path.exists("x.db")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql+nosuch://host/db", r"must be dialect.driver://host/name, got 'mysql.nosuch://host/db'"),
        ("oracle://u:secret@host/db", "'oracle://host/db' needs .*, which is not installed: pip install"),
    ],
)
def test_a_url_without_a_driver_is_refused_before_the_run(url: str, words: str) -> None:
    """The message names the library, and no password."""
    with pytest.raises(PipelineDefinitionError, match=words) as raised:
        pipeline.compile([Step(name="s", layer="ingest", value=url, params={"table": "t"})], "pandas")
    assert "secret" not in str(raised.value)


def test_a_table_that_is_not_there_names_the_nearest(database: str, how: dict[str, str]) -> None:
    """Reading; and a column that the table has not, writing."""
    engine = _polars()
    engine.write(pl.DataFrame(ROWS), database, table="flights", mode="append", **how)
    with pytest.raises(SourceNotFoundError, match="fligths" if how else "flights"):
        engine.read(database, table="fligths", **how)
    with pytest.raises(EngineError, match="vv"):
        engine.write(pl.DataFrame({"vv": ["x"]}), database, table="flights", mode="append", **how)
    with pytest.raises((UnreadableSourceError, SourceNotFoundError), match="nothere"):
        engine.read(database, query="select * from nothere", **how)


@pytest.mark.parametrize("how", [{}, {"driver": "adbc"}], ids=["sqlalchemy", "adbc"])
def test_types_of_a_query_are_those_of_its_values(postgresql: str, how: dict[str, str]) -> None:
    """Sums of whole numbers, JSON, UUIDs, lists; a column without values has the type of the database."""
    query = """select 1::numeric + 2::numeric(38, 0)^70 as huge, 1.10::numeric(6, 2) as money,
        null::numeric as no_money,
        '{"a": [1]}'::jsonb as doc, '00000000-0000-0000-0000-000000000001'::uuid as id, array[1, null] as items,
        null::timestamptz as moment, null::int as whole, 'x'::bytea as bytes,
        '2020-01-01 01:00+02'::timestamptz as at"""
    found = _polars().read(postgresql, query=query, **how)
    row = found.rows(named=True)[0]
    assert row["money"] == Decimal("1.10")
    assert row["huge"] == 2**70 + 1
    assert (row["doc"], row["id"][-1], row["items"], row["bytes"]) == ('{"a": [1]}', "1", [1, None], b"x")
    assert row["at"].isoformat() == "2019-12-31T23:00:00+00:00"
    assert (found["whole"].dtype.is_integer(), found["moment"].dtype) == (True, pl.Datetime("us", "UTC"))


@pytest.mark.parametrize("how", [{}, {"driver": "adbc"}], ids=["sqlalchemy", "adbc"])
def test_postgresql_keeps_every_value(engine: Any, postgresql: str, how: dict[str, str]) -> None:
    """Digits, zones as moments, NaN beside null, spans, bytes, odd names; written and read by either driver."""
    frame = pl.DataFrame(
        {
            "whole": [BIG, None], "real": [0.1 + 0.2, None], "text": ["é'\n\"%s :x", None], "truth": [True, None],
            "money": [Decimal("1234567890123456789.10"), Decimal("-0.01")], "bytes": [b"\0x", None],
            "span": [timedelta(hours=30, microseconds=5), None], "moment": [datetime(2020, 1, 1, tzinfo=UTC), None],
            'odd é\n,"=%(x)s :y': [1, 2], "clock": [time(1, 2, 3, 4), None], "day": [date(2020, 2, 29), None],
        }
    )  # fmt: skip
    frame = frame.drop("day") if engine.name == "pandas" else frame  # a day of pandas is a midnight
    name = f'odd "table" of {engine.name}'
    engine.write(engine.frame(frame), postgresql, table=name, mode="replace", **how)
    for other in ({}, {"driver": "adbc"}):
        found = _polars().read(postgresql, table=name, **other)
        assert found.rows() == frame.rows()


def test_a_column_of_sqlite_with_several_types_is_refused(tmp_path: Path) -> None:
    """SQLite keeps any value in any column."""
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table t (n integer)")
        connection.executemany("insert into t values (?)", [(1,), ("x",)])
    connection.close()
    for options in ({"table": "t"}, {"query": "select n from t"}):
        with pytest.raises(UnreadableSourceError, match="column 'n' has no type that holds each of its values"):
            _polars().read(f"sqlite:///{tmp_path}/x.db", **options)


def test_a_file_that_is_no_database_is_unreadable(engine: Any, tmp_path: Path) -> None:
    """And one that is not there."""
    (tmp_path / "x.db").write_bytes(b"nonsense" * 1000)
    for scheme in ("sqlite", "duckdb"):
        with pytest.raises(UnreadableSourceError, match="cannot be read as sql"):
            engine.read(f"{scheme}:///{tmp_path}/x.db", table="t")
    with pytest.raises(SourceNotFoundError):
        engine.read(f"duckdb:///{tmp_path}/nothere.duckdb", table="t")


def _polars() -> Any:
    from odibi_core.plugins import load

    return load("engines", "polars")()


def _execute(database: str, *statements: str) -> None:
    if database.startswith("duckdb"):
        import duckdb

        with duckdb.connect(database.removeprefix("duckdb:///")) as connection:
            for each in statements:
                connection.execute(each)
        return
    from sqlalchemy import create_engine

    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as opened:
        for each in statements:
            opened.exec_driver_sql(each)
    engine.dispose()
