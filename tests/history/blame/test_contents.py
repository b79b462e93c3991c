"""The contents of frames in two runs, compared by their statistics."""

from __future__ import annotations

import pandas as pd

from odibi_core.events import Event
from odibi_core.history.blame.contents import Contents
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.rows import tables_of
from odibi_core.orchestrator import Orchestrator

NAMES = tuple("zyxwvutsr")


def run(factor: float) -> RunData:
    """Run one step that makes nine columns of numbers, each times the factor."""
    found: list[Event] = []

    def sales() -> pd.DataFrame:
        return pd.DataFrame({name: [factor * (place + row) for row in range(50)] for place, name in enumerate(NAMES)})

    plan = Orchestrator([sales], pipeline_name="shop")
    plan.bus.subscribe(found.append)
    plan.execute()
    return RunData(tables_of(found))


def test_signals_have_the_order_of_the_columns() -> None:
    """That of a set is another one in each process, and the answer would not be that of the record."""
    signals = list(Contents(run(1.0), run(100.0)).signals())
    assert [each.column for each in signals if each.effect == "unit"] == list(NAMES)


def test_a_frame_without_statistics_is_not_the_same() -> None:
    """Statistics that were left out in both runs show nothing: equal rows and nulls are not equal contents."""
    before, after = run(1.0), run(1.0)
    assert Contents(before, after).of_step("sales") == "same"
    for data in (before, after):
        for found in data.columns.values():
            for row in found.values():
                row.update(dict.fromkeys(("distinct", "min", "max", "mean", "deviation", "top")))
                row.update(dict.fromkeys(("q05", "q25", "median", "q75", "q95")))
    assert Contents(before, after).of_step("sales") == "unknown"
