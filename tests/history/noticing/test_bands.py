"""The usual ranges of the statistics of columns, which agree with the judgement of the run."""

from __future__ import annotations

from typing import Any

import pytest
from tests.history.noticing.made import frame_of, history, place, run

from odibi_core.history.noticing.bands import Band, usual_columns
from odibi_core.history.noticing.families import LEARNING
from odibi_core.history.noticing.judge import judge


def bands(change: Any = None, earlier: int = 40) -> dict[tuple[str, str, str], Band]:
    found = usual_columns(run(earlier, change), history(earlier)).bands
    return {(each.node_name, each.column_name, each.metric): each for each in found}


def test_a_run_is_compared_from_five_runs_on() -> None:
    """Below, the number of runs shows how far the learning is; it is 0 for the first run."""
    assert LEARNING == 5
    for earlier in (0, 4):
        found = usual_columns(run(earlier), history(earlier))
        assert (found.compared_runs, found.bands) == (earlier, [])
    band = bands(earlier=5)["load", "delay", "mean"]
    assert len(band.values) == 6
    assert None not in (band.low, band.high)


@pytest.mark.parametrize("mean", [30.0, 48.0, 50.0, 52.0, 80.0])
@pytest.mark.parametrize("nulls", [0.0, 0.2])
def test_a_value_is_beyond_its_range_if_the_run_is_unusual_for_it(mean: float, nulls: float) -> None:
    """One mechanism decides both; the value itself is the last of the series."""

    def change(steps: dict[str, Any]) -> None:
        values = frame_of(steps, "load")["columns"]["delay"]
        values[place("mean")], values[place("null_share")] = mean, nulls

    found = bands(change)
    judged = {
        (each.node_name, each.column, each.series.rpartition(".")[2])
        for each in judge(run(40, change), history()).findings
    }
    for metric in ("mean", "nulls"):
        band = found.get(("load", "delay", metric))
        assert (band is not None and band.is_unusual) == (("load", "delay", metric) in judged), metric
    assert found["load", "delay", "mean"].values[-1] == mean
    assert ("load", "delay", "nulls") in found or nulls == 0.0, "a share that never moved needs no range"


def test_the_values_are_few_and_the_unusual_first() -> None:
    """A document has room for some hundred ranges."""

    def change(steps: dict[str, Any]) -> None:
        frame_of(steps, "joined")["columns"]["wind"][place("mean")] = 90.0

    found = usual_columns(run(40, change), history()).bands
    assert [(each.node_name, each.column_name) for each in found if each.is_unusual] == [("joined", "wind")]
    assert found[0].is_unusual
    assert {len(each.values) for each in found} == {20}
