"""The table of the facts of each engine states each difference."""

from __future__ import annotations

from benchmarks.flights_facts import Facts, facts_of, table

WANTED = Facts(5, {"a.n": "number"}, (("unique n", "success", 0), ("not_null n", "failed", 2)))


def test_each_difference_is_stated() -> None:
    """Unknown and other rows, other columns, checks that were not made or failed otherwise, and a missing step."""
    unknown = WANTED._replace(rows=None, checks=(("unique n", "skipped", None), WANTED.checks[1]))
    other = Facts(6, {"a.n": "text"}, (WANTED.checks[0], ("not_null n", "failed", 3)))
    facts = {"a": {"s": WANTED}, "b": {"s": WANTED}, "c": {"s": unknown}, "d": {"s": other}, "e": {}}
    assert table(facts).splitlines()[2] == (
        "| `s` | 5 | 1 | 1 of 2 passed | same | rows unknown, 1 of 2 checks not checked "
        "| rows 6, other columns, 1 of 2 checks other | not run |"
    )


def test_two_engines_have_the_same_facts() -> None:
    """The pipeline itself, on the two engines that run it in the shortest time."""
    polars, pyarrow = facts_of("polars"), facts_of("pyarrow")
    assert polars["read_flights"].rows == 336_776
    assert polars == pyarrow
