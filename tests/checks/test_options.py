"""The options of checks of each row: `where`, `mostly` and `key`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pandas as pd
import polars as pl
import pytest

from odibi_core.checks import Check, Finding, between, matches, not_null, row_count, sql, unique
from odibi_core.checks.rows import percent
from odibi_core.errors import CheckError, PipelineDefinitionError
from odibi_core.orchestrator import Orchestrator
from odibi_core.step import Step

ROWS = {"id": [10, 11, 12, 13], "country": ["DE", "DE", "FR", None], "n": [1, None, 3, 9]}


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, dict])
def test_a_condition_chooses_the_rows(make: Any) -> None:
    """Rows for which it is false or NULL are not checked, and the result has the condition."""
    found = between("n", 2, 5, where="country = 'FR' OR n = 9").check({"out": make(ROWS)})
    assert (found.passed, found.failed_rows, found.total_rows) == (False, 1, 2)
    assert found.condition == "country = 'FR' OR n = 9"
    assert "where country = 'FR'" in found.message


def test_numbers_of_rows_are_those_of_the_whole_frame() -> None:
    """A condition does not change which row the number of an example names."""
    found = not_null("n", where="id > 10").check({"out": pl.DataFrame(ROWS)})
    assert found.examples == [1]


def test_a_condition_without_rows_is_stated() -> None:
    """0 rows were checked; nothing is claimed about others."""
    found = not_null("n", where="country = 'XX'").check({"out": pl.DataFrame(ROWS)})
    assert (found.passed, found.total_rows) == (True, 0)
    assert "0 rows where country = 'XX'" in found.message


@pytest.mark.parametrize("where", ["", "n >", "1 = 1) OR (1 = 1; DROP TABLE x", 5, "n > 1, n < 2"])
def test_a_condition_that_is_none_is_refused_when_the_check_is_made(where: Any) -> None:
    """Before anything runs."""
    with pytest.raises(CheckError, match="where"):
        not_null("n", where=where)


def test_an_unknown_column_in_a_condition_is_a_failed_check() -> None:
    """With the nearest name."""
    found = not_null("n", where="contry = 'DE'").check({"out": pl.DataFrame(ROWS)})
    assert found.passed is False
    assert "did you mean 'country'" in found.message


def test_mostly_allows_a_share_of_failures_and_states_it() -> None:
    """The failures stay counted, and have examples."""
    frame = {"out": pl.DataFrame({"n": [*range(99), 1000]})}
    found = between("n", 0, 99, mostly=0.99).check(frame)
    assert (found.passed, found.failed_rows, found.mostly) == (True, 1, 0.99)
    assert "99 % pass, at least 99 % must" in found.message
    assert found.examples == [1000]
    assert between("n", 0, 99, mostly=0.991).check(frame).passed is False


def test_a_share_is_never_rounded_up_to_a_whole() -> None:
    """One failure in ten million is not 100 %, and one pass is not 0 %."""
    assert percent(Fraction(9_999_999, 10_000_000)) == "99.9999 %"
    assert percent(Fraction(1, 10_000_000)) == "less than 0.0001 %"
    assert percent(Fraction(1)) == "100 %"
    assert percent(Fraction(0)) == "0 %"


def test_the_share_of_no_rows_is_stated_as_none() -> None:
    """0 rows have no share."""
    found = not_null("n", mostly=0.5).check({"out": pl.DataFrame({"n": []})})
    assert "no share" in found.message


@pytest.mark.parametrize("mostly", [0, -1, 1.01, 99, "0.9", True, None, float("nan")])
def test_a_share_that_is_none_is_refused(mostly: Any) -> None:
    """Most of all a percentage: 99 is no share."""
    with pytest.raises(CheckError, match="mostly must be a share"):
        not_null("n", mostly=mostly)


def test_examples_are_rows_of_key_and_column() -> None:
    """So that the failing rows can be found."""
    found = between("n", 0, 2, key="id").check({"out": pl.DataFrame(ROWS)})
    assert found.examples == [{"id": 12, "n": 3}, {"id": 13, "n": 9}]
    assert found.key_columns == ["id"]


def test_keys_are_redacted_as_other_values_and_bounded() -> None:
    """By the name of each column, and by the shape of each value."""
    rows = {"password": ["hunter2"], "mail": ["ann@example.com"], "s": ["x" * 10_000]}
    (row,) = matches("s", "y", key=["password", "mail"]).check({"out": pl.DataFrame(rows)}).examples
    assert row["password"] == "[REDACTED]"
    assert "ann@example.com" not in str(row)
    assert len(row["s"]) < 300


def test_a_key_that_is_not_there_does_not_hide_the_failure() -> None:
    """The message names it."""
    found = between("n", 0, 2, key="idd").check({"out": pl.DataFrame(ROWS)})
    assert (found.passed, found.failed_rows) == (False, 2)
    assert "did you mean 'id'" in found.message


def test_the_checks_of_a_step_have_the_key_of_its_unique_check() -> None:
    """A key of a check itself wins, and other frames have other keys."""
    step = Step(name="a", value=len, checks=[
        not_null("n"), between("n", 0, 1, key="n"), unique("id"), not_null("n", on="a"),
    ])  # fmt: skip
    assert [check.key for check in step.checks] == [("id",), ("n",), (), ()]


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    """A misspelled tolerance must not be no tolerance."""
    with pytest.raises(CheckError, match="did you mean 'mostly'"):
        not_null("n", mostely=0.9)  # type: ignore[call-arg]


def test_duplicated_names_of_columns_are_refused_by_name() -> None:
    """SQL takes no capitals, so `a` and `A` are one name."""
    twins = pd.DataFrame([[1, 2]], columns=["a", "A"])
    assert "one name in SQL" in sql("a > 0").check({"out": twins}).message
    assert not_null("b", where="b > 0").check({"out": pd.DataFrame([[1, 2, 3]], columns=["a", "A", "b"])}).passed


def test_a_check_may_have_nothing_to_compare() -> None:
    """A finding of None is not checked, and neither passed nor failed."""
    found = Check(name="none", judge=lambda *_: Finding(None, None, None, "nothing")).check({"out": [{"a": 1}]})
    assert found.passed is None


def test_a_check_that_compares_with_nothing_is_refused_before_the_run() -> None:
    """With the nearest dataset; one of another step is allowed."""
    steps = [Step(name="orders", value=lambda: ROWS), Step(name="lines", value=lambda: ROWS, checks=[
        row_count(compare_to="ordrs"),
    ])]  # fmt: skip
    with pytest.raises(PipelineDefinitionError, match=r"'ordrs'.*did you mean 'orders'"):
        Orchestrator(steps, store=False)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_the_rows_of_another_dataset_of_the_run_are_compared(executor: str) -> None:
    """One that the run has; one that it has not now is not checked."""
    steps = [
        Step(name="orders", value=four_rows),
        Step(name="half", value=two_rows, inputs={"orders": "orders"}, checks=[
            row_count(compare_to="orders", ratio=(0.4, 0.6)), row_count(compare_to="later"),
        ]),
        Step(name="later", value=two_rows, inputs={"orders": "half"}),
    ]  # fmt: skip
    result = Orchestrator(steps, store=False, executor=executor).execute()
    assert result["checks"] == {"passed": 1, "failed": 0, "not_checked": 1}


def four_rows() -> pl.DataFrame:
    return pl.DataFrame({"n": [1, 2, 3, 4]})


def two_rows(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.head(2)


@pytest.mark.parametrize("ratio", [-1, (2, 1), "1", (1, 2, 3), None, True])
def test_a_ratio_that_is_none_is_refused(ratio: Any) -> None:
    """Two numbers in order, or one."""
    with pytest.raises(CheckError, match="ratio must be"):
        row_count(compare_to="a", ratio=ratio)
