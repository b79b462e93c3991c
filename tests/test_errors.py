"""Hints for names: the nearest right name, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.errors import closest, nearest

COLUMNS = ["event_type", "schema", "elapsed_ms", "node_name", "level", "recordsIn"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("eventtype", "event_type"), ("elapsed_m", "elapsed_ms"), ("elapsed", "elapsed_ms"), ("lvl", "level"),
        ("nod_name", "node_name"), ("records_in", "recordsIn"), ("Level", "level"), ("LEVEL ", "level"),
    ],
)  # fmt: skip
def test_a_misspelling_finds_its_name(name: str, found: str) -> None:
    """Missing or doubled letters, another case and other separators are recognized."""
    assert closest(name, COLUMNS) == found
    assert nearest(name, COLUMNS) == f" (did you mean {found!r}?)"


@pytest.mark.parametrize("name", ["nosuch", "zzz", "x", "", "total", "user", "*", "2026"])
def test_what_is_like_nothing_gets_no_hint(name: str) -> None:
    """A guess that has nothing in common with the given name is left out."""
    assert nearest(name, COLUMNS) == ""


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=5))
def test_a_name_is_never_its_own_correction(name: str, others: list[str]) -> None:
    """For any known names, the hint is a known name other than the given one."""
    hint = closest(name, [*others, name])
    assert hint is None or (hint != name and hint in others)
    assert closest(name, [name, name]) is None


def test_names_without_end_are_compared_by_their_beginning() -> None:
    """Only the beginning of a very long name is compared, so that a hint is cheap."""
    assert closest("a" * 1_000_000, ["a" * 999_999]) == "a" * 999_999
