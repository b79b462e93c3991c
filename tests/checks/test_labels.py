"""Columns whose labels are no unique texts."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from odibi_core.checks import accepted_values, between, matches, not_null, references, row_count, unique
from odibi_core.errors import CheckError


def test_numbers_and_tuples_name_columns() -> None:
    """pandas' own labels work in every check; a text finds the label that it spells."""
    frame = pd.DataFrame({0: [1, 2], ("a", "b"): [1, 2], "s": ["x", "y"]})
    frames = {"out": frame, "other": frame}
    for label in (0, np.int64(0), "0", ("a", "b")):
        for check in (not_null(label), unique(label), between(label, 0, 5), accepted_values(label, [1, 2])):
            found = check.check(frames)
            assert found.passed is True, found.message
            assert found.column == str(label)
    assert references(0, "other.0").check(frames).passed is True
    assert unique(0, ("a", "b")).check(frames).passed is True
    assert "only text" in matches(0, "1").check(frames).message


def test_a_multi_index_of_columns_is_tuples() -> None:
    """Each column by its whole tuple."""
    frame = pd.DataFrame([[1, None]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert not_null(("a", "b")).check({"out": frame}).passed is True
    assert not_null(("a", "c")).check({"out": frame}).failed_rows == 1


def test_a_number_is_not_the_text_beside_it() -> None:
    """`0` and `"0"` are two columns where both are there."""
    frame = {"out": pd.DataFrame({0: [None], "0": [1]})}
    assert not_null("0").check(frame).passed is True
    assert not_null(0).check(frame).passed is False


@pytest.mark.parametrize(
    "frame",
    [pd.DataFrame([[1, 2, 3]], columns=["k", "a", "a"]), pa.table([pa.array([1])] * 3, names=["k", "a", "a"])],
    ids=["pandas", "pyarrow"],
)
def test_a_doubled_label_harms_no_other_column(frame: Any) -> None:
    """Checks of the other columns and of the whole are answered; of the doubled one nothing can be known."""
    frames = {"out": frame, "other": frame}
    for check in (not_null("k"), unique("k"), between("k", 0, 5), row_count(1), references("k", "other.k")):
        assert check.check(frames).passed is True
    found = not_null("a").check(frames)
    assert found.passed is False
    assert found.message == "column 'a' is there 2 times; a check needs a label of its own"


def test_plain_rows_may_have_number_keys() -> None:
    """Dicts of columns and rows as dicts, too."""
    assert between(0, 0, 5).check({"out": {0: [1, 2]}}).passed is True
    assert between(0, 0, 5).check({"out": [{0: 1}, {0: 9}]}).failed_rows == 1


def test_the_frame_that_is_checked_is_not_changed() -> None:
    """Its labels stay, and no data is copied for it."""
    frame = pd.DataFrame([[1, 2]], columns=[0, 0])
    row_count(1).check({"out": frame})
    assert repr(frame.columns.tolist()) == "[0, 0]"


@pytest.mark.parametrize("label", [None, ["a", "b"], {"a": 1}, {"a"}])
@pytest.mark.parametrize(
    "build",
    [not_null, unique, lambda a: between(a, 0), lambda a: accepted_values(a, [1]), lambda a: matches(a, "x")],
)  # fmt: skip
def test_what_can_name_no_column_is_refused_when_the_check_is_made(build: Any, label: Any) -> None:
    """With the value given."""
    with pytest.raises(CheckError, match="must be the label of a column, got"):
        build(label)
