"""Which columns of a table a terminal has room for, and how wide each is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from odibi_core.cli.fit import GAP, Column, fit

NUMBER = Column(widest=12, header=4, is_text=False)
TEXT = Column(widest=200, header=4)
EMPTY = Column(widest=4, header=8, is_empty=True)


def test_what_fits_is_shown_whole() -> None:
    """Nothing is cut that need not be."""
    assert fit([NUMBER, Column(widest=5, header=9), EMPTY], 80) == {0: 12, 1: 9, 2: 8}


def test_a_long_text_gets_what_the_others_leave() -> None:
    """It is cut, and the numbers beside it are not."""
    assert fit([NUMBER, TEXT, NUMBER], 80) == {0: 12, 1: 52, 2: 12}


def test_two_long_texts_share_the_room() -> None:
    """The shorter one is not starved by the longer one."""
    assert fit([TEXT, Column(widest=20, header=4), TEXT], 80) == {0: 28, 1: 20, 2: 28}


def test_columns_without_a_value_go_first_and_then_the_last_ones() -> None:
    """The columns that were asked for first are the ones that matter."""
    assert fit([EMPTY, NUMBER, EMPTY, NUMBER], 28) == {1: 12, 3: 12}
    assert fit([NUMBER, NUMBER, NUMBER], 30) == {0: 12, 1: 12}


def test_one_column_is_always_shown() -> None:
    """However narrow the terminal is."""
    assert fit([Column(widest=50, header=4, is_text=False), TEXT], 20) == {0: 20}


@given(
    st.lists(
        st.builds(Column, st.integers(0, 300), st.integers(0, 60), st.booleans(), st.booleans()), min_size=1
    ),
    st.integers(1, 300),
)
def test_no_table_is_wider_than_the_terminal(columns: list[Column], width: int) -> None:
    """For any columns; and no column is wider than it needs."""
    widths = fit(columns, width)
    assert 1 <= len(widths) <= len(columns)
    assert sum(widths.values()) + GAP * (len(widths) - 1) <= width
    assert all(0 < wide <= columns[place].natural for place, wide in widths.items())
