"""Unique texts for column labels that are numbers, tuples or repeated, because narwhals finds columns by text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

from odibi_core.checks.comparison import python_value
from odibi_core.errors import CheckError, nearest


def addressable(frame: Any) -> Any:
    """Return the frame with one unique text for each column; the same object if it has that already.

    A text that names one column stays as it is. Any other label becomes a text in angle brackets, and a repeated
    label gets its position. The frame given is not changed, and no data is copied.
    """
    from narwhals import dependencies

    if isinstance(frame, dict):
        labels = list(frame)
        return frame if _is_plain(labels) else dict(zip(keys_of(labels), frame.values(), strict=True))
    if dependencies.is_pandas_dataframe(frame):
        labels = frame.columns.tolist()
        if not _is_plain(labels):
            frame = frame.copy(deep=False)
            frame.columns = keys_of(labels)
    elif dependencies.is_pyarrow_table(frame) and not _is_plain(frame.column_names):
        frame = frame.rename_columns(keys_of(frame.column_names))
    return frame


def keys_of(labels: Sequence[Hashable]) -> list[str]:
    """Return the key of each label, in order."""
    times = Counter(labels)
    return [key_of(label) if times[label] == 1 else f"{_repeated(label)}{place})" for place, label in enumerate(labels)]


def key_of(label: object) -> str:
    """Return the text that stands for a label: a text itself, otherwise `<0>` or `<('a', 'b')>`."""
    return label if isinstance(label, str) else f"<{label!r}>"


def _repeated(label: object) -> str:
    return f"{key_of(label)} (column "


def _is_plain(labels: Sequence[Hashable]) -> bool:
    return all(isinstance(label, str) for label in labels) and len(set(labels)) == len(labels)


def column_label(label: Any, check: str) -> Hashable:
    """Return the label of a check's column as plain Python.

    Raises:
        CheckError: it is None or cannot name a column, as a list cannot.
    """
    label = python_value(label)
    if label is None or not isinstance(label, Hashable):
        more = f"; {check}() takes one column, so write a check for each" if isinstance(label, list) else ""
        raise CheckError(f"{check}(): column must be the label of a column, got {label!r}{more}")
    return label


def named_check(kind: str, name: Any) -> str:
    """Return the name of a check; that of its kind if none is given.

    Raises:
        CheckError: It is no text.
    """
    if name is None:
        return kind
    if not isinstance(name, str) or not name.strip():
        raise CheckError(f"{kind}(): name must be a text, got {name!r}")
    return name


def text_labels(given: Any, what: str) -> tuple[str, ...]:
    """Return names of columns that are given as one text or as several; none for None.

    Raises:
        CheckError: They are not texts, or one is there twice.
    """
    listed = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(listed, list | tuple) or not all(isinstance(each, str) and each for each in listed):
        raise CheckError(f"{what} must be the name of a column, or a list of names, got {given!r}")
    if len(set(listed)) < len(listed):
        raise CheckError(f"{what} must name each column once, got {given!r}")
    return tuple(listed)


def column_of(frame: Any, label: Any) -> Any:
    """Return the narwhals Series of that label, or the column of a planned frame.

    A text also finds the number or tuple that it spells.

    Raises:
        CheckError: no column has the label, or several have.
    """
    columns = frame.columns
    for key in (key_of(label), f"<{label}>"):
        if key in columns:
            return frame[key]
    if times := sum(column.startswith(_repeated(label)) for column in columns):
        raise CheckError(f"column {label!r} is there {times} times; a check needs a label of its own")
    raise CheckError(f"there is no column {label!r}{nearest(label, columns)}")
