"""Rows and missing values of Parquet files that Spark reads or has written, from their footers and without a job."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any, Final

from odibi_core.engines import spark_rows
from odibi_core.errors import STOPS

MOST_FILES: Final = 100
"""Footers that are looked at before a step reads, which takes about a millisecond each."""


def learn_written(frame: Any, folder: str) -> None:
    """Keep the rows and the missing values of a frame that was written to a local folder of Parquet files."""
    found = (os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)
    _learn(frame, [path for path in found if path.endswith(".parquet")])


def learn_read(frame: Any, sources: Collection[str]) -> None:
    """Keep the rows and the missing values of a frame of local Parquet files, if they are not too many."""
    if len(sources) <= MOST_FILES:
        _learn(frame, sources)


def _learn(frame: Any, paths: Iterable[str]) -> None:
    try:
        rows, nulls = _counts(paths)
    except STOPS:
        raise
    except Exception:
        return  # a footer that only Spark can read: the rows stay unknown
    columns = frame.columns
    if len(set(columns)) == len(columns):
        spark_rows.learn(
            frame, rows, {name: count for name in columns if (count := nulls.get(name)) is not None} or None
        )


def _counts(paths: Iterable[str]) -> tuple[int, dict[str, int | None]]:
    """Return the rows of files, and the missing values of each flat column; None for one whose footer lacks them."""
    import pyarrow.parquet as pq

    rows, nulls = 0, {}
    per_file: list[dict[str, int | None]] = []
    for path in paths:
        footer = pq.read_metadata(path)
        rows += footer.num_rows
        per_file.append(_nulls(footer))
    names = set.intersection(*map(set, per_file)) if per_file else set()
    for name in names:
        counts = [each[name] for each in per_file]
        nulls[name] = None if None in counts else sum(count for count in counts if count is not None)
    return rows, nulls


def _nulls(footer: Any) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for place in range(footer.num_columns):
        column = footer.schema.column(place)
        if column.path != column.name or column.max_repetition_level:
            continue
        count: int | None = 0
        for group in range(footer.num_row_groups):
            stats = footer.row_group(group).column(place).statistics
            has_count = stats is not None and stats.has_null_count
            count = None if count is None or not has_count else count + stats.null_count
        found[column.name] = count
    return found
