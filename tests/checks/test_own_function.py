"""Functions as checks: the answers that mean something, and those that do not."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.checks import Check, CheckResult, custom
from odibi_core.errors import CheckError, ConfigurationError
from odibi_core.orchestrator import Orchestrator
from odibi_core.step import Step

FRAME = pl.DataFrame({"id": [1, 2, 3], "n": [5, -1, None]})


@pytest.mark.parametrize(
    "answer",
    [
        lambda frame: pl.col("n") > 0,
        lambda frame: nw.col("n") > 0,
        lambda frame: frame["n"] > 0,
        lambda frame: frame.filter(pl.col("n") <= 0),
        lambda frame: frame.filter(pl.col("n") <= 0).to_dicts(),
        lambda frame: nw.from_native(frame)["n"] > 0,
    ],
    ids=["polars", "narwhals", "mask", "frame", "rows", "series"],
)
def test_failing_rows_are_told_in_several_ways(answer: Any) -> None:
    """A mask or an expression is true for rows that pass; null passes. A frame has the rows that fail."""
    found = custom(answer).check({"out": FRAME})
    assert (found.passed, found.failed_rows, found.total_rows) == (False, 1, 3), found.message
    assert found.examples == [{"id": 2, "n": -1}]


@pytest.mark.parametrize("frame", [pd.DataFrame({"n": [1, -1]}, index=[5, 5]), pa.table({"n": [1, -1]})])
def test_the_function_gets_the_frame_itself(frame: Any) -> None:
    """Of its own library, not a copy."""
    seen = []

    def look(given: Any) -> bool:
        seen.append(given)
        return True

    assert custom(look).check({"out": frame}).passed is True
    assert seen[0] is frame


def test_pandas_objects_of_booleans_are_a_mask() -> None:
    """pandas makes objects of booleans beside None."""
    frame = pd.DataFrame({"n": [1, 2, 3]})
    mask = pd.Series([True, False, None], dtype="object")
    assert custom(lambda _: mask).check({"out": frame}).failed_rows == 1


@pytest.mark.parametrize(("answer", "passed"), [(True, True), (False, False)])
def test_a_bool_is_the_verdict(answer: bool, passed: bool) -> None:
    """Also numpy's."""
    import numpy as np

    assert custom(lambda _: answer).check({"out": FRAME}).passed is passed
    assert custom(lambda _: np.bool_(answer)).check({"out": FRAME}).passed is passed


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(None, "is a return missing"), (1, "got 1"), ("ok", "got 'ok'"), (object(), "got a object"), ([1], "got a list"),
     (pl.Series([1, 2, 3]), "column of Int64"), (pl.Series([True]), "1 booleans for 3 rows"),
     (pl.LazyFrame(), "LazyFrame")],
)  # fmt: skip
def test_nonsense_is_a_failed_check_with_the_reason(answer: Any, reason: str) -> None:
    """It is never passed."""
    found = custom(lambda _: answer).check({"out": FRAME})
    assert found.passed is False
    assert reason in found.message


def test_a_result_of_its_own_is_redacted_and_validated() -> None:
    """The name and the severity are those of the result."""
    made = CheckResult(
        check="mine", column="n", passed=False, failed_rows=2, total_rows=9, severity="warn", message="ann@example.com",
        examples=["ann@example.com"] * 50,
    )  # fmt: skip
    found = custom(lambda _: made).check({"out": FRAME})
    assert (found.check, found.severity, found.failed_rows) == ("mine", "warn", 2)
    assert "ann@" not in str(found)
    assert len(found.examples) == 5
    bad = CheckResult(
        check="m", column=None, passed=None, failed_rows=None, total_rows=None, severity="x", message="", examples=[]
    )
    assert custom(lambda _: bad).check({"out": FRAME}).passed is False


def test_an_error_of_the_function_is_a_failed_check() -> None:
    """With its type, and redacted."""

    def broken(frame: Any) -> bool:
        raise ValueError("ann@example.com")

    found = custom(broken).check({"out": FRAME})
    assert found.passed is False
    assert "ValueError" in found.message
    assert "ann@" not in found.message


def test_further_parameters_are_frames_of_the_step() -> None:
    """By name; one that is missing is named with the nearest."""

    def same_rows(frame: Any, orders: Any) -> bool:
        return len(frame) == len(orders)

    check = custom(same_rows)
    assert check.check({"orders": [{"a": 1}] * 3, "out": FRAME}).passed is True
    assert "did you mean 'order'" in check.check({"order": FRAME, "out": FRAME}).message


def test_rows_options_work_for_masks() -> None:
    """A condition, a tolerance and a key."""
    found = custom(lambda frame: frame["n"] > 0, where="id < 3", mostly=0.5, key="id").check({"out": FRAME})
    assert (found.passed, found.failed_rows, found.total_rows) == (True, 1, 2)
    assert found.examples == [{"id": 2, "n": -1}]


async def _later(frame: Any) -> bool:
    return True


@pytest.mark.parametrize("function", [5, _later, lambda: True, lambda *, frame: True])
def test_what_is_no_function_of_a_frame_is_refused(function: Any) -> None:
    """When the check is made."""
    with pytest.raises(CheckError):
        custom(function)


def test_a_step_takes_functions_as_checks() -> None:
    """And lists of checks; what is neither is refused."""

    def positive(frame: Any) -> Any:
        return frame["n"] > 0

    step = Step(name="a", value=lambda: FRAME, checks=[positive, [positive]])
    assert [check.name for check in step.checks] == ["positive", "positive"]
    assert all(isinstance(check, Check) for check in step.checks)
    result = Orchestrator([step], store=False, raise_on_error=False).execute()
    assert result["checks"]["failed"] == 2
    with pytest.raises(ConfigurationError, match="or functions"):
        Step(name="a", value=len, checks=[5])
