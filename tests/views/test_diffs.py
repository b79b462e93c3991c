"""Two snapshots compared."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.views.answers import Snapshot, TypeChange
from odibi_core.views.diffs import columns as schema_of
from odibi_core.views.diffs import row_delta, schema_diff


def snap(
    *columns: tuple[Any, Any], rows: int | None = 1, width: int | None = None, why: str | None = None
) -> Snapshot:
    described = schema_of([{"column": name, "type": kind} for name, kind in columns])
    return Snapshot("x", None, rows, width, described, [], {}, why)


def diff(before: Snapshot, after: Snapshot) -> tuple[list[Any], list[Any], list[Any]]:
    found = schema_diff(before, after)
    assert found is not None
    return found.added_columns, found.removed_columns, found.changed_types


def test_names_that_repeat_are_compared_by_their_place() -> None:
    """The second `a` is not the first: of two, one may go and the other change its type."""
    twice, once = snap(("a", "Int64"), ("a", "String")), snap(("a", "Float64"))
    assert diff(twice, once) == ([], ["a"], [TypeChange("a", "Int64", "Float64")])
    assert diff(once, twice) == (["a"], [], [TypeChange("a", "Float64", "Int64")])
    assert diff(twice, twice) == ([], [], [])


def test_names_that_are_no_text() -> None:
    """A column named 1 in a line from elsewhere has a name all the same."""
    assert diff(snap((1, "Int64")), snap((None, "Int64"))) == (["None"], ["1"], [])


@pytest.mark.parametrize("unknown", [snap(why="a list is no frame"), snap(), snap(width=2)])
def test_what_could_not_be_described_has_no_difference(unknown: Snapshot) -> None:
    """Unknown is not the same as empty: no column is reported as removed."""
    known = snap(("a", "Int64"))
    assert schema_diff(unknown, known) is None
    assert schema_diff(known, unknown) is None


def test_a_frame_without_columns_is_a_frame() -> None:
    """Its columns are known to be none."""
    assert diff(snap(("a", "Int64")), snap(width=0)) == ([], ["a"], [])


def test_rows_gained_and_lost() -> None:
    """After minus before; None when either is unknown."""
    assert row_delta(snap(rows=10), snap(rows=7)) == -3
    assert row_delta(snap(rows=None), snap(rows=7)) is None
    assert row_delta(snap(rows=7), snap(rows=None)) is None
