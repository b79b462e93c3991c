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
