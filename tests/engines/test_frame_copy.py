"""Copies for code that changes what it is given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.engines.frame_copy import separate


class Own(pd.DataFrame):
    """A subclass, as GeoPandas has one."""

    @property
    def _constructor(self) -> type[Own]:
        return Own


def change_pandas(frame: Any) -> None:
    frame.loc[0, "n"] = 99
    frame.loc[len(frame)] = 4
    frame["more"] = 1


def change_polars(frame: Any) -> None:
    frame.drop_in_place("n")
    frame.insert_column(0, pl.Series("more", [1, 1]))


def change_rows(rows: Any) -> None:
    rows[0]["n"] = 99
    rows.pop()


def change_columns(columns: Any) -> None:
    columns["n"].append(99)
    columns["more"] = [1]


def set_first(values: Any) -> None:
    values[0] = 99


CHANGES: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "pandas": (lambda: pd.DataFrame({"n": [1, 2]}), change_pandas),
    "a subclass": (lambda: Own({"n": [1, 2]}), change_pandas),
    "a pandas series": (lambda: pd.Series([1, 2]), set_first),
    "polars": (lambda: pl.DataFrame({"n": [1, 2]}), change_polars),
    "a polars series": (lambda: pl.Series([1, 2]), set_first),
    "numpy": (lambda: np.array([1, 2]), set_first),
    "rows": (lambda: [{"n": 1}, {"n": 2}], change_rows),
    "columns": (lambda: {"n": [1, 2]}, change_columns),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_the_original_stays_as_it_was(kind: str) -> None:
    """No change of the copy, which is of the same type, reaches it."""
    make, change = CHANGES[kind]
    original = make()
    copy = separate(original)
    assert type(copy) is type(original)
    change(copy)
    assert repr(original) == repr(make())


FIXED = [1, "a", None, (1,), pl.LazyFrame({"n": [1]}), pa.table({"n": [1]}), object()]


@pytest.mark.parametrize("value", FIXED, ids=lambda value: type(value).__name__)
def test_what_cannot_be_changed_or_is_unknown_is_given_as_it_is(value: Any) -> None:
    """The same object."""
    assert separate(value) is value


@pytest.mark.parametrize(
    ("version", "option", "deep"),
    [("2.2.3", False, True), ("2.2.3", "warn", True), ("2.2.3", True, False), ("3.0.0", None, False)],
)
def test_pandas_copies_the_data_unless_it_copies_on_write(
    version: str, option: Any, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shallow copy would share the values; pandas 3 always copies on write, and is not asked."""
    mode = SimpleNamespace(copy_on_write=option)
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(__version__=version, options=SimpleNamespace(mode=mode)))

    class DataFrame:
        __module__ = "pandas.core.frame"

        def copy(self, deep: bool) -> bool:
            return deep

    assert separate(DataFrame()) is deep
