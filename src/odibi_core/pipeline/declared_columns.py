"""The declared column lineage of a step: `Step(columns={"total": ["orders.amount"]})`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from odibi_core.errors import ConfigurationError, nearest


class _Step(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> dict[str, str]: ...
    @property
    def outputs(self) -> dict[str, str]: ...
    @property
    def columns(self) -> dict[str, tuple[str, ...]]: ...


def declared(step: _Step) -> dict[str, tuple[str, ...]]:
    """Return the declaration with its sources as tuples.

    Raises:
        ConfigurationError: It is no mapping of columns to columns of the step's inputs.
    """
    given: Any = step.columns
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and name for name in given):
        raise _wrong(step, "names of columns mapped to lists of columns of its inputs", given)
    found = {}
    for name, sources in given.items():
        listed: list[Any] = (
            [sources] if isinstance(sources, str) else list(sources) if isinstance(sources, Iterable) else [None]
        )
        if not all(isinstance(each, str) and each for each in listed):
            raise _wrong(step, f"a list of columns for {name!r}", sources)
        _part(step, step.outputs, name, "output")
        for each in listed:
            _part(step, step.inputs, each, "input")
        found[name] = tuple(listed)
    return found


def declared_for(step: _Step, output: str) -> dict[str, list[tuple[str, str]]]:
    """Return the sources of the declared columns of an output, as dataset keys and columns."""
    found = {}
    for name, sources in step.columns.items():
        key, column = _part(step, step.outputs, name, "output")
        if key == step.outputs[output]:
            found[column] = [_part(step, step.inputs, each, "input") for each in sources]
    return found


def _part(step: _Step, keys: Mapping[str, str], name: str, side: str) -> tuple[str, str]:
    """Return the dataset key and the column of a name; the part before the dot is a logical name or a key."""
    before, dot, column = name.partition(".")
    if dot and column and before in keys:
        return keys[before], column
    if dot and column and before in keys.values():
        return before, column
    if len(keys) == 1:
        return next(iter(keys.values())), name
    raise ConfigurationError(
        f"step {step.name!r}: columns must name {side}.column, got {name!r}, and the step has "
        f"{'no' if not keys else 'the'} {side}s {', '.join(keys)}{nearest(before, keys)}".rstrip()
    )


def _wrong(step: _Step, wanted: str, given: Any) -> ConfigurationError:
    shown = repr(given)[:80] if isinstance(given, str | int | float | None) else f"a {type(given).__name__}"
    return ConfigurationError(f"step {step.name!r}: columns must be {wanted}, got {shown}")
