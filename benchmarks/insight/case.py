"""A case of the benchmark: an operation, its tables, and the truth about its rows, computed by SQL."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from benchmarks.insight.data import Library, polars_table, table

Half = Literal["development", "report"]
HALVES: Final[tuple[Half, ...]] = ("development", "report")
LIBRARIES: Final[tuple[Library, ...]] = ("pandas", "polars")
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """An operation and the conditions of SQL that select its rows; the main table is `t`, its row number `_row`.

    Args:
        name: The name of the function in `pandas_operations` and `polars_operations`.
        kinds: The names of the kind of step that are right.
        family: The kind of rule, for the tables of results.
        tables: The names of its tables, the main one first.
        lost: The rows without a row in the output.
        lost_in: The same, for a library in which it differs.
        gained: Rows beyond one for each row.
        unmatched: The rows without a partner in another table.
        keys: The columns of the main table by which rows are matched or compared.
        by_row_numbers: The lost rows are found by running the operation on the row numbers alone.
        has_rule: True if tests of columns or keys can select the rows.
        has_rows: True if a row of the output is a row of the main table.
    """

    name: str
    kinds: tuple[str, ...]
    family: str
    tables: tuple[str, ...]
    lost: str = ""
    lost_in: Mapping[str, str] = field(default_factory=dict)
    gained: str = ""
    unmatched: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    by_row_numbers: bool = False
    has_rule: bool = True
    has_rows: bool = True


@dataclass(frozen=True)
class Truth:
    """The rows of a trial, by their numbers in the main table. `copies`: rows beyond one, by row number."""

    lost: Rows
    copies: Mapping[int, int]
    unmatched: Mapping[str, Rows]

    @property
    def gained(self) -> int:
        return sum(self.copies.values())

    @property
    def changes(self) -> bool:
        """Return whether any row is lost, multiplied or unmatched."""
        return bool(len(self.lost) or self.copies or any(len(each) for each in self.unmatched.values()))


@dataclass(frozen=True)
class Trial:
    """A case in one library: its frames before and after the operation."""

    case: Case
    half: Half
    library: Library
    function: Callable[..., Any]
    inputs: Mapping[str, Any]
    output: Any
    truth: Truth

    @property
    def name(self) -> str:
        return f"{self.case.name} ({self.library})"


def case(name: str, kinds: str, family: str, tables: str, **truth: Any) -> Case:
    """Return a case from a row of a table of truths."""
    names = [library for library in LIBRARIES if f"lost_in_{library}" in truth]
    lost_in: dict[str, str] = {library: truth.pop(f"lost_in_{library}") for library in names}
    keys = _names(truth.pop("keys", ""))
    return Case(name, _names(kinds), family, _names(tables), keys=keys, lost_in=lost_in, **truth)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()


def cases(half: Half) -> tuple[Case, ...]:
    """Return the cases of a half."""
    found: tuple[Case, ...] = importlib.import_module(f"benchmarks.insight.{half}.truth").CASES
    return found


def operation(half: Half, library: Library, name: str) -> Callable[..., Any] | None:
    """Return the operation of a case in a library; None if the case has none there."""
    module = importlib.import_module(f"benchmarks.insight.{half}.{library}_operations")
    found: Callable[..., Any] | None = getattr(module, name, None)
    return found


def trials(half: Half, names: frozenset[str] = frozenset()) -> Iterator[Trial]:
    """Yield each case of a half in each of its libraries, or only those of these names."""
    for each in cases(half):
        for library in LIBRARIES:
            function = operation(half, library, each.name)
            if function is not None and (not names or each.name in names):
                yield trial(each, half, library, function)


def trial(each: Case, half: Half, library: Library, function: Callable[..., Any]) -> Trial:
    """Return a trial; the operation gets copies of its own, so that the inputs are as they were before."""
    inputs = {name: table(name, library) for name in each.tables}
    output = function(*(table(name, library) for name in each.tables))
    return Trial(each, half, library, function, inputs, output, truth_of(each, library, function))


def truth_of(each: Case, library: Library, function: Callable[..., Any]) -> Truth:
    """Return the rows that the conditions select, or those that the operation keeps of the row numbers."""
    if each.by_row_numbers:
        return Truth(_lost_of_row_numbers(each, library, function), {}, {})
    lost = each.lost_in.get(library, each.lost)
    if "COLUMNS(*)" in lost:  # true for a row of which any column passes
        lost = " OR ".join(f'"{name}" IS NULL' for name in polars_table(each.tables[0]).columns)
    copies = {row: count for row, count in _counts(each, each.gained) if count > 0} if each.gained else {}
    unmatched = {name: _selected(each, condition) for name, condition in each.unmatched.items()}
    return Truth(_selected(each, lost) if lost else np.empty(0, np.int64), copies, unmatched)


def _lost_of_row_numbers(each: Case, library: Library, function: Callable[..., Any]) -> Rows:
    numbers = pl.DataFrame({"_row": np.arange(polars_table(each.tables[0]).height)})
    kept = function(numbers if library == "polars" else numbers.to_pandas())["_row"].to_numpy()
    return np.setdiff1d(numbers["_row"].to_numpy(), kept)


def _selected(each: Case, condition: str) -> Rows:
    rows = _rows_of(each, f"SELECT _row FROM {each.tables[0]} t WHERE {condition} ORDER BY _row")
    return np.array([row for (row,) in rows], dtype=np.int64)


def _counts(each: Case, expression: str) -> list[tuple[int, int]]:
    return _rows_of(each, f"SELECT _row, ({expression}) FROM {each.tables[0]} t")


def _rows_of(each: Case, query: str) -> list[Any]:
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        for name in each.tables:
            database.register(name, _numbered(name))
        return database.execute(query).fetchall()


@cache
def _numbered(name: str) -> pa.Table:
    frame = polars_table(name).with_row_index("_row")
    texts = [each for each, kind in frame.schema.items() if kind == pl.Categorical]
    return frame.with_columns(pl.col(*texts).cast(pl.String) if texts else []).to_arrow()
