"""The budgets of measurements in a worker process."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from odibi_core.engines import stats_budget
from odibi_core.observability import Step
from odibi_core.runtime.step_task import StepTask
from odibi_core.runtime.step_work import StepReport, work_of_step
from odibi_core.runtime.worker_budgets import budgets_of
from odibi_core.testing import fresh_program


def made() -> Any:
    return pd.DataFrame({"n": range(300)})


def reported(run_id: str) -> StepReport:
    """Do the work of a step of a run in this process, as a worker does."""
    step = Step(name="made", value=made, outputs={"out": "frame"})
    task = StepTask(step, "pandas", True, run_id, {}, None, "auto", 5, joins=True, files=None, shared=True)
    return work_of_step({}, task)[1]


def test_the_steps_of_a_run_share_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics of one step leave less for the next one of that run; another run has a budget of its own."""
    monkeypatch.setattr(stats_budget, "FLOOR_S", 0.05)
    monkeypatch.setattr(stats_budget, "SHARE", 0.0)
    with fresh_program():
        first = reported("one").descriptions()["frame"]
        budgets_of("one").stats.spend(1.0)
        second, other = reported("one").descriptions()["frame"], reported("two").descriptions()["frame"]
        assert [name in each for each in (first, second, other) for name in ("stats",)] == [True, False, True]
        assert second["metadata"]["stats_skipped"] == "the budget for statistics is spent"
        assert budgets_of("one").joins is budgets_of("one").joins


def test_the_budgets_of_the_latest_runs_are_kept() -> None:
    """A worker of a cluster serves runs for weeks, and none of them leaves anything."""
    with fresh_program():
        first = budgets_of("run 0")
        for number in range(100):
            budgets_of(f"run {number}")
            assert budgets_of("run 99") is budgets_of("run 99")
        assert budgets_of("run 0") is not first
