"""The oracle of column lineage: change a column of the input, run again, see which columns of the answer change.

    python -m benchmarks.lineage_oracle            # the table of docs/lineage.md: TPC-H and sixty functions

A claimed edge is right if some change of the source changes the column. A changed column is a claim that was missed, if
the column counts as known. For functions, only values in rows that are found again count: a filter changes rows.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.lineage_functions import PANDAS_ONE, PANDAS_TWO, POLARS_ONE, POLARS_TWO, orders, people

Edge = tuple[str, str, str]
"""Table, column, and column of the answer."""
Change = Callable[[Any], list[Any]]
_CONSTANTS = 25
"""Values that a whole column, and half of it, is set to; of a column that the query does not name, none."""
_TRIALS = 60
"""Other data on which a claimed edge may hold."""


@dataclass
class Score:
    """The edges of one group of queries or functions."""

    name: str
    claimed: int = 0
    right: int = 0
    true: int = 0
    found: int = 0
    columns: int = 0
    known: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(
        self, where: str, claimed: set[Edge], true: tuple[set[Edge], set[Edge]], known: set[str], columns: Sequence[str]
    ) -> None:
        """Count one query or function; edges of columns that count as unknown are no claims.

        Args:
            where: Its name.
            claimed: The claimed edges.
            true: The edges that may be claimed, and those of them that must be.
            known: The columns whose sources count as known.
            columns: All columns.
        """
        may, must = true[0], {edge for edge in true[1] if edge[2] in known}
        self.claimed += len(claimed)
        self.right += len(claimed & may)
        self.true += len(must)
        self.found += len(claimed & must)
        self.columns += len(columns)
        self.known += len(known)
        self.wrong += [f"{where}: {edge}" for edge in sorted(claimed - may)]
        self.missed += [f"{where}: {edge}" for edge in sorted(must - claimed)]

    @property
    def precision(self) -> float:
        """The share of the claimed edges that are right."""
        return self.right / self.claimed if self.claimed else math.nan

    @property
    def recall(self) -> float:
        """The share of the true edges of known columns that were claimed."""
        return self.found / self.true if self.true else math.nan

    def row(self) -> str:
        """Return the row of the table."""
        coverage = f"{self.known:,} of {self.columns:,}"
        return f"| {self.name} | {coverage} | {self.claimed:,} | {self.precision:.3f} | {self.recall:.3f} |"


def sql_score(
    queries: Mapping[str, str], tables: Mapping[str, Any], inputs_of: Callable[[str], Sequence[str]]
) -> Score:
    """Return the score of queries over Arrow tables."""
    import duckdb

    from odibi_core.engines.lineage.sql_columns import sql_columns

    score = Score("SQL, by sqlglot")
    with duckdb.connect(config={"threads": 1}) as connection:
        for name, query in queries.items():
            used = {table: tables[table] for table in inputs_of(query)}
            before = _answer(connection, query, used)
            schemas = {table: found.column_names for table, found in used.items()}
            lineage = sql_columns(query, schemas, {table: table for table in used}, list(before), "duckdb")
            claimed = {
                (source.dataset, source.column, origin.column)
                for origin in lineage.origins
                if origin.sources is not None
                for source in (*origin.sources, *(lineage.indirect or ()))
            }
            known = {origin.column for origin in lineage.origins if origin.sources is not None}
            true = set(_sql_effects(connection, query, used, before))
            true |= _witnessed(connection, query, used, claimed - true)
            score.add(name, claimed, (true, true), known, list(before))
    return score


def _answer(connection: Any, query: str, tables: Mapping[str, Any]) -> dict[str, list[Any]]:
    for name, table in tables.items():
        connection.register(name, table)
    cursor = connection.execute(query)
    names, rows = [column[0] for column in cursor.description], cursor.fetchall()
    if "order by" not in query.rpartition(")")[2].lower():
        rows.sort(key=repr)
    return {name: [_rounded(row[place]) for row in rows] for place, name in enumerate(names)}


def _rounded(value: Any) -> Any:
    return float(f"{value:.7g}") if isinstance(value, float) else value


def _sql_effects(
    connection: Any, query: str, tables: Mapping[str, Any], before: Mapping[str, list[Any]]
) -> Iterator[Edge]:
    """Yield each column of the answer that changes with a column of a table."""
    for name, table in tables.items():
        for column in table.column_names:
            missing = set(before)
            for changed in _changes(table[column], _CONSTANTS if column in query else 0):
                place = table.column_names.index(column)
                after = _answer(connection, query, {**tables, name: table.set_column(place, column, changed)})
                found = {each for each in missing if after[each] != before[each]}
                yield from ((name, column, each) for each in found)
                missing -= found
                if not missing:
                    break


def _witnessed(connection: Any, query: str, tables: Mapping[str, Any], edges: set[Edge]) -> set[Edge]:
    """Return those of the edges that hold over other data, in which many rows differ in the one column alone.

    A second key of an order decides nothing while the first has no value twice, nor a key of a group that another one
    determines.
    """
    import numpy as np

    found: set[Edge] = set()
    for name, column in sorted({edge[:2] for edge in edges}):
        for trial in range(_TRIALS):
            left = {edge for edge in edges - found if edge[:2] == (name, column)}
            if not left:
                break
            some = np.random.default_rng(trial)
            alike = _with_alike_rows(tables[name], column, some)
            before = _answer(connection, query, {**tables, name: alike})
            mixed = alike[column].take(some.permutation(len(alike)))
            place = alike.column_names.index(column)
            after = _answer(connection, query, {**tables, name: alike.set_column(place, column, mixed)})
            found |= {edge for edge in left if after[edge[2]] != before[edge[2]]}
    return found


def _with_alike_rows(table: Any, column: str, some: Any) -> Any:
    """Return a table and a copy of each of its rows, which has another value in one column."""
    import pyarrow as pa

    rows = len(table)
    few = table[column].take(some.choice(some.integers(0, rows, 3), rows))
    twin = table.set_column(table.column_names.index(column), column, few)
    return pa.concat_tables([table, twin], promote_options="default")


def _changes(column: Any, constants: int) -> Iterator[Any]:
    """Yield changed forms of a column: in another order, moved by some rows, one value for all, no value for some."""
    import numpy as np
    import pyarrow as pa

    some = np.random.default_rng(5)
    rows = len(column)
    yield column.take(some.permutation(rows))
    yield column.take((np.arange(rows) + 1) % rows)
    half = some.random(rows) < 0.5
    yield column.take(np.where(half, some.permutation(rows), np.arange(rows)))
    yield pa.compute.if_else(pa.array(half), column.combine_chunks(), pa.scalar(None, column.type))
    yield pa.chunked_array([pa.nulls(rows, column.type)])
    values = column.unique().sort()
    places = [0, len(values) - 1, *some.permutation(len(values))] if constants else []
    for place in places[:constants]:
        yield pa.chunked_array([pa.array([values[int(place)].as_py()] * rows, column.type)])
        yield pa.compute.if_else(pa.array(half), column.combine_chunks(), values[int(place)])


def functions_score(name: str, functions: Mapping[str, Any], frames: Mapping[str, Any], library: str) -> Score:
    """Return the score of functions over frames, which are of pandas and converted for polars."""
    from odibi_core.engines.lineage.budgeted import ContentLineage

    score = Score(name)
    content = ContentLineage(None)
    for label, function in functions.items():
        given = {key: converted(frame, library) for key, frame in frames.items()}
        looks = content.looks(given)
        made = function(*given.values())
        columns = [str(each) for each in made.columns]
        lineage = content.columns(looks, made, {key: key for key in given}, columns)
        claimed = {
            (source.dataset, source.column, origin.column)
            for origin in lineage.origins
            for source in origin.sources or ()
        }
        known = {origin.column for origin in lineage.origins if origin.sources is not None}
        direct = set(_effects(function, frames, library, lambda values: [_moved(values)]))
        true = direct | set(_effects(function, frames, library, lambda values: [_mixed(values)]))
        score.add(f"{library} {label}", claimed, (true, direct), known, columns)
    return score


def converted(frame: Any, library: str) -> Any:
    """Return a copy of a frame of pandas in a library."""
    if library == "pandas":
        return frame.copy()
    import polars

    return polars.from_pandas(frame)


def _columns(frame: Any) -> dict[str, list[Any]]:
    if hasattr(frame, "to_dicts"):
        return {name: frame[name].to_list() for name in frame.columns}
    return {str(name): [None if each != each else each for each in frame[name].tolist()] for name in frame.columns}


def _effects(function: Any, frames: Mapping[str, Any], library: str, change: Change) -> Iterator[Edge]:
    """Yield each column whose values change, in rows that are found again, with a column of a frame."""
    before = _columns(function(*(converted(frame, library) for frame in frames.values())))
    for key, frame in frames.items():
        for column in frame.columns:
            for values in change(frame[column]):
                changed = {**frames, key: frame.assign(**{column: values})}
                after = _columns(function(*(converted(each, library) for each in changed.values())))
                for name in before:
                    if name in after and _differs(name, before, after):
                        yield key, column, name


def _moved(values: Any) -> Any:
    """Return a column whose every value is a little different, so that conditions on it hold as before."""
    if values.dtype == bool:
        return ~values
    if values.dtype.kind in "iu":
        return values + 1
    if values.dtype.kind == "f":
        return values + 1e-6
    if values.dtype.kind == "M":
        return values + values.iloc[0].resolution
    return values.where(values.isna(), values.astype(str) + "~")


def _mixed(values: Any) -> Any:
    """Return a column of which some rows have the value of another row, so that texts still find their partners."""
    import numpy as np

    some = np.random.default_rng(7)
    rows = np.arange(len(values))
    if values.is_unique:  # and stays so: it may be the key of a join
        rows = np.roll(rows, 1)
    else:
        rows = np.where(some.random(len(values)) < 0.3, some.permutation(len(values)), rows)
    return values.iloc[rows].set_axis(values.index)


def _differs(name: str, before: dict[str, list[Any]], after: dict[str, list[Any]]) -> bool:
    """Return whether a column has other values in the rows that both answers have."""
    pairs = _pairs(name, before, after)
    return any(first is not None and second is not None and first != second for first, second in pairs)


def _pairs(name: str, before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[tuple[Any, Any]]:
    """Return the values of a column in both answers, row by row: by a column that names rows, else by position."""
    best: dict[Hashable, int] = {}
    chosen = None
    for other, values in before.items():
        if (
            other == name
            or other not in after
            or len(set(values)) < len(values)
            or len(set(after[other])) < len(after[other])
        ):
            continue
        common = set(values) & set(after[other])
        if len(common) > len(best):
            chosen, best = other, {value: place for place, value in enumerate(after[other]) if value in common}
    if chosen is not None:
        return [
            (before[name][place], after[name][best[value]])
            for place, value in enumerate(before[chosen])
            if value in best
        ]
    same = len(before[name]) == len(after[name])
    return list(zip(before[name], after[name], strict=True)) if same else []


def function_scores() -> list[Score]:
    """Return the scores of all functions."""
    one, two = {"orders": orders()}, {"orders": orders(), "people": people()}
    parts = [
        functions_score("functions of pandas, by content", PANDAS_ONE, one, "pandas"),
        functions_score("functions of pandas with two inputs", PANDAS_TWO, two, "pandas"),
        functions_score("functions of polars, by content", POLARS_ONE, one, "polars"),
        functions_score("functions of polars with two inputs", POLARS_TWO, two, "polars"),
    ]
    return parts


def _with_ties(table: Any) -> Any:
    """Return a table with amounts in whole thousands, three values for the column that has one, and matching comments.

    In small tables of TPC-H no two suppliers have the same balance, so that no second key of an order decides anything.
    No comment of a supplier has the words that a query looks for.
    """
    import numpy as np
    import pyarrow as pa

    if "s_comment" in table.column_names:
        comments = [
            f"Customer {each} Complaints" if at % 7 == 0 else each
            for at, each in enumerate(table["s_comment"].to_pylist())
        ]
        table = table.set_column(table.column_names.index("s_comment"), "s_comment", pa.chunked_array([comments]))
    for name in ("s_acctbal", "c_acctbal", "o_totalprice", "o_shippriority"):
        if name in table.column_names:
            numbers = np.asarray(table[name].to_numpy())
            some = np.random.default_rng(9).integers(0, 3, len(table))
            values = some if name == "o_shippriority" else np.round(numbers, -3)
            table = table.set_column(table.column_names.index(name), name, pa.chunked_array([pa.array(values)]))
    return table


def tpch_score(scale: float) -> Score:
    """Return the score of the queries of TPC-H, on tables of this scale."""
    import pyarrow.parquet as parquet

    from benchmarks.tpch import tables_of
    from benchmarks.tpch_queries import QUERIES, TABLES, inputs_of

    root: Path = tables_of(scale)
    tables = {name: _with_ties(parquet.read_table(root / f"{name}.parquet")) for name in TABLES}
    queries = {name: query.replace("{scale}", f"{scale:g}") for name, query in QUERIES.items()}
    return sql_score(queries, tables, inputs_of)


def main() -> None:
    """Print the table, and the edges that are wrong or missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.05, help="Scale of TPC-H.")
    scores = [*function_scores(), tpch_score(parser.parse_args().scale)]
    print("| | columns known | edges claimed | precision | recall |\n|---|---|---|---|---|")
    for score in scores:
        print(score.row())
    for score in scores:
        for kind, edges in (("wrong", score.wrong), ("missed", score.missed)):
            print(*(f"{kind}: {edge}" for edge in edges), sep="\n")


if __name__ == "__main__":
    main()
