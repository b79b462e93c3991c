"""The flights example as its user has it: the files of one folder, which import each other by name."""

import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from odibi_core import plugins
from odibi_core.pipeline import Step, compile

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MODULES = ("queries", "sources", "transforms", "pipeline")

Datasets = dict[str, Any]


@pytest.fixture(scope="session")
def flights() -> Iterator[dict[str, ModuleType]]:
    """The example's modules by name, removed after the tests because their names are common."""
    folder = str(EXAMPLES / "flights")
    sys.path.insert(0, folder)
    yield {name: import_module(name) for name in MODULES}
    sys.path.remove(folder)
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def datasets(
    flights: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Datasets]:
    """Every dataset by key, and `checks`, by engine: the steps one by one, with nothing recorded."""

    @cache
    def made(engine: str) -> Datasets:
        out = tmp_path_factory.mktemp(engine)
        steps = flights["pipeline"].build(out_dir=str(out), engine=engine)
        graph = compile(steps, engine)
        data: Datasets = {"out": out, "checks": []}
        for index in graph.order:
            _take(graph.steps[index], engine, data)
        return data

    return made


def _take(step: Step, engine: str, data: Datasets) -> None:
    inputs = {logical: data[key] for logical, key in step.inputs.items()}
    made = _operate(step, plugins.load("engines", engine)(), inputs)
    outputs = made if len(step.outputs) > 1 else dict.fromkeys(step.outputs, made)
    data.update({key: outputs[logical] for logical, key in step.outputs.items()})
    data["checks"] += [(step.name, check.check(inputs | outputs)) for check in step.checks]


def _operate(step: Step, engine: Any, inputs: Datasets) -> Any:
    if step.operation == "read":
        return engine.read(step.value, **step.params)
    if step.operation == "write":
        return engine.write(next(iter(inputs.values())), step.value, **step.params)
    if step.operation == "sql":
        return engine.sql(step.value, inputs, step.params)
    return step.value(**inputs, **step.params)
