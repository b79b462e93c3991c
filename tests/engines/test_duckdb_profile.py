"""The rows after each operator of a SQL step."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from odibi_core import plugins
from odibi_core.engines import duckdb_profile, duckdb_sql
from odibi_core.errors import EngineError

T = pd.DataFrame({"a": range(3_360), "k": [n % 50 for n in range(3_360)]})
U = pd.DataFrame({"k": range(30), "v": range(30)})
QUERY = "select t.k, count(*) as n from t join u using (k) where a > 1000 and v < 10 group by t.k having count(*) > 3"


def run(engine: str, query: str = QUERY) -> tuple[Any, tuple[dict[str, Any], ...]]:
    made = plugins.load("engines", engine)()
    with duckdb_profile.wanted():
        answer = made.sql(query, {"t": T, "u": U})
        if hasattr(made, "collected"):
            (answer,) = made.collected([answer])
    return answer, duckdb_profile.take()


@pytest.mark.parametrize("engine", ["pandas", "polars", "pyarrow", "duckdb"])
def test_each_operator_has_its_rows_after_the_execution_that_the_step_needs_anyway(engine: str) -> None:
    """Also after a fetch as an Arrow table, which left older profiles empty."""
    answer, stages = run(engine)
    assert len(answer) == 10
    seen = [(stage["operator"], stage["detail"], stage["rows"]) for stage in stages]
    found = [each for each in seen if each[0] != "TABLE_SCAN"]
    assert ("FILTER", "(a > 1000)", 2_359) in found
    assert ("FILTER", "(v < 10)", 10) in found
    assert ("HASH_JOIN", "INNER k = k", 479) in found
    assert found[-1] == ("FILTER", "(count_star() > 3)", 10)


def test_nothing_is_profiled_unless_it_is_wanted() -> None:
    """A check's SQL, or an engine of a user, is as it was; an older profile is not that of a later query."""
    run("pandas")
    plugins.load("engines", "pandas")().sql(QUERY, {"t": T, "u": U})
    assert duckdb_profile.take() == ()


def test_a_query_that_fails_leaves_the_connection_as_it_was() -> None:
    """Its error is that of the query, and it has no operators."""
    with pytest.raises(EngineError, match="nowhere"):
        run("duckdb", "select * from nowhere")
    assert duckdb_profile.take() == ()
    value = duckdb_sql.base().execute("select value from duckdb_settings() where name = 'enable_profiling'").fetchone()
    assert value in ((None,), ("",), ("NULL",))


class _Connection:
    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.executed: list[str] = []

    def execute(self, text: str) -> None:
        self.executed.append(text)

    def get_profiling_information(self, form: str) -> str:
        return self.profile


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (
            '{"children":[{"operator_type":"FILTER","operator_cardinality":3,"extra_info":{"Expression":"(a > 1)"},'
            '"children":[{"operator_type":"TABLE_SCAN","operator_cardinality":9,"extra_info":{"Table":"t"}}]}]}',
            (
                {"operator": "TABLE_SCAN", "detail": "t", "rows": 9},
                {"operator": "FILTER", "detail": "(a > 1)", "rows": 3, "rows_in": 9},
            ),
        ),
        ('{"operator":[{"type":"FILTER","extra_info":{},"intermediate_rows":"many"}]}',
         ({"operator": "FILTER", "detail": "", "rows": None},)),
        ("", ()),
        ("[1]", ()),
        ('{"operator":[3]}', ()),
    ],
)  # fmt: skip
def test_the_profile_of_another_version_is_read_or_unknown(profile: str, expected: tuple[dict[str, Any], ...]) -> None:
    """The form of DuckDB 1 is read; any other leaves the operators out."""
    with duckdb_profile.wanted(), duckdb_profile.profiled(_Connection(profile)):
        pass
    assert duckdb_profile.take() == expected
