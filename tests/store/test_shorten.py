"""An event that is too long becomes one that fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import encode
from odibi_core.store.shorten import fitting, shortened
from odibi_core.testing import an_event

LIMIT = 8 * 1024


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(0, 30_000), max_size=30),
    st.integers(0, 30_000),
)
def test_it_fits_and_keeps_what_was_short(sizes: dict[str, int], metadata: int) -> None:
    """For all sizes; the names of run and node stay."""
    fields = {name: "x" * size for name, size in sizes.items()}
    event = an_event("a", node_name="n", run_id="r", row_count=5, metadata={"m": "y" * metadata}, **fields)
    short = shortened(event, LIMIT)
    assert len(encode(short)) <= LIMIT or len(encode(event)) <= LIMIT
    assert (short.node_name, short.run_id, short.row_count, short.event_type) == ("n", "r", 5, "a")


def test_what_was_cut_is_told() -> None:
    """By its size; metadata stays a dict."""
    short = shortened(an_event("a", text="x" * 10_000, metadata={"m": "y" * 10_000}, small=1), LIMIT)
    assert short.fields == {"text": "[cut: 10002 bytes]", "small": 1}
    assert short.metadata == {"cut": "[cut: 10008 bytes]"}


def test_too_many_fields_become_their_number() -> None:
    """None of them is long, all of them are too many."""
    assert shortened(an_event("a", **{f"k{n}": n for n in range(5000)}), LIMIT).fields == {"cut_fields": 5000}


def test_an_event_of_exactly_the_limit_is_kept() -> None:
    """Nothing is cut that need not be."""
    event = an_event("a", text="x" * 1000, other="y" * 1000)
    assert shortened(event, len(encode(event))) == event


def test_a_line_has_at_most_one_mebibyte() -> None:
    """The longest line that fits is not changed; one byte more is."""
    empty = len(encode(an_event("a", text="")))
    lines = [fitting(encode)(an_event("a", text="x" * (1_048_576 - empty + more))) for more in (0, 1)]
    assert len(lines[0]) == 1_048_576
    assert b'"[cut: ' in lines[1]
