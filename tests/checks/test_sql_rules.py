"""Conditions and queries in SQL: what they see, and what they must not reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.checks import query, sql
from odibi_core.errors import CheckError

FRAME = pl.DataFrame({"a": [1, 0, None], 'odd "name"': ["x", "y", "z"]})


def test_a_row_fails_if_the_condition_is_false() -> None:
    """NULL passes, as in a CHECK constraint."""
    found = sql("a > 0").check({"out": FRAME})
    assert (found.passed, found.failed_rows, found.total_rows) == (False, 1, 3)
    assert found.message == "1 row for which a > 0 is false in 3 rows"
    assert found.examples == [{"a": 0, 'odd "name"': "y"}]


def test_a_comment_in_a_condition_hides_nothing() -> None:
    """The rest of the query stands on the next line."""
    assert sql("a > 0 -- all of them").check({"out": FRAME}).failed_rows == 1


def test_names_with_quotes_are_spelled_as_in_sql() -> None:
    """A quote is doubled."""
    assert sql('"odd ""name""" <> \'y\'').check({"out": FRAME}).failed_rows == 1


def test_a_condition_reads_other_frames_of_the_step() -> None:
    """By their names, in a subquery."""
    frames = {"known": pa.table({"a": [1]}), "out": pd.DataFrame({"a": [1, 2]})}
    assert sql("a IN (SELECT a FROM known)").check(frames).failed_rows == 1


def test_the_rows_of_a_query_are_the_failures() -> None:
    """The frame that is checked is also the table `frame`, whatever its name."""
    found = query("SELECT a, count(*) AS times FROM frame GROUP BY a HAVING a = 0", on="x").check({"x": FRAME})
    assert (found.failed_rows, found.total_rows, found.examples) == (1, 3, [{"a": 0, "times": 1}])


def test_examples_of_a_query_are_redacted() -> None:
    """By the name of each column of the answer."""
    found = query("SELECT 'hunter2' AS password, 'ann@example.com' AS contact").check({"out": FRAME})
    assert "hunter2" not in str(found)
    assert "ann@example.com" not in str(found)


OUTSIDE = [
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM information_schema.tables",
    "SELECT getenv('HOME')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT (SELECT content FROM read_text('{file}'))",
]


@pytest.mark.parametrize("text", OUTSIDE)
def test_a_query_sees_the_frames_and_nothing_else(text: str, tmp_path: Path) -> None:
    """No file, no setting, no other table; the check fails and names the reason."""
    file = tmp_path / "secret.csv"
    file.write_text("top,secret\n1,2\n")
    found = query(text.format(file=file)).check({"out": FRAME})
    assert (found.passed, found.failed_rows, found.examples) == (False, None, [])
    assert "not allowed" in found.message or "no table" in found.message


def test_the_database_itself_is_locked_too(tmp_path: Path) -> None:
    """If the parse tree overlooked a function, DuckDB would refuse it."""
    from odibi_core.engines.duckdb_sql import base

    file = tmp_path / "secret.csv"
    file.write_text("top,secret\n1,2\n")
    cursor = base(locked=True).cursor()
    for text in (f"SELECT * FROM read_csv('{file}')", f"COPY (SELECT 1) TO '{file}'", "SET threads = 1"):
        with pytest.raises(Exception, match=r"(?i)disabled|locked"):
            cursor.execute(text).fetchall()


@pytest.mark.parametrize(
    "text",
    ["DROP TABLE out", "COPY frame TO 'x.csv'", "INSERT INTO frame VALUES (1)", "ATTACH 'x.db'", "SELECT 1; SELECT 2",
     "SET threads = 1", "INSTALL httpfs", "CREATE TABLE t AS SELECT 1", "", "SELECT", 5],
)  # fmt: skip
def test_what_is_not_one_select_is_refused_when_the_check_is_made(text: Any) -> None:
    """Writing above all."""
    with pytest.raises(CheckError):
        query(text)


@pytest.mark.parametrize(
    "text", ["a > 0) UNION SELECT (true", "true) FROM x WHERE (true", "1, 2", "a > 0; DROP TABLE x"]
)
def test_a_condition_is_one_condition(text: str) -> None:
    """It cannot end the query that it stands in."""
    with pytest.raises(CheckError):
        sql(text)


def test_a_lazy_frame_that_the_sql_reads_is_not_run() -> None:
    """The check is not checked, and names the frame."""
    frames = {"known": pl.LazyFrame({"a": [1]}), "out": pl.DataFrame({"a": [1]})}
    found = sql("a IN (SELECT a FROM known)").check(frames)
    assert found.passed is None
    assert "'known', which is lazy" in found.message


@pytest.mark.parametrize("values", [[1, "a", None], [{"a": 1}, [2]], [object()]], ids=["mixed", "nested", "objects"])
def test_mixed_objects_are_a_reason_and_no_wrong_answer(values: list[Any]) -> None:
    """A column that SQL cannot hold fails the check by name, instead of being made text."""
    found = sql("n = 1").check({"out": pd.DataFrame({"n": pd.Series(values, dtype="object")})})
    assert found.passed is False
    assert "'n'" in found.message or "column n" in found.message


def test_types_are_exact() -> None:
    """Decimals, large numbers, categories, time zones and infinities compare as they are."""
    from datetime import UTC, datetime
    from decimal import Decimal

    frame = pl.DataFrame(
        {
            "d": [Decimal("0.10")],
            "n": [2**63 - 1],
            "c": ["x"],
            "f": [float("inf")],
            "t": [datetime(2026, 1, 1, tzinfo=UTC)],
        },
        schema_overrides={"c": pl.Categorical},
    )
    text = "d = 0.1 AND n = 9223372036854775807 AND c = 'x' AND f > 1e308 AND t = TIMESTAMPTZ '2026-01-01 00:00:00+00'"
    for each in (frame, frame.to_pandas(), frame.to_arrow()):
        assert sql(text).check({"out": each}).passed is True
