"""The steps of a run that do not run: they are taken or left out before the first step begins."""

from __future__ import annotations

from typing import Any

from odibi_core.pipeline import Graph, Progress
from odibi_core.runtime.resume.plan import RunPlan
from odibi_core.runtime.resume.taking import publish_taken, taken_from
from odibi_core.runtime.step_runner import StepRunner


def begin(graph: Graph, plan: RunPlan, runner: StepRunner, progress: Progress) -> list[int]:
    """Publish the steps that do not run; return those that are ready to run.

    Args:
        graph: The steps.
        plan: The action of each.
        runner: Has the datasets that are taken.
        progress: The state of the run, in which these steps have finished afterwards.
    """
    runs = set(plan.indexes("run"))
    ready = [index for index in graph.roots() if index in runs]
    for index in graph.order:
        if index in runs:
            continue
        step = plan.steps[index]
        if step.action == "take" and plan.past is not None:
            rows = publish_taken(runner.events(index), plan.past, step.name)
            runner.take(index, rows, taken_from(plan.past, step.name))
            runner.check_results.extend(
                event.fields.get("passed") for event in plan.past.facts.get(step.name, ()) if "passed" in event.fields
            )
        else:
            runner.skip(index, step.reason, None, is_wanted=True)
        ready += [each for each in progress.finish(index)[0] if each in runs]
    return ready


def rows_of_plan(plan: RunPlan, rows: list[dict[str, Any]]) -> None:
    """Add to the rows of the recorded plan what is done with each step, and why, if not every step runs."""
    if plan.past is None and not plan.selection:
        return
    for row, step in zip(rows, plan.steps, strict=True):
        row |= {"action": step.action, "because": step.reason}
        if step.note is not None:
            row["note"] = step.note
