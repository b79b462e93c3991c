"""Calls of other libraries on tables and databases: what a run records of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy

from odibi_core import Orchestrator
from odibi_core.engines import table_access
from odibi_core.store.runs import RunStore


def _accesses(work: Any) -> list[tuple[Any, ...]]:
    """Run a function as a pipeline; the accesses that it recorded."""
    result = Orchestrator([work], "pandas", store="store").execute()
    assert result["status"] == "success"
    events = [e for e in RunStore("store").events(result["run_id"]) if e.event_type == "file_access"]
    names = ("access", "uri", "dataset", "format", "version", "table_operation")
    return [(*(event.fields[name] for name in names), event.row_count) for event in events]


def test_databases_of_pandas_and_polars() -> None:
    """Engines, connections, URLs; the table or the query, the rows, and no password."""

    def work() -> Any:
        frame = pd.DataFrame({"n": [1, 2]})
        engine = sqlalchemy.create_engine("sqlite:///x.db?timeout=5")
        frame.to_sql("t", engine, index=False, if_exists="append")
        pd.read_sql("select * from t", engine)
        with engine.connect() as connection:
            pd.read_sql_table("t", connection)
        pl.read_database("select n from t where n > 1", engine)
        pl.DataFrame({"n": [1]}).write_database("u", "sqlite:///x.db")
        with sqlite3.connect("x.db") as raw:
            pd.read_sql("select * from t", raw)
        raw.close()
        engine.dispose()
        return frame

    assert _accesses(work) == [
        ("write", "sqlite:///x.db", "t", "sql", None, "append", 2),
        ("read", "sqlite:///x.db", None, "sql", None, "query", 2),
        ("read", "sqlite:///x.db", "t", "sql", None, "read", 2),
        ("read", "sqlite:///x.db", None, "sql", None, "query", 1),
        ("write", "sqlite:///x.db", "u", "sql", None, "append", 1),
        ("read", "sqlite3://", None, "sql", None, "query", 2),
    ]


def test_a_write_that_fails_has_no_rows() -> None:
    """How many were written is unknown."""

    def work() -> Any:
        engine = sqlalchemy.create_engine("sqlite:///x.db")
        frame = pd.DataFrame({"n": [1, 2]})
        frame.to_sql("t", engine)
        with pytest.raises(ValueError, match="exists"):
            frame.to_sql("t", engine)
        engine.dispose()
        return frame

    assert [row[-1] for row in _accesses(work)] == [2, None]


def test_delta_tables() -> None:
    """By deltalake and by polars, with the version that the call shows."""
    import deltalake

    folder = Path.cwd() / "d"

    def work() -> Any:
        deltalake.write_deltalake("d", pa.table({"n": [1, 2]}))
        deltalake.DeltaTable("d", version=0).to_pyarrow_table()
        pl.DataFrame({"n": [1]}).write_delta("d", mode="append")
        return pl.read_delta("d", version=1)

    found = _accesses(work)
    assert [row for row in found if row[-1] is not None or row[4] == "0"] == [
        ("write", str(folder), "d", "delta", None, "write", 2),
        ("read", str(folder), "d", "delta", "0", "read", None),
        ("write", str(folder), "d", "delta", None, "append", 1),
        ("read", str(folder), "d", "delta", "1", "read", 3),
    ]


def test_iceberg_tables() -> None:
    """The location of the table and its snapshot."""
    from pyiceberg.catalog import load_catalog

    warehouse = Path.cwd() / "warehouse"

    def work() -> Any:
        catalog = load_catalog("x", type="sql", uri="sqlite:///c.db", warehouse=f"file://{warehouse}")
        catalog.create_namespace("shop")
        table = catalog.create_table("shop.t", schema=pa.schema({"n": pa.int64()}))
        table.append(pa.table({"n": [1, 2]}))
        table.upsert(pa.table({"n": [2, 3]}), join_cols=["n"])
        found = table.scan().to_arrow()
        snapshot = table.current_snapshot()
        assert snapshot is not None
        versions.append(str(snapshot.snapshot_id))
        return found.to_pandas()

    versions: list[str] = []
    found = [row for row in _accesses(work) if row[2] == "t"]
    place = str(warehouse / "shop" / "t")
    assert found[0][:4] == ("write", place, "t", "iceberg")
    assert found[0][-2:] == ("append", 2)
    assert found[1][-2:] == ("merge", 2)
    assert found[-1] == ("read", place, "t", "iceberg", versions[0], "read", 3)


@pytest.mark.parametrize(
    ("connection", "shown"),
    [
        ("postgresql://u:p/w@host:5432/db?password=secret", "postgresql://host:5432/db"),
        ("mysql+pymysql://u:p@host/db", "mysql+pymysql://host/db"),
        (SimpleNamespace(engine=SimpleNamespace(url=sqlalchemy.make_url("postgresql://u:secret@host/db"))), "postgresql://host/db"),
        (SimpleNamespace(info=SimpleNamespace(dbname="db", host="host", port=5432, password="secret")), "postgresql://host:5432/db"),
        (sqlite3.Row, "builtins://"),
    ],
)  # fmt: skip
def test_a_connection_is_shown_without_credentials(connection: Any, shown: str) -> None:
    """Also a password with a slash, and one among the options."""
    assert table_access._database(connection) == shown
