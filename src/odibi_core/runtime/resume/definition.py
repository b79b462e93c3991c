"""The definition of a recorded step, found again in the file that the run was started from."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import ConfigurationError, PipelineDefinitionError, nearest
from odibi_core.pipeline import Graph, Step, compile, load_pipeline
from odibi_core.pipeline.loader import load_module
from odibi_core.redaction import HIDDEN
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.views.values import record, text

_RUNS: Final = frozenset({"run", "execute"})
_FILE: Final = "name the file of the pipeline: --file FILE[:NAME]"


def step_of(past: PastRun, name: str, file: str | None, params: Mapping[str, Any]) -> tuple[Step, Graph]:
    """Return a step of a run, with the parameters of the run, and the graph that it is part of.

    Args:
        past: The run.
        name: The step.
        file: The file, and perhaps a name in it; by default the one that the run was started from.
        params: Parameters that go before those of the record.

    Raises:
        ConfigurationError: The file is unknown or gone, has no such step, or a parameter was redacted.
    """
    target = file or text(past.opening.get("target"))
    if target is None:
        steps: list[Any] = [_step_of_function(past.plan[name])]
    else:
        steps = load_pipeline(target)
    taken = _params(past, steps, params)
    engine = text(past.opening.get("engine")) or "pandas"
    rows = past.plan.values()
    initial = {key for row in rows for key in record(row.get("inputs")).values()}
    if target is not None:  # the others are made by its steps
        initial -= {key for row in rows for key in record(row.get("outputs")).values()}
    graph = compile(steps, engine, initial=initial, params=taken, partition=past.partition)
    if name not in graph.index:
        raise ConfigurationError(f"{target} must have the step {name!r}{nearest(name, graph.index)}; {_FILE}")
    return graph.steps[graph.index[name]], graph


def _params(past: PastRun, steps: list[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the run with those that are given.

    Raises:
        ConfigurationError: The record has no value for one: it is secret, or too long.
    """
    found = {**past.params, **given}
    for param, value in found.items():
        if param not in given and _is_incomplete(value):
            raise ConfigurationError(
                f"parameter {param!r} is not in the record as it was, because it is secret or long; "
                f"give it again: --param {param}=VALUE"
            )
    if len(steps) == 1 and callable(getattr(steps[0], "value", None)):  # the function alone: it takes its own
        names = inspect.signature(steps[0].value).parameters
        return {param: value for param, value in found.items() if param in names}
    return found


def _is_incomplete(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_incomplete, value.values()))
    if isinstance(value, list):
        return any(map(_is_incomplete, value))
    return isinstance(value, str) and (HIDDEN in value or "[cut: " in value)


def _step_of_function(row: Mapping[str, Any]) -> Step:
    """Return the step of a function that a script passed to a run.

    Raises:
        ConfigurationError: It cannot be imported by its name, or importing its file would run the pipeline.
    """
    file, name = text(row.get("source_file")), text(row.get("function"))
    subject = f"step {row.get('name')!r}"
    if file is None or name is None:
        raise ConfigurationError(f"{subject} has no function in a file; {_FILE}")
    if "<" in name:
        raise ConfigurationError(f"{subject} is defined inside {name.partition('.')[0]}(); {_FILE}")
    if _runs_on_import(Path(file)):
        raise ConfigurationError(
            f"{file} runs its pipeline when it is imported; put that under `if __name__ == '__main__':`, or {_FILE}"
        )
    found: Any = load_module(file, importable=True)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise ConfigurationError(f"{file} must have the function {name!r}, which the run recorded; {_FILE}")
    return Step(
        name=str(row["name"]), layer=str(row.get("layer") or "transform"), value=found, inputs=row.get("inputs") or {},
        outputs=row.get("outputs") or {}, engine=text(row.get("engine")),
    )  # fmt: skip


def _runs_on_import(file: Path) -> bool:
    """Return whether a statement of the module itself, under no condition, calls `run` or `execute`."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise PipelineDefinitionError(f"{file} cannot be read: {error}") from error
    plain = [each for each in tree.body if isinstance(each, (ast.Expr, ast.Assign, ast.AnnAssign, ast.With))]
    calls = (node for each in plain for node in ast.walk(each) if isinstance(node, ast.Call))
    return any(getattr(call.func, "attr", getattr(call.func, "id", "")) in _RUNS for call in calls)
