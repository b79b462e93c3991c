"""Replaying: one recorded step runs again with its kept inputs, and its result is compared with the record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import walk_tb
from typing import Any, Final

import msgspec

from odibi_core.errors import STOPS, ConfigurationError, StepError, StoreError
from odibi_core.events import Event, kinds
from odibi_core.events.failure import describe_failure
from odibi_core.pipeline import Graph, Step
from odibi_core.pipeline.step import needs_of_checks
from odibi_core.runtime.map_runner import items_of
from odibi_core.runtime.node_events import Descriptions
from odibi_core.runtime.notes import Notes
from odibi_core.runtime.resume.items import item_of
from odibi_core.runtime.resume.kept_frames import FrameKeeper, KeptFrame, load, missing
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.runtime.step_runner import is_wanted
from odibi_core.runtime.step_work import Beside, Outcome, StepWork, rows_of
from odibi_core.settings.sections import Keep
from odibi_core.views.values import count, text

_LINE: Final = re.compile(r'File "([^"]+)", line (\d+)')
Debug = Callable[[BaseException], object]


class StepResult(msgspec.Struct, frozen=True):
    """The result of a step: a failure with its line in the function's file, or the rows that it made."""

    status: str
    error_type: str | None = None
    error: str | None = None
    line: int | None = None
    """Counted from the first line of the function, so that code above it may move."""
    rows: int | None = None


class Replayed(msgspec.Struct, frozen=True):
    """A replay: both results, and how far they are the same."""

    run_id: str
    step: str
    recorded: StepResult
    result: StepResult
    is_identical: bool | None
    """None if both succeeded and the record does not hold the frames to compare."""
    differences: list[str]
    inputs: dict[str, KeptFrame]
    task: int | None = None
    """The place of the item of a mapped step, from 0."""
    item: str | None = None


def inputs_of(past: PastRun, step: Step) -> dict[str, KeptFrame]:
    """Return the kept datasets that a step takes, and those that its checks need, by key.

    Raises:
        StoreError: One of them was not kept, or is gone.
    """
    keys = dict.fromkeys((*step.inputs.values(), *needs_of_checks(step)))
    reasons = {key: missing(past.folder, past.kept.get(key)) for key in keys}
    lost = [f"{key}: {reason}" for key, reason in reasons.items() if reason is not None]
    if lost:
        raise StoreError(
            f"step {step.name!r} of {past.run_id} cannot be replayed without its inputs ({'; '.join(lost)}); "
            "run the pipeline again with ODIBI_KEEP__FRAMES=all"
        )
    return {key: past.kept[key] for key in keys}


def replay(past: PastRun, step: Step, graph: Graph, debug: Debug | None = None, item: str | None = None) -> Replayed:
    """Run a step again, or one item of a mapped one, without a record, and compare.

    Args:
        past: The recorded run.
        step: The step, with the parameters of that run.
        graph: The pipeline of the step.
        debug: Called with the exception of the step, before it is compared.
        item: Of a mapped step the item, by its text or place; by default the first one that failed.

    Raises:
        StoreError: An input was not kept, is gone, or is damaged.
        ConfigurationError: The step writes a file or opens a connection, or there is no such item.
    """
    _refuse(past, step)
    end = item_of(past, step, item)
    place = None if end is None else count(end.fields.get("task"))
    kept = inputs_of(past, step)
    frames = {key: load(past.folder, entry) for key, entry in kept.items()}
    made: dict[str, Any] = {}
    try:
        made, outcome = _run(step, graph, frames, past, place)
        if outcome.failed:
            failed = "; ".join(outcome.failed)
            raise StepError(f"step {step.name!r} failed {len(outcome.failed)} of its checks: {failed}")
        result = StepResult("success", rows=outcome.rows)
    except STOPS:
        raise
    except BaseException as error:
        if debug is not None:
            debug(error)
        result = _failure(error, step)
    recorded = recorded_result(past, step.name, end)
    differences = _differences(recorded, result)
    identical: bool | None = not differences
    if result.status == recorded.status == "success":
        identical, differences = _compared(past, step, made, differences, place)
    shown = None if end is None else text(end.fields.get("item"))
    return Replayed(past.run_id, step.name, recorded, result, identical, differences, kept, place, shown)


def _refuse(past: PastRun, step: Step) -> None:
    """Refuse a step whose replay would change something, or that did not run."""
    reason = None
    if step.operation == "write":
        reason = f"it would write {step.value}"
    elif step.layer == "connect":
        reason = "it opens a connection"
    if reason is not None:
        raise ConfigurationError(f"step {step.name!r} cannot be replayed: {reason}")
    if past.states.get(step.name) not in ("success", "failed"):
        raise ConfigurationError(
            f"step must be one that ended, got {step.name!r}, which is {past.states.get(step.name)!r} in {past.run_id}"
        )


def _run(
    step: Step, graph: Graph, frames: Mapping[str, Any], past: PastRun, place: int | None
) -> tuple[dict[str, Any], Outcome]:
    inputs = {name: frames[key] for name, key in step.inputs.items()}
    work = _work_of(step, graph, past, frames)
    if place is not None:
        inputs[str(step.map)] = items_of(step, inputs[str(step.map)])[place]
        made = work.operate(inputs, copied=False)
        return made, Outcome(rows_of(made), [], [])  # the checks are those of all items together
    made = work.operate(inputs, copied=False)
    return made, work.examine(inputs, made, Notes(), Descriptions("off", 0), None)


def made_again(step: Step, graph: Graph, past: PastRun, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run a step with its inputs by logical name, without a record and checks; return its frames by logical name."""
    frames = {key: inputs[name] for name, key in step.inputs.items()}
    return _work_of(step, graph, past, frames).operate(dict(inputs), copied=False)


def _work_of(step: Step, graph: Graph, past: PastRun, frames: Mapping[str, Any]) -> StepWork:
    engine, beside = graph.engine_of(graph.index[step.name]), Beside(dict(frames), past.partition)
    return StepWork(step, engine, beside, wanted=is_wanted(graph, step))


def recorded_result(past: PastRun, step: str, item: Event | None = None) -> StepResult:
    """Return the result of a step, or of one item of it, as its run recorded it."""
    end, plan = item or past.ends[step], past.plan.get(step, {})
    if end.event_type == kinds.NODE_COMPLETE or end.status == "success":
        return StepResult("success", rows=count(end.row_count))
    file, first = text(plan.get("source_file")), count(plan.get("source_line"))
    lines = [int(line) for name, line in _LINE.findall(text(end.fields.get("traceback")) or "") if name == file]
    line = lines[-1] - first + 1 if lines and first else None
    return StepResult("failed", text(end.fields.get("error_type")), text(end.error), line)


def _failure(error: BaseException, step: Step) -> StepResult:
    described = describe_failure(error)
    line = line_of(error, step)
    first = getattr(getattr(step.value, "__code__", None), "co_firstlineno", None)
    return StepResult(
        "failed", described.get("error_type"), described.get("error"), line - first + 1 if line and first else None
    )


def file_of(step: Step) -> str | None:
    """Return the file of a step's function."""
    found = getattr(getattr(step.value, "__code__", None), "co_filename", None)
    return found if isinstance(found, str) else None


def line_of(error: BaseException, step: Step) -> int | None:
    """Return the last line of the function's file in the traceback of an exception."""
    file = file_of(step)
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return lines[-1] if lines else None


def _differences(recorded: StepResult, result: StepResult) -> list[str]:
    """Return a sentence for each part of the results that is not the same."""
    if recorded.status != result.status:
        return [f"it {_ended(recorded)} in the run, and {_ended(result)} now"]
    names = {"error_type": "the type of the error", "error": "the message", "line": "the line", "rows": "the rows"}
    found = []
    for name, shown in names.items():
        was, now = getattr(recorded, name), getattr(result, name)
        if was != now:
            found.append(f"{shown}: {_shown(was)} in the run, and {_shown(now)} now")
    return found


def _ended(result: StepResult) -> str:
    return "succeeded" if result.status == "success" else f"failed with {result.error_type}"


def _shown(value: Any) -> str:
    return "unknown" if value is None else str(value)[:300]


def _compared(
    past: PastRun, step: Step, made: Mapping[str, Any], differences: list[str], place: int | None
) -> tuple[bool | None, list[str]]:
    """Compare the frames that were made with those that the run kept, by their content."""
    if differences:
        return False, differences
    if place is not None:
        return _compared_item(past, step, made, place)
    found = list(differences)
    unknown = [step.outputs[name] for name in made if past.why_missing(step.outputs[name]) is not None]
    with TemporaryDirectory(prefix="odibi-replay-") as folder:
        for name, frame in made.items():
            key = step.outputs[name]
            if key in unknown:
                continue
            keeper = FrameKeeper(Path(folder), Keep(max_mb=1e9))
            now = keeper.keep(key, frame, is_unchanged=True)
            if now.checksum != past.kept[key].checksum and not _is_equal(frame, load(past.folder, past.kept[key])):
                found.append(f"the content of {key} is another one")
    return (False if found else None if unknown else True), found


def _compared_item(past: PastRun, step: Step, made: Mapping[str, Any], place: int) -> tuple[bool | None, list[str]]:
    """Compare the result of an item with that in the kept list of all; None if the results became one frame."""
    key = next(iter(step.outputs.values()), None)
    if key is None or step.combine != "list" or past.why_missing(key) is not None:
        return None, []
    now, then = next(iter(made.values())), load(past.folder, past.kept[key])[place]
    with TemporaryDirectory(prefix="odibi-replay-") as folder:
        keeper = FrameKeeper(Path(folder), Keep(max_mb=1e9))
        sums = [
            keeper.keep(name, [value], is_unchanged=True).checksum for name, value in (("now", now), ("then", then))
        ]
    same = (sums[0] is not None and sums[0] == sums[1]) or _is_equal(now, then)
    return same, [] if same else [f"the result of the item is another one than in {key}"]


def _is_equal(one: Any, other: Any) -> bool:
    equals = getattr(one, "equals", None)
    if type(one) is not type(other):
        return False
    return bool(equals(other)) if callable(equals) else bool(one == other)
