"""The cells that a step changed, in samples of both sides: only where it is sure which row is which."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.story import build, read_lineage

UNIQUE = {"check": "unique", "column": "id", "passed": True, "failed_rows": 0}
IDENTITY = [{"type": "DIRECT", "subtype": "IDENTITY"}]
KEPT = {"column": "id", "sources": [{"dataset": "raw", "column": "id", "transformations": IDENTITY}]}
BEFORE = [{"id": 1, "n": "a"}, {"id": 2, "n": None}, {"id": 3, "n": "c"}]


def was(
    change: dict[str, Any],
    after: list[Any],
    load: Any = (),
    clean: Any = (),
    made: Any = None,
    columns: Any = (),
    **more: Any,
) -> Any:
    """Return what the document has of the changed cells, and how rows are matched."""
    frame = {"name": "raw", "sample_data": BEFORE, **more}
    changed = {"dataset": "tidy", "main_dataset": "raw", "lost": 0, "gained": 0, **change}
    steps = [
        {"step_name": "load", "outputs": {"out": "raw"}, "after_snapshot": frame, "checks": list(load)},
        {
            "step_name": "clean",
            "before_snapshots": [frame],
            "after_snapshot": {"name": "tidy", "sample_data": after, **(made or {})},
            "checks": list(clean),
            "row_changes": [changed],
            "column_lineage": [{"dataset": "tidy", "columns": [KEPT, *columns]}],
        },
    ]
    frame = build(read_lineage({"steps": steps}))["steps"][1]["after"]
    return frame.get("was"), frame.get("matched")


@pytest.mark.parametrize(
    ("change", "is_sure"),
    [
        ({"kind": "values", "how": "fingerprint"}, True),
        ({"kind": "unknown", "how": "place"}, True),
        ({"kind": "sort", "how": "place"}, False),
        ({"kind": "unknown", "how": "count"}, False),
        ({"kind": "values", "gained": 1}, False),
        ({"kind": "values", "lost": None}, False),
        ({"kind": "values", "rows_out": 2}, False),
        ({"kind": "head", "how": "place", "lost": 7}, False),
    ],
)
def test_rows_that_keep_their_place_are_compared(change: dict[str, Any], is_sure: bool) -> None:
    """Of each cell that differs the value before, by the place of its column; a new column was nothing before."""
    after = [{"id": 1, "n": "A", "new": 5}, {"id": 2, "n": 0, "new": 6}, {"id": 3, "n": "c", "new": 7}]
    found = was({"rows_in": 3, "rows_out": 3, **change}, after)
    assert found == (([{"1": "a"}, {"1": None}, {}], "place") if is_sure else (None, None))


@pytest.mark.parametrize(
    ("load", "clean", "more", "is_sure"),
    [
        ([UNIQUE], [UNIQUE], {}, True),
        ([], [UNIQUE], {}, False),
        ([UNIQUE], [], {}, False),
        ([UNIQUE], [UNIQUE | {"condition": "n > 1"}], {}, False),
        ([UNIQUE], [UNIQUE | {"failed_rows": 1}], {}, False),
        ([UNIQUE], [UNIQUE], {"metadata": {"changed_in_place": True}}, False),
    ],
)
def test_rows_with_a_unique_key_are_compared(load: Any, clean: Any, more: Any, is_sure: bool) -> None:
    """If a check saw that it is unique on both sides of a filter, and it comes unchanged; never of a changed frame."""
    found = was({"kind": "filter", "lost": 4}, [{"id": 3, "n": "C"}, {"id": 9, "n": "x"}], load, clean, **more)
    assert found == (([{"1": "c"}, {}], "id") if is_sure else (None, None))


def test_statistics_of_all_rows_show_a_key_too() -> None:
    """A column of as many values as rows on both sides; statistics of a sample do not."""
    stats: dict[str, Any] = {"row_count": 7, "stats": [{"column": "id", "distinct": 7, "nulls": 0}]}
    whole, part = ({**stats, "metadata": {"stats_rows": rows}} for rows in (7, 6))
    after = [{"id": 2, "n": "b"}]
    assert was({"kind": "unknown", "lost": None}, after, made=whole, **whole) == ([{"1": None}], "id")
    assert was({"kind": "unknown", "lost": None}, after, made=whole, **part) == (None, None)
    assert was({"kind": "unknown", "lost": None}, after, made=part, **whole) == (None, None)


def test_a_column_of_another_input_is_not_compared() -> None:
    """A join may bring one of the same name."""
    brought = {"column": "n", "sources": [{"dataset": "names", "column": "n", "transformations": IDENTITY}]}
    change = {"kind": "values", "how": "place", "rows_in": 3, "rows_out": 3}
    assert was(change, [{"id": 1, "n": "A"}], columns=[brought]) == (None, None)


def test_without_lost_rows_one_check_is_enough() -> None:
    """Each row of the input is one of the output, so that a key is unique on both sides; rows may be sorted."""
    found = was({"kind": "sort"}, [{"id": 2, "n": "b"}, {"id": 1, "n": "a"}], clean=[UNIQUE])
    assert found == ([{"1": None}, {}], "id")
