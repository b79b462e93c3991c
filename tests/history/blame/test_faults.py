"""Blame over real runs: the first step of each kind of fault, against one good run."""

from __future__ import annotations

from functools import cache

import pytest
from tests.history.blame.shop import FAULTS, events_of

from odibi_core.history.blame import CAUSES, Blame, blame
from odibi_core.history.comparison.run_data import RunData
from odibi_core.history.rows import tables_of


@cache
def run(fault: str = "", seed: int = 1) -> RunData:
    return RunData(tables_of(events_of(fault, seed)))


def blamed(fault: str, seed: int = 1) -> Blame | None:
    return blame(run(), run(fault, seed))


@pytest.mark.parametrize("fault", FAULTS)
def test_the_step_and_the_class_of_a_fault(fault: str) -> None:
    """Over the same data the step is certain, and the sentence names it."""
    found = blamed(fault)
    assert found is not None
    assert (found.step, found.cause) == FAULTS[fault]
    assert found.cause in CAUSES
    assert found.step in found.sentence
    assert found.evidence


@pytest.mark.parametrize("fault", ["truncated", "doubled", "cents", "latin", "without a segment", "inverted", "left"])
def test_a_fault_among_data_of_another_day(fault: str) -> None:
    """The step is the same one if all other values of the orders changed too, within their noise."""
    found = blamed(fault, seed=2)
    assert found is not None
    assert (found.step, found.cause) == FAULTS[fault]


def test_two_equal_runs_blame_nothing() -> None:
    """No step is named if none differs."""
    assert blame(run(), RunData(tables_of(events_of()))) is None


def test_other_values_within_their_noise_are_only_possible() -> None:
    """Data of another day is no fault: the answer is not sure of it."""
    found = blamed("", seed=2)
    assert found is not None
    assert (found.certainty, found.cause) == ("possible", "unknown")
