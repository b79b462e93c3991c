"""The tables of the cases by name, as polars or pandas frames, each loaded once."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import polars as pl

from benchmarks.insight.generated import GENERATED
from benchmarks.insight.public import PUBLIC

Library = Literal["pandas", "polars"]


@cache
def polars_table(name: str) -> pl.DataFrame:
    """Return a table as a polars frame."""
    return (PUBLIC | GENERATED)[name]()


@cache
def _pandas_table(name: str) -> Any:
    return polars_table(name).to_pandas()


def table(name: str, library: Library) -> Any:
    """Return a table as a frame of the library; a copy, because an operation may change it in place."""
    return polars_table(name) if library == "polars" else _pandas_table(name).copy()
