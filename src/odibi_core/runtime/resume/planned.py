"""The plan of a run and the frames that it takes, from what a user asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from odibi_core.errors import ConfigurationError, StoreError
from odibi_core.runtime.resume.choosing import LATEST, run_to_resume, run_with
from odibi_core.runtime.resume.identity import Identities
from odibi_core.runtime.resume.kept_frames import KeptFrame
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.runtime.resume.plan import RunPlan, Selection, inputs_of, resume_plan, selected_plan, whole
from odibi_core.runtime.resume.taking import load_frames

if TYPE_CHECKING:
    from odibi_core.runtime.orchestrator import Orchestrator


class Planned(NamedTuple):
    """A plan, and the datasets that it takes by key."""

    plan: RunPlan
    frames: dict[str, Any]


def planned(run: Orchestrator, resume: str | bool | None, selection: Selection | None) -> Planned:
    """Return the plan of a run with the datasets that it takes, each of which was read and is whole.

    Raises:
        ConfigurationError: The run cannot be resumed, a name is that of no step, or a dataset is missing.
        RunNotFoundError: There is no such run.
    """
    asked = _Asked(run, resume, selection or Selection())
    while True:
        plan = asked.plan()
        frames: dict[str, Any] = {}
        for index in plan.indexes("take"):
            try:
                assert plan.past is not None
                frames |= load_frames(run.graph, index, plan.steps[index], plan.past)
            except StoreError as error:
                asked.lose(plan, index, str(error))
                break
        else:
            return Planned(plan, frames)


class _Asked:
    """A wish of a user, and the earlier run that results are taken from."""

    def __init__(self, run: Orchestrator, resume: str | bool | None, selection: Selection) -> None:
        self._run = run
        self._selection = selection
        self._past: PastRun | None = None
        if not (resume or selection):
            return
        if run.store is None:
            raise ConfigurationError("store must be a folder to resume a run or to run some steps, got False")
        store, name, purpose = run.store, run.pipeline_name, run.purpose
        if resume:
            self._past = run_to_resume(store, name, purpose, LATEST if resume is True else str(resume))
        else:
            chosen = selection.steps(run.graph)
            if inputs_of(run.graph, chosen):
                self._past = run_with(store, name, purpose, run.graph, chosen)

    def plan(self) -> RunPlan:
        graph, past = self._run.graph, self._past
        if past is None and not self._selection:
            return whole(graph)
        identities = Identities()
        known = [identities.of(step) for step in graph.steps]
        if self._selection:
            return selected_plan(graph, self._selection, known, past)
        assert past is not None
        return resume_plan(graph, known, past, self._run.kept)

    def lose(self, plan: RunPlan, index: int, reason: str) -> None:
        """Note that the datasets of a step cannot be read: the next plan does without them."""
        assert self._past is not None
        for key in plan.steps[index].loads:
            self._past.kept[key] = KeptFrame(key, reason=reason)
