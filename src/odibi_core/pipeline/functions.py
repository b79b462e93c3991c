"""Pipelines of plain functions: the name is the dataset that a function makes, the parameters those that it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from types import FunctionType
from typing import Any

from odibi_core.errors import ConfigurationError
from odibi_core.pipeline.signatures import signature_of
from odibi_core.pipeline.step import Step


def steps_from_functions(functions: Iterable[Callable[..., Any]], given: Collection[str] = ()) -> list[Step]:
    """Return the steps of functions that find each other by name.

    A parameter is an input. It is a setting with its default if it has one, and no function and no `given` key has its
    name. A function without inputs is in the layer `ingest`.
    """
    listed = list(functions)
    made = {function_name(function) for function in listed}
    return [step_from_function(function, made.union(given)) for function in listed]


def step_from_function(function: Callable[..., Any], made: Collection[str], settings: Collection[str] = ()) -> Step:
    """Return the step of a function.

    Args:
        function: A function with a name.
        made: The dataset keys of the pipeline.
        settings: Names that the run is given; they may be parameters that nothing makes.
    """
    signature = signature_of(function)
    inputs = {}
    if signature is not None:
        needed = [name for name in signature.required if name not in settings]
        inputs = {name: name for name in signature.names if name in made or name in needed}
    return Step(name=function_name(function), layer="transform" if inputs else "ingest", value=function, inputs=inputs)


def function_name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        what = "a lambda" if type(function) is FunctionType else f"a {type(function).__name__}"
        raise ConfigurationError(
            f"a function of a pipeline must have a name for its dataset, got {what}; wrap it in Step(name=…, value=…)"
        )
    return name
