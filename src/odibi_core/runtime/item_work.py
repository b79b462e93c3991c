"""The work of a mapped step in a worker: one item, several short ones, and the combination of what they made."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from operator import itemgetter
from typing import Any

from odibi_core.engines.frame import is_frame
from odibi_core.engines.frame_narwhals import stacked
from odibi_core.engines.lineage.items import LOOKED_AT, Found
from odibi_core.errors import STOPS, StepError
from odibi_core.events.clock import monotonic
from odibi_core.executors.base import Batch
from odibi_core.executors.sent_errors import sent_error
from odibi_core.pipeline import Step
from odibi_core.runtime.step_task import StepTask
from odibi_core.runtime.step_work import (
    ItemAnswer,
    Outcome,
    StepReport,
    StepWork,
    descriptions_of,
    reported,
    rows_of,
    working,
)
from odibi_core.runtime.worker_budgets import budgets_of


def work_of_item(frames: dict[str, Any], task: StepTask) -> tuple[dict[str, Any], StepReport]:
    """Call the function of a mapped step for one item; nothing is examined before all items are there."""
    with working(task) as (work, notes):
        found: list[Found] = []
        began = monotonic()
        made = _looked_at(work, task, frames, found)
        return made, StepReport(notes.notes, Outcome(rows_of(made), [], []), monotonic() - began, columns=found)


def item_columns(work: StepWork, made: Mapping[str, Any]) -> Found | None:
    """Return the origins of the columns of the frame that an item made, or a reason; None if it had no look."""
    frame = next(iter(made.values()), None)
    if work.content is None or not is_frame(frame):
        return None
    if isinstance(work.looks, str):
        return work.looks
    found = work.content.columns(work.looks, frame, work.step.inputs, ())
    return found if found.origins else "it is no eager frame of a known library"


def _looked_at(work: StepWork, task: StepTask, frames: dict[str, Any], found: list[Found]) -> dict[str, Any]:
    """Return what one item makes; of the first ones that work here, the origins of the columns go into `found`."""
    seen = budgets_of(task.run_id).items_seen
    work.content = descriptions_of(task).content if seen[task.step.name] < LOOKED_AT else None
    made = work.operate(frames, copied=True)
    if (columns := item_columns(work, made)) is not None:
        seen[task.step.name] += 1
        found.append(columns)
    return made


def work_of_items(frames: dict[str, Any], task: StepTask) -> tuple[dict[str, Any], StepReport]:
    """Call the function of a mapped step for several items; one that fails does not end the others.

    Args:
        frames: The inputs; that of the items is the position of the first one, and all of them.
        task: The step.

    Returns:
        A `Batch` of the results with their positions, and the report with the answer of each item.
    """
    first, items = frames.pop(str(task.step.map))
    results, answers = Batch(), []
    found: list[Found] = []
    with working(task) as (work, notes):
        for position, item in enumerate(items, first):
            began, rows, error = monotonic(), None, None
            try:
                made = _looked_at(work, task, {**frames, str(task.step.map): item}, found)
                rows = rows_of(made)
                results.append((position, next(iter(made.values()), None)))
            except STOPS:
                raise
            except BaseException as raised:
                error = sent_error(raised)
            finally:
                answers.append(ItemAnswer(rows, error, monotonic() - began))
        return {"items": results}, StepReport(notes.notes, Outcome(None, [], []), items=answers, columns=found)


def work_of_combination(frames: dict[str, Any], task: StepTask) -> tuple[dict[str, Any], StepReport]:
    """Combine what a mapped step made of its items, `frames` by position, and examine it."""
    results: list[tuple[int, Any]] = []
    for name in [name for name in frames if name.isdigit()]:
        made = frames.pop(name)
        results.extend(made if type(made) is Batch else [(int(name), made)])
    results.sort(key=itemgetter(0))
    made = [result for _, result in results]
    return reported(frames, task, lambda work: work.by_logical_name(combined(task.step, made)))


def combined(step: Step, results: list[Any]) -> Any:
    """Return the results of the items of a mapped step as its one result.

    Raises:
        StepError: They have no common columns or types.
    """
    if step.combine == "list" or not step.outputs:
        return results
    if all(type(result) is list for result in results):
        return list(chain.from_iterable(results))
    try:
        return stacked(results)
    except STOPS:
        raise
    except BaseException as error:
        raise StepError(f"step {step.name!r}: the rows of its items cannot be combined: {error}") from error
