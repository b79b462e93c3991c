"""The plan of a run that does not run every step: which steps run, and which results are taken from an earlier run.

A step is taken if it succeeded there with the same code and parameters, and if its files are still the same. All of
this must be true of every step before it too. A step that runs again takes all that depends on it along:
its new result may be another one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.clock import read_iso
from odibi_core.pipeline import Graph
from odibi_core.pipeline.step import needs_of_checks
from odibi_core.runtime.resume.identity import changed_code
from odibi_core.runtime.resume.past_run import PastRun

Action = Literal["run", "take", "skip"]


class Selection(msgspec.Struct, frozen=True):
    """The steps that a user wants to run: names of steps; all of them if every list is empty."""

    only: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    """These steps and all that depend on them."""
    until: tuple[str, ...] = ()
    """These steps and all that they need."""

    def __bool__(self) -> bool:
        return bool(self.only or self.start or self.until)

    def described(self) -> dict[str, list[str]]:
        """Return the names by option, as the record has them."""
        return {
            name: list(names)
            for name, names in (("only", self.only), ("from", self.start), ("until", self.until))
            if names
        }

    def steps(self, graph: Graph) -> set[int]:
        """Return the selected steps.

        Raises:
            ConfigurationError: A name is that of no step, or no step is selected.
        """
        for option, names in self.described().items():
            for name in names:
                if name not in graph.index:
                    raise ConfigurationError(
                        f"--{option} must be the name of a step, got {name!r}{nearest(name, graph.index)}"
                    )
        if self.only and (self.start or self.until):
            raise ConfigurationError("--only has no effect with --from and --until; leave one of them out")
        if self.only:
            return {graph.index[name] for name in self.only}
        found = set(range(len(graph)))
        if self.start:
            found &= {
                each for name in self.start for each in (graph.index[name], *graph.descendants(graph.index[name]))
            }
        if self.until:
            found &= _with_ancestors(graph, (graph.index[name] for name in self.until))
        if not found:
            given = f"{', '.join(self.until)} and {', '.join(self.start)}"
            raise ConfigurationError(f"--until must name a step that needs one of --from, got {given}")
        return found


def _with_ancestors(graph: Graph, steps: Iterable[int]) -> set[int]:
    found: set[int] = set()
    waiting = list(steps)
    while waiting:
        step = waiting.pop()
        if step not in found:
            found.add(step)
            waiting += graph.dependencies[step]
    return found


class StepPlan(msgspec.Struct, frozen=True):
    """The action of a run on one step, and its reason."""

    name: str
    action: Action
    reason: str
    loads: tuple[str, ...] = ()
    """The datasets of a taken step that another step needs."""
    note: str | None = None
    """A difference that was not compared, or that is taken all the same."""


class RunPlan(msgspec.Struct, frozen=True):
    """The plan of a run. `past` is the run that results are taken from."""

    steps: tuple[StepPlan, ...]
    past: PastRun | None
    selection: Selection = Selection()

    def indexes(self, action: Action) -> list[int]:
        """Return the steps with that action, in the order of the pipeline."""
        return [index for index, step in enumerate(self.steps) if step.action == action]

    @property
    def resumed_from(self) -> str | None:
        """The run of which at least one step is taken."""
        return self.past.run_id if self.past is not None and self.indexes("take") else None

    def described(self) -> dict[str, Any]:
        """Return the fields of the first event: the earlier run, and the selection."""
        found: dict[str, Any] = {}
        if self.resumed_from is not None:
            found["resumed_from"] = self.resumed_from
        if self.selection:
            found["selection"] = self.selection.described()
        return found


def whole(graph: Graph) -> RunPlan:
    """Return the plan of a run of every step."""
    return RunPlan(tuple(StepPlan(step.name, "run", "") for step in graph.steps), None)


def resume_plan(graph: Graph, identities: Sequence[Mapping[str, Any]], past: PastRun, wanted: Iterable[str]) -> RunPlan:
    """Return the plan of a run that takes from an earlier one what is the same.

    Args:
        graph: The steps.
        identities: The identity of each step.
        past: The earlier run.
        wanted: Datasets of the result, which must be there at the end.
    """
    again: dict[int, str] = {}
    for index in graph.order:
        reason = _upstream(graph, index, again) or why_not_same(graph, index, identities[index], past)
        if reason is not None:
            again[index] = reason
    while (lost := _lost(graph, again, past, set(wanted))) is not None:
        index, reason = lost
        again[index] = reason
        for each in graph.descendants(index):
            again.setdefault(each, f"{graph.steps[index].name} runs again")
    needed = _needed(graph, again, set(wanted))
    steps = []
    for index, step in enumerate(graph.steps):
        if index in again:
            steps.append(StepPlan(step.name, "run", again[index]))
        else:
            loads = tuple(key for key in step.outputs.values() if key in needed)
            steps.append(
                StepPlan(step.name, "take", f"taken from {past.run_id}", loads, _not_compared(step.name, past))
            )
    return RunPlan(tuple(steps), past)


def _upstream(graph: Graph, index: int, again: Mapping[int, str]) -> str | None:
    first = next((each for each in graph.dependencies[index] if each in again), None)
    return None if first is None else f"{graph.steps[first].name} runs again"


def _needed(graph: Graph, again: Iterable[int], wanted: set[str]) -> set[str]:
    return (
        wanted
        | {key for index in again for key in graph.steps[index].inputs.values()}
        | {key for index in again for key in needs_of_checks(graph.steps[index])}
    )


def _lost(graph: Graph, again: Mapping[int, str], past: PastRun, wanted: set[str]) -> tuple[int, str] | None:
    """Return the first step whose dataset is needed and cannot be loaded, with the reason."""
    needed = _needed(graph, again, wanted)
    for index in graph.order:
        if index not in again:
            for key in graph.steps[index].outputs.values():
                if key in needed and (reason := past.why_missing(key)) is not None:
                    return index, f"its dataset {key} cannot be taken: {reason}"
    return None


def why_not_same(graph: Graph, index: int, identity: Mapping[str, Any], past: PastRun) -> str | None:
    """Return the reason why a step's result of an earlier run is not that of this one, or None."""
    step = graph.steps[index]
    known, state = past.plan.get(step.name), past.states.get(step.name)
    if known is None:
        return "it is a new step"
    if state != "success":
        return {"failed": "it failed there", "skipped": "it was skipped there"}.get(str(state), "it did not end there")
    for name, subject in (("code", "its code"), ("params", "its parameters")):
        if f"{name}_hash" not in identity:
            return f"{subject} cannot be compared: {identity.get(f'{name}_unknown', 'unknown')}"
        if f"{name}_hash" not in known:
            return (
                f"{subject} cannot be compared: {known.get(f'{name}_unknown') or 'the earlier run did not record it'}"
            )
        if identity[f"{name}_hash"] != known[f"{name}_hash"]:
            return f"{subject} changed{changed_code(known, identity) if name == 'code' else ''}"
    if any(key in graph.initial for key in step.inputs.values()):
        return "it takes data that the program gives, which is not compared"
    if step.layer == "connect":
        return "it opens a connection"
    return next(_changed_files(step.name, past), None)


def _changed_files(step: str, past: PastRun) -> Iterator[str]:
    """Yield a sentence for each local file that the step read or wrote, and that is not as it was recorded."""
    for access in ("read", "write"):
        for file in past.files(step, access):
            uri = str(file.get("uri") or "")
            if "://" in uri or not uri or file.get("files") or file.get("file_count"):
                continue
            try:
                found = os.stat(uri)
            except OSError:
                yield f"the file {uri} is gone"
                continue
            modified = read_iso(file.get("modified"))
            differs = modified is not None and abs(found.st_mtime - modified.timestamp()) > 0.001
            if differs or file.get("bytes") not in (None, found.st_size):
                yield f"the file {uri} changed"


def _not_compared(step: str, past: PastRun) -> str | None:
    """Return a sentence about files that a step read and that are not compared with their present state."""
    others = [
        str(file.get("uri")) for file in past.files(step, "read")
        if "://" in str(file.get("uri")) or file.get("files") or file.get("file_count")
    ]  # fmt: skip
    return f"not compared: {', '.join(others[:3])}{' …' if len(others) > 3 else ''}" if others else None


def selected_plan(
    graph: Graph, selection: Selection, identities: Sequence[Mapping[str, Any]], past: PastRun | None
) -> RunPlan:
    """Return the plan of a run of some steps, which take what other steps made from an earlier run.

    Raises:
        ConfigurationError: A dataset that they need is not there.
    """
    chosen = selection.steps(graph)
    missing = missing_inputs(graph, chosen, past)
    if missing:
        raise ConfigurationError(_advice(graph, missing, past))
    needed = _needed(graph, chosen, set())
    steps = []
    for index, step in enumerate(graph.steps):
        loads = tuple(key for key in step.outputs.values() if key in needed)
        if index in chosen:
            steps.append(StepPlan(step.name, "run", "it was selected"))
        elif loads and past is not None:
            note = why_not_same(graph, index, identities[index], past)
            steps.append(StepPlan(step.name, "take", f"taken from {past.run_id}", loads, note))
        else:
            steps.append(StepPlan(step.name, "skip", "it was not selected"))
    return RunPlan(tuple(steps), past, selection)


def inputs_of(graph: Graph, chosen: Iterable[int]) -> dict[str, int]:
    """Return the datasets that the chosen steps need of other steps, each with its step."""
    chosen = set(chosen)
    needed = _needed(graph, chosen, set())
    return {
        key: index
        for index, step in enumerate(graph.steps)
        if index not in chosen
        for key in step.outputs.values()
        if key in needed
    }


def missing_inputs(graph: Graph, chosen: Iterable[int], past: PastRun | None) -> dict[str, str]:
    """Return the datasets that the chosen steps need and that an earlier run does not have, each with the reason."""
    found = {}
    for key, index in inputs_of(graph, chosen).items():
        name = graph.steps[index].name
        reason = "no earlier run has it" if past is None else past.why_missing(key)
        if reason is None and past is not None and past.states.get(name) != "success":
            reason = f"{name} did not succeed there"
        if reason is not None:
            found[key] = reason
    return found


def _advice(graph: Graph, missing: Mapping[str, str], past: PastRun | None) -> str:
    where = f" in {past.run_id}" if past is not None else ""
    listed = "; ".join(f"{key}{where}: {reason}" for key, reason in missing.items())
    makers = dict.fromkeys(name for key in missing for name in (_maker(graph, key),))
    options = " ".join(f"--from {name}" for name in makers)
    return (
        f"the selected steps need {', '.join(missing)}, which cannot be taken ({listed}); run the step that makes it "
        f"too ({options}), or run the pipeline once with ODIBI_KEEP__FRAMES=all, which keeps every dataset"
    )


def _maker(graph: Graph, key: str) -> str:
    return next(step.name for step in graph.steps if key in step.outputs.values())
