"""Random losses of 1 to 1,000 rows that no rule explains, from 5,000 rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.insight.answer import Answer, Entry, Mask
from benchmarks.insight.data import Library, polars_table
from benchmarks.insight.score import claims_half

ROWS: Final = 5_000
MOST: Final = 1_000
TABLES: Final = ("january", "diamonds", "superstore", "baseball", "orders", "payments", "readings", "clicks", "players")


def on_time(table: Any) -> Any:
    """Return a table with a new column; the constants explain nothing, and must not be taken for a reason."""
    return table[(table["dep_delay"] > 60) & (table["carrier"] != "AA")]


def in_stock(table: Any) -> Any:
    """Return a table as a shop would filter it; nothing of it is done in a random loss."""
    return table[(table["quantity"] >= 3) | (table["price"] > 100) | (table["points"] > 12) | (table["value"] < 20)]


SOURCES: Final[tuple[Callable[..., Any] | None, ...]] = (None, None, None, on_time, in_stock)
"""Two of five losses come with the source of a function that does something else."""


@dataclass(frozen=True)
class Loss:
    """A random loss."""

    number: int
    table: str
    library: Library
    lost: int
    source: Callable[..., Any] | None
    frame: Any
    output: Any
    is_lost: Mask


@dataclass(frozen=True)
class LossOutcome:
    """The answer about a random loss: whether a false claim is made, and of what."""

    number: int
    table: str
    library: str
    lost: int
    has_source: bool
    false_claim: bool
    is_counted: bool
    texts: tuple[str, ...]


def losses(count: int = 1_000, tables: tuple[str, ...] = TABLES, first: int = 0) -> Iterator[Loss]:
    """Yield so many losses; their sizes are even on a logarithmic scale. The first 1,000 are those of the results."""
    for number in range(first, first + count):
        draw = np.random.RandomState(40_000 + number)
        table = tables[number % len(tables)]
        library: Library = "pandas" if number // len(tables) % 2 == 0 else "polars"
        whole = polars_table(table)
        some = whole[np.sort(draw.choice(whole.height, min(ROWS, whole.height), replace=False))]
        lost = round(float(np.exp(draw.uniform(0, np.log(MOST)))))
        keeps = np.ones(some.height, dtype=bool)
        keeps[draw.choice(some.height, lost, replace=False)] = False
        frame, output = _frames(some, keeps, library)
        yield Loss(number, table, library, lost, SOURCES[number % len(SOURCES)], frame, output, ~keeps)


def _frames(some: pl.DataFrame, keeps: Any, library: Library) -> tuple[Any, Any]:
    if library == "polars":
        return some, some.filter(pl.Series(keeps))
    frame: pd.DataFrame = some.to_pandas()
    return frame, frame[keeps]


def judged(loss: Loss, entry: Entry) -> LossOutcome:
    """Explain a loss; a claim about at least half of the lost rows is false, because no rule made them."""
    inputs: Mapping[str, Any] = {loss.table: loss.frame}
    try:
        answer = entry(inputs, loss.output, loss.source)
    except Exception as error:
        answer = Answer(reason=f"{type(error).__name__}: {error}"[:300])
    texts = tuple(f"{each.side}: {each.text}" for each in answer.claims)
    has_source = loss.source is not None
    is_counted = answer.lost == loss.lost
    return LossOutcome(
        loss.number, loss.table, loss.library, loss.lost, has_source, claims_half(answer), is_counted, texts
    )
