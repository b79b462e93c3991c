"""The values of `--param`, JSON if it is valid JSON and else text, and those of `--tag`, always text."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Final

from odibi_core.errors import ConfigurationError

_NUMBERS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
"""Numbers that JSON lacks: text, unless the parameter of the function is annotated as float."""
_FLOAT: Final = (float, "float", float | None, "float | None")


def parse_params(given: list[str]) -> dict[str, Any]:
    """Return the values of `NAME=VALUE` texts by name."""
    return {name: _value(value) for name, value in _pairs("--param", given, "limit=10").items()}


def parse_tags(given: list[str]) -> dict[str, str]:
    """Return the values of `NAME=VALUE` texts by name, as they are."""
    return _pairs("--tag", given, "team=sales")


def _pairs(option: str, given: list[str], example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(f"{option} must be NAME=VALUE, such as {option} {example}, got {each!r}")
        if name.strip() in pairs:
            raise ConfigurationError(f"{option} {name.strip()} must be given once, got two values")
        pairs[name.strip()] = value
    return pairs


def with_floats(params: Mapping[str, Any], steps: Iterable[Any]) -> dict[str, Any]:
    """Return the parameters; `NaN` and `Infinity` are floats if every function annotates them as float."""
    wanted = {name for name, value in params.items() if isinstance(value, str) and value in _NUMBERS}
    if not wanted:
        return dict(params)
    functions = [getattr(step, "value", step) for step in steps]  # a step or a plain function
    hints = {name: _hints(functions, name) for name in wanted}
    return {
        name: float(value) if name in wanted and hints[name] and all(hints[name]) else value
        for name, value in params.items()
    }


def _hints(functions: Iterable[Any], name: str) -> list[bool]:
    """Return, for each function with a parameter of that name, whether it is annotated as float."""
    found = []
    for function in functions:
        try:
            parameter = inspect.signature(function).parameters.get(name)
        except (TypeError, ValueError):
            continue
        if parameter is not None:
            found.append(parameter.annotation in _FLOAT)
    return found


def _value(text: str) -> Any:
    """Return the value of JSON, or the text if it is no JSON or no finite number."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse(text)
