"""The queries of TPC-H have the same answers on each engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from benchmarks.tpch import ENGINES, steps_of, tables_of
from benchmarks.tpch_queries import QUERIES

from odibi_core import Orchestrator

SCALE = 0.01
A_FEW = ("q01", "q13", "q15", "q22")
"""Of aggregation, an outer join, a view that is read twice, and subqueries: Spark takes a second for each query."""
OTHERS = [pytest.param(name, marks=pytest.mark.xdist_group("spark")) if name == "spark" else name for name in ENGINES]


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(f"{float(cell):.2f}" if isinstance(cell, int | float) else str(cell) for cell in row)


@pytest.fixture(scope="module")
def expected() -> dict[str, list[tuple[Any, ...]]]:
    """The answers of DuckDB alone."""
    with duckdb.connect() as connection:
        for path in tables_of(SCALE).glob("*.parquet"):
            connection.execute(f"create view {path.stem} as from '{path}'")
        queries = {name: query.replace("{scale}", f"{SCALE:g}") for name, query in QUERIES.items()}
        found = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    return {name: sorted(map(_plain, rows)) for name, rows in found.items()}


@pytest.mark.parametrize("engine", OTHERS)
def test_the_answers_are_those_of_duckdb(
    engine: str, expected: dict[str, list[tuple[Any, ...]]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """By reading, SQL and writing of the engine; numbers are compared to cents."""
    names = tuple(QUERIES)
    if engine == "spark":
        request.getfixturevalue("spark")
        names = A_FEW
    Orchestrator(steps_of(tables_of(SCALE), tmp_path, SCALE, names), engine, store=str(tmp_path / "store")).execute()
    files = {name: tmp_path / f"{name}.parquet" for name in names}
    texts = {name: f"{path}/*.parquet" if path.is_dir() else str(path) for name, path in files.items()}
    found = {name: sorted(map(_plain, duckdb.read_parquet(text).fetchall())) for name, text in texts.items()}
    assert {name: rows for name, rows in found.items() if rows != expected[name]} == {}
    assert sum(map(len, found.values())) > 40
