"""Pairs of columns of an input and an output, and how far their values agree in some rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from odibi_core.insight.frames.frame import Frame, comparable
from odibi_core.insight.frames.hashes import add, salted

if TYPE_CHECKING:
    from odibi_core.insight.frames.frame import Rows
    from odibi_core.insight.frames.hashes import Hashes

SAMPLE: Final = 256
MOST_COLUMNS: Final = 96
"""Columns of a wide frame that are compared; the others count as not looked at."""


class Pair(NamedTuple):
    """A column of the input and the one of the output that is compared with it.

    Args:
        main: The name of the column of the input.
        output: The name of the column of the output.
        as_float: Compare integers with floats.
    """

    main: str
    output: str
    as_float: bool = False


class Identity(NamedTuple):
    """The rows of an output as rows of an input.

    Args:
        rows: For each row of the output its row number in the input, -1 if it has none.
        same: Columns with the values of the input.
        altered: Columns of both whose values differ.
        how: The way in which they were identified: index, place or fingerprint.
        is_unique: The columns that are the same distinguish the rows; otherwise only groups of them.
    """

    rows: Rows
    same: tuple[Pair, ...]
    altered: tuple[Pair, ...]
    how: str
    is_unique: bool = True


def pairs_of(main: Frame, output: Frame) -> list[Pair]:
    """Return the columns of both that can be compared, by name; of a wide frame only some."""
    names = [name for name in output.names if name in main]
    return _comparable(main, output, [(name, name) for name in names[:MOST_COLUMNS]])


def by_position(main: Frame, output: Frame) -> list[Pair]:
    """Return the columns of both that can be compared, by their places; none if one frame has more of them."""
    names = list(zip(main.names, output.names, strict=False))[:MOST_COLUMNS]
    return _comparable(main, output, names) if len(main.names) == len(output.names) else []


def _comparable(main: Frame, output: Frame, names: Sequence[tuple[str, str]]) -> list[Pair]:
    found = []
    for first, second in names:
        can, as_float = comparable(main, output, first, second)
        if can:
            found.append(Pair(first, second, as_float))
    return found


def hashes(columns: Frame, pair: Pair, rows: Rows | slice | None, *, of_output: bool) -> Hashes:
    """Return the numbers of a column of a pair."""
    return columns.hashes(pair.output if of_output else pair.main, rows, as_float=pair.as_float)


class Agreement(NamedTuple):
    """How far the values of each column agree, if rows of the output stand for these rows of the input."""

    same: list[Pair]
    partly: list[Pair]
    altered: list[Pair]
    unique_share: float
    """Different rows by the columns that are the same, for each different row by all."""
    spread: int
    """Different rows by the columns that are the same."""


def agreement(main: Frame, output: Frame, pairs: list[Pair], at: tuple[Rows, Rows]) -> Agreement:
    """Compare a sample of rows of both."""
    import numpy as np

    same: list[Pair] = []
    partly: list[Pair] = []
    altered: list[Pair] = []
    by_same = by_all = np.zeros(len(at[0]), np.uint64)
    for place, pair in enumerate(pairs):
        first = hashes(main, pair, at[0], of_output=False)
        second = hashes(output, pair, at[1], of_output=True)
        share = float((first == second).mean())
        by_all = by_all + salted(second, place)
        if share == 1.0:
            same.append(pair)
            by_same = by_same + salted(second, place)
            continue
        _, counts = np.unique(second, return_counts=True)
        chance = float(((counts / len(second)) ** 2).sum())
        (partly if chance <= 0.5 and share >= chance + (1 - chance) / 2 else altered).append(pair)
    spread = len(np.unique(by_same))
    return Agreement(same, partly, altered, spread / len(np.unique(by_all)), spread)


def spread(output: Frame, pair: Pair, sample: Rows) -> int:
    """Return the number of different values of a column of the output in some rows."""
    import numpy as np

    return len(np.unique(hashes(output, pair, sample, of_output=True)))


def joint(
    columns: Frame, pairs: Sequence[Pair], *, of_output: bool, before: Hashes | None = None, at: int = 0
) -> Hashes:
    """Return a number for each row of these columns.

    Args:
        columns: The input or the output.
        pairs: The columns.
        of_output: It is the output.
        before: The numbers of the rows by columns before these.
        at: How many these are.
    """
    import numpy as np

    total = np.zeros(columns.height, np.uint64) if before is None else before
    for place, pair in enumerate(pairs, at):
        add(total, hashes(columns, pair, None, of_output=of_output), place)
    return total
