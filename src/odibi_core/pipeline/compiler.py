"""Compilation of steps and functions to a graph, or to every reason why they make none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

import msgspec

from odibi_core.errors import PipelineDefinitionError, nearest
from odibi_core.pipeline import validate
from odibi_core.pipeline.functions import function_name, step_from_function
from odibi_core.pipeline.graph import Graph, connect, cycles, topological
from odibi_core.pipeline.parameters import params_of
from odibi_core.pipeline.step import Step

PARTITION: Final = "partition"
_PLACE: Final = "{partition}"
_SHOWN = 100  # problems in one message; more of them have one cause


def compile(
    steps: Iterable[Step | Callable[..., Any]],
    engine_type: str = "pandas",
    *,
    initial: Collection[str] = (),
    params: Mapping[str, Any] | None = None,
    partition: str | None = None,
) -> Graph:
    """Return the graph of steps and plain functions.

    Args:
        steps: Steps, or functions that find each other by name.
        engine_type: The engine of the steps that name none.
        initial: The dataset keys that the run is given, or a mapping of them to their data.
        params: Values by name for every step that takes them; set before validation, so that they may be required.
        partition: The partition of the run, for the steps that take a parameter of this name, or have it in a path.

    Raises:
        PipelineDefinitionError: With every problem.
    """
    given, initial = initial, frozenset(initial)
    for_functions = {**({} if partition is None else {PARTITION: partition}), **(params or {})}
    listed = _as_steps(steps, initial, for_functions)
    if params:
        listed = _override(listed, params)
    listed = _with_partition(listed, partition)
    makers: dict[str, int] = {}
    for index, step in enumerate(listed):
        for key in step.outputs.values():
            makers.setdefault(key, index)
    dependencies, dependants, consumers = connect(listed, makers)
    order = topological(dependencies, dependants)
    problems = chain(_problems(listed, engine_type, makers, initial), validate.initial_problems(given))
    if len(order) < len(listed):
        rings = cycles(dependencies, order)
        problems = chain(problems, (validate.cycle_problem(listed, ring) for ring in rings))
    _refuse(problems)
    return Graph(
        steps=tuple(listed),
        engine=engine_type,
        initial=initial,
        index={step.name: index for index, step in enumerate(listed)},
        dependencies=dependencies,
        dependants=dependants,
        consumers=consumers,
        order=order,
    )


def with_params(graph: Graph, params: Mapping[str, Any]) -> Graph:
    """Return the graph with values set by name on each step that takes them.

    Raises:
        PipelineDefinitionError: No step takes one of them, or a step is not valid with it.
    """
    if not params:
        return graph
    steps = _override(graph.steps, params)
    engines = _engines(graph.engine, steps)
    changed = (new for old, new in zip(graph.steps, steps, strict=True) if new is not old)
    _refuse(chain.from_iterable(validate.step_problems(step, graph.engine, engines) for step in changed))
    return msgspec.structs.replace(graph, steps=tuple(steps))


def _as_steps(given: Any, initial: Collection[str], params: Mapping[str, Any]) -> list[Step]:
    if isinstance(given, (str, bytes, Mapping, Step)) or not isinstance(given, Iterable):
        raise PipelineDefinitionError(
            f"a pipeline is a list of steps or functions, but this is a {type(given).__name__}"
        )
    listed = list(given)
    if not listed:
        raise PipelineDefinitionError("the pipeline is empty; give it at least one Step or function")
    _refuse(
        f"number {index + 1} of the pipeline is a {type(each).__name__}; it must be a Step or a function"
        for index, each in enumerate(listed)
        if not isinstance(each, Step) and not callable(each)
    )
    if all(isinstance(each, Step) for each in listed):
        return listed
    made = set(initial)
    for each in listed:
        made.update(each.outputs.values() if isinstance(each, Step) else (function_name(each),))
    return [each if isinstance(each, Step) else step_from_function(each, made, params) for each in listed]


def _with_partition(steps: list[Step], partition: str | None) -> list[Step]:
    """Return the steps with the partition of the run, where they take it and have no value for it.

    Raises:
        PipelineDefinitionError: A path has `{partition}`, and the run has none.
    """
    if partition is None:
        _refuse(
            f"step {validate.quoted(step.name)}: its path {validate.quoted(step.value)} needs a partition; "
            "give the run one: partition='2026-01-31'"
            for step in steps
            if _is_path_of_partition(step)
        )
        return steps
    return [_for_partition(step, partition) for step in steps]


def _for_partition(step: Step, partition: str) -> Step:
    if _is_path_of_partition(step):
        return msgspec.structs.replace(step, value=str(step.value).replace(_PLACE, partition))
    if PARTITION in params_of(step) and PARTITION not in step.params and step.operation in ("call", "sql"):
        return msgspec.structs.replace(step, params={**step.params, PARTITION: partition})
    return step


def _is_path_of_partition(step: Step) -> bool:
    return step.operation in ("read", "write") and _PLACE in str(step.value)


def _override(steps: Sequence[Step], params: Mapping[str, Any]) -> list[Step]:
    used: set[str] = set()
    changed = []
    for step in steps:
        taken = {name: params[name] for name in params.keys() & params_of(step)}
        used.update(taken)
        changed.append(msgspec.structs.replace(step, params={**step.params, **taken}) if taken else step)
    if len(used) < len(params):
        known = set().union(*map(params_of, steps))
        _refuse(
            f"no step takes the parameter {validate.quoted(name)}{nearest(name, known)}"
            for name in params
            if name not in used
        )
    return changed


def _problems(steps: Sequence[Step], engine: str, makers: dict[str, int], initial: Collection[str]) -> Iterator[str]:
    engines = _engines(engine, steps)
    if engine not in engines:
        yield f"the pipeline: {validate.unknown_engine(engine, engines)}"
    yield from validate.name_problems(steps)
    for step in steps:
        yield from validate.step_problems(step, engine, engines)
    yield from validate.producer_problems(steps, makers, initial)
    yield from validate.input_problems(steps, makers, initial)


def _engines(engine: str, steps: Sequence[Step]) -> Collection[str]:
    """Return the names of the engines; those of other distributions only if one of them may be asked for."""
    from odibi_core import plugins  # lazy: building steps needs none

    built_in = plugins.built_in_names("engines")
    asked = [engine, *(step.engine for step in steps if step.engine is not None)]
    return built_in if all(each in built_in for each in asked) else plugins.names("engines")


def _refuse(problems: Iterable[str]) -> None:
    found = list(islice(problems, _SHOWN + 1))
    if len(found) > _SHOWN:
        found[_SHOWN:] = [f"and more than these {_SHOWN}"]
    if found:
        raise PipelineDefinitionError(found)
