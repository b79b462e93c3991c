"""The files of a SQL text."""

from typing import Any

import pytest

from odibi_core.engines.sql_files import files_of


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("select * from 'a.csv'", ["a.csv"]),
        ("select * from 'a.csv' a, 'b.parquet' b where x in (1, 'c.csv')", ["a.csv", "b.parquet"]),
        ('from "a.parquet" join t using (k)', ["a.parquet"]),
        ("select * from read_csv(['a.csv', 'b.csv'], header=true)", ["a.csv", "b.csv"]),
        ("select * from READ_PARQUET('s3://b/*.parquet')", ["s3://b/*.parquet"]),
        ("copy t from 'in.txt'", ["in.txt"]),
        ("-- from 'a.csv'\n/* from 'b.csv' */ select 'from ''c.csv'''", []),
        ("select substring('x' from 'y'), extract(year from d) from t", []),
        ("select * from \"table\"", []),
        ("insert into t values ('a.csv')", []),
        ("", []),
    ],
)
def test_the_files_that_are_read(text: str, paths: list[str]) -> None:
    """In FROM and JOIN, in table functions and in COPY; not in comments and values."""
    found = files_of(text)
    assert [path for _, path, _ in found] == paths
    assert {access for access, _, _ in found} <= {"read"}


@pytest.mark.parametrize("text", ["copy (select 1 from 'a.csv') to 'out.parquet' (format parquet)"])
def test_copy_to_writes(text: str) -> None:
    """The file behind TO is written, and that of the query is read."""
    assert files_of(text) == [("read", "a.csv", None), ("write", "out.parquet", None)]


@pytest.mark.parametrize(
    ("text", "parameters", "paths"),
    [
        ("from read_csv(?)", ["a.csv"], ["a.csv"]),
        ("select ?, * from read_csv(?)", [1, "a.csv"], ["a.csv"]),
        ("from read_csv($path)", {"path": "a.csv"}, ["a.csv"]),
        ("from read_csv($1)", ["a.csv"], ["a.csv"]),
        ("from read_csv($paths)", {"paths": ["a.csv", "b.csv"]}, ["a.csv", "b.csv"]),
        ("from read_csv($path)", None, []),
        ("from read_csv(?)", [], []),
    ],
)
def test_a_parameter_is_replaced_by_its_value(text: str, parameters: Any, paths: list[str]) -> None:
    """A parameter without a value names no file."""
    assert [path for _, path, _ in files_of(text, parameters)] == paths
