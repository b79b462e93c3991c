"""A list of plain functions is a pipeline: it makes what its name says and takes what its parameters say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from types import FunctionType
from typing import Any

from odibi_core.errors import ConfigurationError
from odibi_core.pipeline.signatures import signature_of
from odibi_core.pipeline.step import Step


def steps_from_functions(functions: Iterable[Callable[..., Any]], given: Collection[str] = ()) -> list[Step]:
    """Steps of functions that find each other by name.

    A parameter is an input, unless it has a default and nothing of that name is made by the list or is in
    `given`: then it is a setting that keeps its default. A function without inputs is in the layer `ingest`.
    """
    listed = list(functions)
    made = {function_name(function) for function in listed}
    return [step_from_function(function, made.union(given)) for function in listed]


def step_from_function(
    function: Callable[..., Any], made: Collection[str], settings: Collection[str] = ()
) -> Step:
    """`settings` are what the run is given by name; a parameter that nothing makes may be among them."""
    signature = signature_of(function)
    inputs = {}
    if signature is not None:
        needed = [name for name in signature.required if name not in settings]
        inputs = {name: name for name in signature.names if name in made or name in needed}
    return Step(
        name=function_name(function), layer="transform" if inputs else "ingest", value=function, inputs=inputs
    )


def function_name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        what = "a lambda" if type(function) is FunctionType else f"a {type(function).__name__}"
        raise ConfigurationError(
            f"a pipeline has {what} among its functions, which has no name that a dataset could be called by;"
            " write Step(name=…, value=…) around it"
        )
    return name
