"""The chance that a rule fits rows which were chosen at random, in bits: 10 bits are 1 in 1,024.

A rule is claimed only if the labels of its rows would be a coincidence of `NEEDED` bits, after the bits of the choice
among all tests that were tried. One rule of 1 row in 4,000 (12 bits), found among 30 tests (5 bits), is no finding.
"""

from __future__ import annotations

from math import lgamma, log, log2
from typing import Final

NEEDED: Final = 12.0
"""Bits of a claim: 1 in 4,096 random losses would have one as good."""

SOURCE: Final = 7.0
"""Bits that a test is worth if the source of the step names its columns."""

NAMED_VALUES: Final = 4.0
"""Further bits if it also names each value that the tests compare with: `code == "A7"` keeps 1 row of 16."""


def bits_of_choice(rows: int, chosen: int) -> float:
    """Return log2 of the number of ways to choose so many rows: the surprise of one given choice.

    Args:
        rows: All rows.
        chosen: The chosen ones, from 0 to `rows`.
    """
    return (lgamma(rows + 1) - lgamma(chosen + 1) - lgamma(rows - chosen + 1)) / log(2)


def bits_of_rows(rows: int, of_side: int, found: int) -> float:
    """Return the surprise that `found` rows, drawn at random, are all of one side.

    For small shares this is `found * log2(rows / of_side)`; drawing without putting back makes it exact.

    Args:
        rows: The rows that are left to explain.
        of_side: Those of the side.
        found: The rows that a test selects.
    """
    return bits_of_choice(rows, of_side) - bits_of_choice(rows - found, of_side - found)


def bits_of_tests(tried: int) -> float:
    """Return the bits of one choice among the tests that were tried."""
    return log2(max(tried, 1))


def bits_of_list(values: int, different: int) -> float:
    """Return the bits of a list of so many values out of the different ones of a column."""
    return values * log2(max(different, 2))
