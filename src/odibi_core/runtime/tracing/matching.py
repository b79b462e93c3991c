"""The relation between an input of a step and its output: the columns whose values pass through, and matched rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from odibi_core.engines.duckdb_tables import Tables
from odibi_core.engines.sql_inputs import quoted

Pairs = list[tuple[str, str]]
"""Pairs of columns: of the input, and of the output."""
_MOST_COLUMNS: Final = 60


class Relation(NamedTuple):
    """The columns of an input whose values are those of its rows in the output.

    Each row of the output has a row of the input with the same values in all these columns, or, after an outer join,
    nulls in all of them. `is_key`: no two rows of the input have the same values in them. `groups`: each combination of
    values of the input is one row of the output, as after an aggregation.
    """

    pairs: Pairs
    is_key: bool
    groups: bool


def relation(tables: Tables, taken: str, made: str, pairs: Sequence[tuple[str, str]]) -> Relation:
    """Return the relation of an input and an output of a step.

    Args:
        tables: The tables.
        taken: The input.
        made: The output.
        pairs: The columns that may pass through.
    """
    known = tables.comparable(taken, made, pairs)[:_MOST_COLUMNS]
    passing = [pair for pair in known if _passes(tables, taken, made, [pair])]
    if len(passing) > 1 and not _passes(tables, taken, made, passing):
        passing = _largest(tables, taken, made, passing)
    if not passing:
        return Relation([], False, False)
    combinations = _combinations(tables, taken, _names(passing, 0))
    of_output = _combinations(tables, made, _names(passing, 1))
    rows_out = tables.rows(made)
    # Without a column of its own, the output may have one of several equal rows.
    is_grouped = of_output == rows_out < tables.rows(taken) and len(passing) < len(tables.types(made))
    is_grouped = is_grouped and rows_out in (combinations, _filled(tables, taken, passing))
    return Relation(passing, combinations == tables.rows(taken), is_grouped)


def _filled(tables: Tables, taken: str, pairs: Pairs) -> int:
    """Return the number of combinations of values without a null, which some aggregations leave out."""
    filled = " and ".join(f"{quoted(pair[0])} is not null" for pair in pairs)
    return _combinations(tables, taken, _names(pairs, 0), f" where {filled}")


def _combinations(tables: Tables, table: str, names: str, where: str = "") -> int:
    """Return the number of combinations of values in some columns of a table."""
    return tables.number(f"select count(*) from (select distinct {names} from {quoted(table)}{where})")


def with_keys(tables: Tables, taken: str, found: Relation, keys: Pairs) -> Relation:
    """Return a relation that compares the keys of a join too."""
    pairs = list(dict.fromkeys([*keys, *found.pairs]))
    is_key = _combinations(tables, taken, _names(keys, 0)) == tables.rows(taken)
    return Relation(pairs, is_key, False)


def _passes(tables: Tables, taken: str, made: str, pairs: Pairs) -> bool:
    """Return whether each combination of values in the output is one of the input, and one of them is no null."""
    filled = " or ".join(f"{quoted(pair[1])} is not null" for pair in pairs)
    query = (
        f"select count(*) from (select {_names(pairs, 1)} from {quoted(made)} where {filled}"
        f" except select {_names(pairs, 0)} from {quoted(taken)})"
    )
    return tables.number(query) == 0 and tables.number(f"select count(*) from {quoted(made)} where {filled}") > 0


def _largest(tables: Tables, taken: str, made: str, pairs: Pairs) -> Pairs:
    """Return columns that pass through together, beginning with those of most values."""
    counts = {
        pair: tables.number(f"select approx_count_distinct({quoted(pair[0])}) from {quoted(taken)}") for pair in pairs
    }
    found: Pairs = []
    for pair in sorted(pairs, key=lambda pair: -counts[pair]):
        if _passes(tables, taken, made, [*found, pair]):
            found.append(pair)
    return found


def _names(pairs: Pairs, side: int) -> str:
    return ", ".join(quoted(pair[side]) for pair in pairs)


def condition(pairs: Pairs, left: str, right: str, *, back: bool) -> str:
    """Return the condition under which rows of two tables have the same values; `back`: `left` is the output."""
    order = (1, 0) if back else (0, 1)
    return " and ".join(
        f"{left}.{quoted(pair[order[0]])} is not distinct from {right}.{quoted(pair[order[1]])}" for pair in pairs
    )
