"""Examples of the rows of a cause, redacted, and the way of one of them through the steps."""

from __future__ import annotations

from typing import Any, Final

from odibi_core.engines.duckdb_tables import Tables
from odibi_core.errors import EngineError, StoreError
from odibi_core.history.comparison.run_data import RunData
from odibi_core.runtime.resume.past_frames import PastFrames
from odibi_core.runtime.tracing.answer import Link
from odibi_core.runtime.tracing.asking import SHOWS, shown
from odibi_core.runtime.tracing.walking import trace_row
from odibi_core.runtime.why.answer import StepRows
from odibi_core.settings import Settings

_ROW: Final = "one row"


def examples_of(
    rows: StepRows, frames: PastFrames, settings: Settings, most: int, missing: list[str]
) -> list[dict[str, Any]]:
    """Return rows of the main input that a step lost, doubled or did not match, each value redacted by its column."""
    numbers = _numbers(rows)[:most]
    if not numbers or not most:
        return []
    if settings.rows.show != SHOWS:
        missing.append(f"examples: ODIBI_ROWS__SHOW is {settings.rows.show}; {SHOWS} shows them")
        return []
    dataset = str(rows.change.main_dataset)
    try:
        with Tables() as tables:
            tables.add(dataset, frames.dataset(dataset))
            found = [
                each
                for number in numbers
                if tables.keep_row(_ROW, dataset, number)
                for each in tables.examples(_ROW, 1)
            ]
    except (StoreError, EngineError) as error:
        missing.append(f"examples: {error}")
        return []
    return list(map(shown, found))


def way_of(rows: StepRows, frames: PastFrames, run: RunData, missing: list[str]) -> tuple[list[Link], str]:
    """Return the way of one row that a step lost, doubled or did not match, and the words for that row."""
    numbers, dataset = _numbers(rows), rows.change.main_dataset
    if not numbers or dataset is None:
        return [], ""
    words = f"row {numbers[0]:,} of {dataset}"
    try:
        return trace_row(run, frames.dataset, dataset, numbers[0]).links, words
    except (StoreError, EngineError) as error:
        missing.append(f"the way of {words}: {error}")
        return [], ""


def _numbers(rows: StepRows) -> list[int]:
    """Return the row numbers of the cause of most rows that has some."""
    return next((each.examples for each in rows.change.causes if each.examples), [])
