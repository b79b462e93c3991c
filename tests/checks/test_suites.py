"""Suites of other libraries as checks: Pandera and Great Expectations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pandera.polars as pp
import polars as pl
import pytest

from odibi_core import checks
from odibi_core.errors import CheckError
from odibi_core.orchestrator import Orchestrator
from odibi_core.step import Step

ROWS = {"n": [1.0, -3.0, None], "password": ["x", "hunter2", "y"]}


def schema_of(library: Any) -> Any:
    return library.DataFrameSchema(
        {
            "n": library.Column(float, library.Check.gt(0)),
            "password": library.Column(str, library.Check.str_length(1, 1)),
            "gone": library.Column(int, library.Check.gt(0)),
        }
    )


@pytest.mark.parametrize("library", [pa, pp], ids=["pandas", "polars"])
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_each_rule_of_pandera_has_a_result(library: Any, make: Any) -> None:
    """All failures are found at once; the rules of a missing column are not checked; examples are redacted."""
    results = checks.pandera(schema_of(library)).check({"out": make(ROWS)})
    found = {(each.check, each.column): each for each in results}
    assert found["greater_than(0)", "n"].failed_rows == 1
    assert found["not_nullable", "n"].failed_rows == 1
    assert found["str_length(1, 1)", "password"].examples == ["[REDACTED]"]
    assert found["column_in_dataframe", "n"].passed is True
    assert found["column_in_dataframe", "gone"].passed is False
    assert found["greater_than(0)", "gone"].passed is None
    assert "hunter2" not in str(results)


def test_a_rule_of_whole_rows_counts_rows() -> None:
    """Pandera has a failure for each of its columns; rows with one label of the index are still two."""
    schema = pa.DataFrameSchema(
        {"n": pa.Column(float, nullable=True)}, checks=pa.Check(lambda d: d["n"] > 5, name="big")
    )
    frame = pd.DataFrame(ROWS, index=[7, 7, 8])
    (found,) = [each for each in checks.pandera(schema).check({"out": frame}) if each.check == "big"]
    assert found.failed_rows == 3
    assert "hunter2" not in str(found)


def test_a_model_and_what_is_no_schema() -> None:
    """A DataFrameModel is a schema."""

    class Model(pa.DataFrameModel):
        n: float = pa.Field(gt=0, nullable=True)

    failed = [each.check for each in checks.pandera(Model).check({"out": pd.DataFrame(ROWS)}) if each.passed is False]
    assert failed == ["greater_than(0)"]
    with pytest.raises(CheckError, match="takes a DataFrameSchema"):
        checks.pandera({"n": float})


def test_a_suite_never_runs_a_lazy_frame_or_raises() -> None:
    """One result has the reason."""
    suite = checks.pandera(schema_of(pp))
    (lazy,) = suite.check({"out": pl.LazyFrame(ROWS)})
    assert lazy.passed is None
    assert len(checks.pandera(schema_of(pp), collect=True).check({"out": pl.LazyFrame(ROWS)})) > 1
    (none,) = suite.check({"out": 5})
    assert none.passed is False


def test_a_step_counts_each_rule() -> None:
    """With severity warn, the step succeeds."""
    suite = checks.pandera(schema_of(pp), severity="warn")
    step = Step(name="a", value=lambda: pl.DataFrame(ROWS), checks=[checks.row_count(1), suite])
    result = Orchestrator([step], store=False).execute()
    assert result["checks"] == {"passed": 6, "failed": 4, "not_checked": 3}


EXPECTATIONS = [
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "n", "mostly": 0.5}},
    {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "password", "regex": "^.$"}},
    {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "n", "min_value": 0}, "severity": "warning"},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "gone", "min_value": 0}},
]


@pytest.mark.slow
@pytest.mark.xdist_group("great_expectations")
def test_each_expectation_has_a_result(tmp_path: Path) -> None:
    """Of a mapping or a file; tolerances and severities are those of the suite; examples are redacted."""
    file = tmp_path / "suite.json"
    file.write_text(json.dumps({"name": "s", "expectations": EXPECTATIONS}))
    for make in (pd.DataFrame, pl.DataFrame):
        results = checks.great_expectations(file, key="password").check({"out": make(ROWS)})
        found = {each.check: each for each in results}
        assert len(found) == 4
        null = found["expect_column_values_to_not_be_null"]
        assert (null.passed, null.failed_rows, null.total_rows, null.mostly) == (True, 1, 3, 0.5)
        regex = found["expect_column_values_to_match_regex"]
        assert (regex.passed, regex.failed_rows, regex.severity) == (False, 1, "error")
        assert found["expect_column_mean_to_be_between"].severity == "warn"
        assert "cannot be computed" in found["expect_column_values_to_be_between"].message
        assert "hunter2" not in str(results)
    refused: list[Any] = [{}, {"expectations": [{"type": "expect_nothing"}]}, {"expectations": [{}]}, tmp_path / "none"]
    for bad in refused:
        with pytest.raises(CheckError, match="great_expectations"):
            checks.great_expectations(bad)
