"""One body over every check: a new one is tested by its line in BUILTIN and a case in CASES."""

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import msgspec
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core import checks
from odibi_core.checks import BUILTIN as EVERY
from odibi_core.checks import Check, CheckResult
from odibi_core.errors import CheckError
from odibi_core.plugins import load

SUITES = {"from_contract", "great_expectations", "pandera"}  # many rules each: tests/checks/test_suites.py, contract/
BUILTIN = sorted(set(EVERY) - SUITES)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def positive(frame: Any) -> nw.Expr:
    return nw.col("n") > 0


# name: (arguments, data that passes, data that fails, how many rows fail)
CASES: dict[str, tuple[tuple[Any, ...], dict[str, Any], dict[str, Any], int | None]] = {
    "accepted_values": (("s", ["a", "b"]), {"s": ["a", None]}, {"s": ["a", "c", "c"]}, 2),
    "aggregate": (("n", "sum", 1, 5), {"n": [2, 3, None]}, {"n": [3, 3, 3]}, None),
    "between": (("n", 0, 5), {"n": [0, 5, None]}, {"n": [-1, 3, 6]}, 2),
    "compare": (("n", "<=", "m"), {"n": [1, 2], "m": [1, 3]}, {"n": [1, 3, 4], "m": [1, 2, 2]}, 2),
    "custom": ((positive,), {"n": [1, 2]}, {"n": [1, 0, -1]}, 2),
    "expression": ((nw.col("n") > 0,), {"n": [1, 2]}, {"n": [1, 0, -1]}, 2),
    "freshness": (("t", "1d", NOON), {"t": [NOON, None]}, {"t": [datetime(2026, 2, 1, tzinfo=UTC)] * 3}, None),
    "matches": (("s", r"[a-z]\d"), {"s": ["a1", None]}, {"s": ["a1", "a1\n", "xa1"]}, 2),
    "no_duplicates": ((["n", "m"],), {"n": [1, 1], "m": [1, 2]}, {"n": [1, 1, 1], "m": [1, 2, 1]}, 2),
    "not_null": (("n",), {"n": [1, 2]}, {"n": [1, None, None]}, 2),
    "query": (("SELECT n FROM frame WHERE n > 2",), {"n": [1, 2]}, {"n": [1, 3, 4]}, 2),
    "references": (("n", "other.n"), {"n": [1, None, 2]}, {"n": [1, 9, 9]}, 2),
    "row_count": ((1, 2), {"n": [1]}, {"n": [1, 2, 3]}, None),
    "schema": (({"n": "integer"},), {"n": [1, 2]}, {"n": ["a", "b", "c"]}, None),
    "sql": (("n > 0",), {"n": [1, 2, None]}, {"n": [1, 0, -1]}, 2),
    "unique": (("n",), {"n": [1, 2, None, None]}, {"n": [1, 1, 2]}, 2),
}
LIBRARIES: dict[str, Any] = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table, "plain": dict}
OTHER = {"n": [1, 2, 3]}
NAMES = {"aggregate": "sum", "custom": "positive"}  # in the record, where they differ


def build(name: str, **options: Any) -> Check:
    made = load("checks", name)(*CASES[name][0], **options)
    assert isinstance(made, Check)
    return made


def test_every_check_has_a_case() -> None:
    """No check goes untested."""
    assert sorted(CASES) == sorted(BUILTIN)


@pytest.mark.parametrize("name", EVERY)
def test_it_is_an_attribute_of_the_package(name: str) -> None:
    """`odibi_core.checks.<name>` is the registered function, and is in `__all__`."""
    assert getattr(checks, name) is load("checks", name)
    assert name in checks.__all__


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", BUILTIN)
def test_it_passes_and_fails_alike_in_every_library(name: str, library: str) -> None:
    """The same data gives the same verdict and the same count; missing values fail only not_null."""
    make = LIBRARIES[library]
    _, good, bad, failed = CASES[name]
    passed = build(name).check({"other": make(OTHER), "out": make(good)})
    assert (passed.passed, passed.examples) == (True, []), passed.message
    found = build(name, severity="warn").check({"other": make(OTHER), "out": make(bad)})
    assert (found.passed, found.failed_rows, found.total_rows) == (False, failed, 3), found.message
    assert (found.check, found.severity) == (NAMES.get(name, name), "warn")
    assert found.message
    assert bool(found.examples) is (failed is not None)


@pytest.mark.parametrize("name", sorted(set(BUILTIN) - {"schema"}))
def test_a_lazy_frame_is_checked_only_when_asked(name: str) -> None:
    """`passed` is None with the reason; collect=True runs the frame."""
    frames = {"other": pl.LazyFrame(OTHER), "out": pl.LazyFrame(CASES[name][2])}
    left = build(name).check(frames)
    assert left.passed is None
    assert "lazy" in left.message
    assert build(name, collect=True).check(frames).passed is False


@pytest.mark.parametrize("frame", [5, "text", None, [1], object(), pd.DataFrame(), pl.DataFrame(), {}])
@pytest.mark.parametrize("name", BUILTIN)
def test_it_never_raises(name: str, frame: Any) -> None:
    """A value that is no frame, or has no such column, is a failed result with the reason."""
    found = build(name).check({"other": frame, "out": frame})
    assert isinstance(found, CheckResult)
    assert found.passed is False
    assert found.message


OF_A_COLUMN = [name for name, case in CASES.items() if isinstance(case[0][0], str) and name not in ("query", "sql")]


@pytest.mark.parametrize("name", OF_A_COLUMN)
def test_an_unknown_column_is_named_with_the_nearest(name: str) -> None:
    """A misspelling is a failed check that helps."""
    column = CASES[name][0][0]
    found = build(name).check({"other": OTHER, "out": {f"{column}{column}": [1]}})
    assert found.passed is False
    assert f"{column!r} (did you mean '{column}{column}'?)" in found.message


@pytest.mark.parametrize("name", BUILTIN)
def test_on_chooses_the_frame(name: str) -> None:
    """An input or output by its logical name; a wrong one is named with the nearest."""
    _, good, bad, _ = CASES[name]
    frames = {"flights": pl.DataFrame(bad), "other": pl.DataFrame(OTHER), "out": pl.DataFrame(good)}
    assert build(name, on="flights").check(frames).passed is False
    assert build(name).check(frames).passed is True
    assert "did you mean 'flights'" in build(name, on="fligths").check(frames).message


@pytest.mark.parametrize("name", BUILTIN)
def test_a_check_and_its_result_can_travel(name: str) -> None:
    """To a worker process and back, and into a line of JSON."""
    check = pickle.loads(pickle.dumps(build(name)))  # noqa: S301  what we pickled ourselves
    found = check.check({"other": OTHER, "out": CASES[name][2]})
    assert found.passed is False
    json.dumps(msgspec.to_builtins(found), allow_nan=False)


@pytest.mark.parametrize("name", BUILTIN)
def test_an_unknown_severity_is_refused_at_once(name: str) -> None:
    """Wrong arguments of a check raise when it is made."""
    with pytest.raises(CheckError, match="fatal"):
        build(name, severity="fatal")
