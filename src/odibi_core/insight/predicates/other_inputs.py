"""Rows whose key is in another input, for inputs of any two libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odibi_core.insight.base import Test
from odibi_core.insight.frames.matching import distinct
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.features import column_of, in_one_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column
    from odibi_core.insight.frames.frame import Frame


def in_other(test: Test, frame: Frame, others: Mapping[str, Frame]) -> NDArray[np.bool_]:
    """Return the rows whose values of `columns` are those of `keys` in a row of the other input; null is in none.

    Raises:
        CannotEvaluate: The other input or a column is missing, or the columns have values of other kinds.
    """
    import numpy as np

    mine, found = _key_numbers(test, frame, others)
    return (mine >= 0) & np.isin(mine, found[found >= 0])


def many_in_other(test: Test, frame: Frame, others: Mapping[str, Frame]) -> NDArray[np.bool_]:
    """Return the rows whose values of `columns` are those of `keys` in several rows of the other input.

    Raises:
        CannotEvaluate: The other input or a column is missing, or the columns have values of other kinds.
    """
    import numpy as np

    mine, found = _key_numbers(test, frame, others)
    known, counts = np.unique(found[found >= 0], return_counts=True)
    return (mine >= 0) & np.isin(mine, known[counts > 1])


def partners(test: Test, frame: Frame, others: Mapping[str, Frame]) -> NDArray[np.int64]:
    """Return for each row the first row of the other input with its key, -1 if there is none.

    Raises:
        CannotEvaluate: The other input or a column is missing, or the columns have values of other kinds.
    """
    import numpy as np

    mine, found = _key_numbers(test, frame, others)
    known, firsts = np.unique(found, return_index=True)
    if not len(known):
        return np.full(len(mine), -1, np.int64)
    at = np.minimum(np.searchsorted(known, mine), len(known) - 1)
    return np.where((known[at] == mine) & (mine >= 0), firsts[at], -1)


def _key_numbers(test: Test, frame: Frame, others: Mapping[str, Frame]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a number for the key of each row of both inputs, -1 for one with a null."""
    import numpy as np

    if test.other not in others:
        raise CannotEvaluate(f"the step has no input {test.other!r}")
    other = others[test.other]
    mine = np.zeros(frame.height, np.int64)
    found = np.zeros(other.height, np.int64)
    for name, key in zip(test.columns, test.keys or test.columns, strict=True):
        codes, there, count = _codes(column_of(frame, name), column_of(other, key))
        mine, found = _combined(mine, codes, count), _combined(found, there, count)
        if count * (int(found.max(initial=0)) + 1) > 2**40:
            mine, found = _renumbered(mine, found)
    return mine, found


def _combined(numbers: Any, codes: Any, count: int) -> Any:
    import numpy as np

    return np.where((numbers < 0) | (codes < 0), -1, numbers * count + codes)


def _renumbered(mine: Any, found: Any) -> tuple[Any, Any]:
    """Number the combinations of the other input from 0 again, so that the next product stays within 64 bits."""
    known = distinct(found[found >= 0])
    return _places(mine, known), _places(found, known)


def _places(numbers: Any, known: Any) -> Any:
    import numpy as np

    if not len(known):
        return np.full(len(numbers), -1, np.int64)
    at = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[at] == numbers, at, -1)


def _codes(column: Column, key: Column) -> tuple[Any, Any, int]:
    """Return the place of each row's value among the values of the other input, for both inputs; -1: not there."""
    import numpy as np

    if column.kind == key.kind == "text":
        known = list(dict.fromkeys(text for text in key.text.unique().to_list() if isinstance(text, str)))
        return _text_codes(column, known), _text_codes(key, known), max(len(known), 1)
    left, right = in_one_unit(column, key)
    numbers = distinct(right.numbers[right.valid])
    mine = np.where(left.valid, _places(left.numbers, numbers), -1)
    return mine, np.where(right.valid, _places(right.numbers, numbers), -1), max(len(numbers), 1)


def _text_codes(column: Column, known: list[str]) -> Any:
    import numpy as np

    native = column.text.to_native()
    library = type(native).__module__.partition(".")[0]
    if not known:
        return np.full(len(column.nulls), -1, np.int64)
    if library == "pandas":
        import pandas as pd

        codes = pd.Index(known, dtype="str").get_indexer(pd.Index(native))
        return np.where(column.nulls, -1, codes)
    if library == "polars":
        codes = native.replace_strict(known, list(range(len(known))), default=-1)
        return np.where(column.nulls, -1, np.asarray(codes.fill_null(-1)).astype(np.int64))
    coded = native.combine_chunks().dictionary_encode()
    places = {text: place for place, text in enumerate(known)}
    place_of = np.array([places.get(text, -1) for text in coded.dictionary.to_pylist()] + [-1], np.int64)
    return place_of[np.asarray(coded.indices.fill_null(-1)).astype(np.int64)]
