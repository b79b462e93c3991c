"""The oracle of the columns that decide about rows: change a column of an input, see which rows the function keeps.

    python -m benchmarks.lineage_rows              # the table of docs/lineage.md: the sixty functions, by their rules

The rows of an answer are found again by a column that names them and is not the one that was changed. A claim is right
if some change of the column changes the rows. The order of rows is not compared, and nothing is claimed about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from benchmarks.lineage_functions import PANDAS_ONE, PANDAS_TWO, POLARS_ONE, POLARS_TWO, orders, people
from benchmarks.lineage_oracle import converted

Frames = Mapping[str, Any]
_CONSTANTS = 8
"""Values that a whole column, and half of it, is set to."""


class RowScore:
    """The deciding columns of one group of functions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.functions = self.decided = self.known = 0
        self.claimed = self.right = self.true = 0
        self.wrong: list[str] = []
        self.unknown: list[str] = []

    def add(self, name: str, claimed: set[tuple[str, str]] | None, true: set[tuple[str, str]]) -> None:
        """Count a function; without a claim, its columns are unknown."""
        self.functions += 1
        self.decided += bool(true)
        self.true += len(true)
        if claimed is None:
            self.unknown += [name] if true else []
            return
        self.known += bool(true)
        self.claimed += len(claimed)
        self.right += len(claimed & true)
        self.wrong += [f"{name}: {each}" for each in sorted(claimed ^ true)]

    def row(self) -> str:
        """Return the row of the table."""
        precision = f"{self.right / self.claimed:.3f}" if self.claimed else "–"
        recall = f"{self.right / self.true:.3f}" if self.true else "–"
        return f"| {self.name} | {self.known} of {self.decided} | {self.claimed} | {precision} | {recall} |"


def score(name: str, functions: Mapping[str, Callable[..., Any]], frames: Frames, library: str) -> RowScore:
    """Return the score of functions of a library; a function that makes rows of its own is left out."""
    found = RowScore(name)
    for label, function in functions.items():
        before = _rows(function, frames, library, "")
        if before is not None:
            true = set(_deciding(function, frames, library, before))
            if "people" in frames:  # with unique keys, no change of the orders shows that they are joined
                twice = {**frames, "people": pd.concat([frames["people"], frames["people"][:2]], ignore_index=True)}
                both = _rows(function, twice, library, "")
                true |= set() if both is None else set(_deciding(function, twice, library, both))
            found.add(label, _claimed(function, frames, library), true)
    return found


def _claimed(function: Callable[..., Any], frames: Frames, library: str) -> set[tuple[str, str]] | None:
    """Return the columns that the fold of the events of one execution names; None if they are unknown."""
    import msgspec

    from odibi_core.insight.explaining import explain
    from odibi_core.runtime.join_events import JoinEvents
    from odibi_core.runtime.notes import Notes
    from odibi_core.views.deciding_columns import deciding_columns

    inputs = {key: converted(frame, library) for key, frame in frames.items()}
    made = function(*inputs.values())
    change = explain({key: converted(frame, library) for key, frame in frames.items()}, made, source=function)
    notes = Notes()
    if len(inputs) > 1:
        JoinEvents().of_step(notes, {key: (key, frame) for key, frame in inputs.items()}, [made], function)
    joins = [found[0] for what, found in notes.notes if what == "joined"]
    fields = {**msgspec.json.decode(msgspec.json.encode(change)), "main_dataset": change.main or None}
    found = deciding_columns(fields, joins, {key: key for key in frames})
    return None if found is None else {(each["dataset"], each["column"]) for each in found}


def _deciding(
    function: Callable[..., Any], frames: Frames, library: str, before: Counter[int]
) -> Iterator[tuple[str, str]]:
    """Yield the columns of which some change changes the rows that the function keeps."""
    for key, frame in frames.items():
        for column in frame.columns:
            for values in _changes(frame[column]):
                changed = {**frames, key: frame.assign(**{column: values})}
                after = _rows(function, changed, library, column)
                if after is not None and after != before:
                    yield key, column
                    break


def _changes(column: Any) -> Iterator[Any]:
    """Yield other values for a column: those of other rows, constants, and missing ones."""
    import numpy as np

    some = np.random.default_rng(5)
    yield column.iloc[::-1].set_axis(column.index)
    yield column.iloc[some.permutation(len(column))].set_axis(column.index)
    for value in dict.fromkeys(column.dropna().head(_CONSTANTS)):
        yield column.where(some.random(len(column)) < 0.5, value)
        yield column.where(np.zeros(len(column), bool), value)
    if column.dtype.kind in "fOM":
        yield column.where(some.random(len(column)) < 0.5)


def _rows(function: Callable[..., Any], frames: Frames, library: str, changed: str) -> Counter[int] | None:
    """Return how often each row of the orders is in the answer; None if no column names its rows."""
    try:
        made = function(*(converted(frame, library) for frame in frames.values()))
        made = made.to_pandas() if library == "polars" else made
        columns = {name: made[name].tolist() for name in made.columns}
    except Exception:  # a constant may break a function: that is no finding about its rows
        return None
    table = frames["orders"]
    for name in ("id", "amount", "day", "qty"):
        places = {value: place for place, value in enumerate(table[name].tolist())}
        if name == changed or len(places) < len(table):
            continue
        for values in columns.values():
            if values and all(value in places for value in values):
                return Counter(places[value] for value in values)
    return None


def main() -> None:
    """Print the table, the claims that are wrong or missed, and the functions without a claim."""
    one, two = {"orders": orders()}, {"orders": orders(), "people": people()}
    scores = [
        score("functions of pandas, by their rules", PANDAS_ONE, one, "pandas"),
        score("functions of pandas with two inputs", PANDAS_TWO, two, "pandas"),
        score("functions of polars, by their rules", POLARS_ONE, one, "polars"),
        score("functions of polars with two inputs", POLARS_TWO, two, "polars"),
    ]
    print("| | functions known | columns claimed | precision | recall |\n|---|---|---|---|---|")
    for found in scores:
        print(found.row())
    for found in scores:
        print(*(f"wrong or missed: {each}" for each in found.wrong), sep="\n")
        print(*(f"unknown: {each}" for each in found.unknown), sep="\n")


if __name__ == "__main__":
    main()
