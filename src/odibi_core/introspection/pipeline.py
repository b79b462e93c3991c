"""Descriptions of the stages of a pipeline: classes and parameters, without running any of them."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from inspect import getattr_static, isabstract
from os import PathLike, fspath
from types import FunctionType, ModuleType
from typing import Any, Final, TextIO

import msgspec

from odibi_core.errors import STOPS, ConfigurationError, nearest
from odibi_core.events import sanitize_text
from odibi_core.events.inert import printable
from odibi_core.events.normalize import to_text
from odibi_core.introspection.annotation import class_dict, class_name
from odibi_core.introspection.schema import Schema, misfit
from odibi_core.introspection.signature import bound_method, has, is_class
from odibi_core.introspection.stage import MARK, StageDescription, StageParameter, describe
from odibi_core.pipeline.loader import load_module
from odibi_core.redaction.keys import unique

__all__ = [
    "PipelineDescription",
    "StageDescription",
    "StageParameter",
    "discover_stages",
    "inspectPipeline",
    "inspect_pipeline",
    "validate_config",
]

SCHEMA: Final = "https://json-schema.org/draft/2020-12/schema"
_COLUMNS: Final = ("Stage", "Class", "Process", "Params", "Module", "About")
_SEVERAL: Final[tuple[Any, ...]] = (list, tuple, set, frozenset, deque)


class PipelineDescription:
    """Descriptions of stages, in order; iterate over it, print it, or take it as JSON or JSON Schema."""

    def __init__(self, stages: list[StageDescription]) -> None:
        self.stages = stages

    def __iter__(self) -> Iterator[StageDescription]:
        return iter(self.stages)

    def __len__(self) -> int:
        return len(self.stages)

    def __getitem__(self, place: int) -> StageDescription:
        return self.stages[place]

    def __repr__(self) -> str:
        return self.as_table()

    def rows(self) -> list[tuple[str, ...]]:
        """Return the rows of the table, the header first; control characters are escapes."""
        return [_COLUMNS, *map(_cells, self.stages)]

    def as_table(self) -> str:
        """Return a plain text table, one row for each stage, without cuts."""
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)

    def show(self, stream: TextIO | None = None) -> None:
        """Write the table to `stream` (default: stdout)."""
        (stream or sys.stdout).write(f"{self.as_table()}\n")

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `to_json` as plain values."""
        return {
            "stages": [
                {**msgspec.to_builtins(stage), "parameter_count": stage.parameter_count} for stage in self.stages
            ]
        }

    def to_json(self, indent: int | None = 2) -> str:
        """Return the descriptions as one JSON document."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def json_schema(self) -> Schema:
        """Return the JSON Schema (2020-12) of a config: an object with an object of parameters for each stage.

        A parameter of unknown type may be anything. The records of a stage are optional; a stage with an unreadable
        signature takes anything.
        """
        properties: Schema = {}
        for stage in self.stages:
            properties[unique(stage.name, properties)] = _schema(stage)
        needed = [name for name, schema in properties.items() if schema.get("required")]
        whole = {"$schema": SCHEMA, "type": "object", "properties": properties, "additionalProperties": False}
        return {**whole, **({"required": needed} if needed else {})}


def inspect_pipeline(stages: Any) -> PipelineDescription:
    """Describe live objects: stages, their classes, `Step`s, functions, whatever can be called; one, or several.

    A mapping gives each its name. Nothing runs: no `process`, no property, no `__repr__`. Never raises: the row of
    an object names the attributes that cannot be read.

    >>> def scale(records: list[float], factor: float = 2.0) -> list[float]: ...
    >>> inspect_pipeline([scale])[0].signature
    '(records: list[float], factor: float = 2.0) -> list[float]'
    """
    kind = type(stages)
    if issubclass(kind, dict):
        named = dict.items(stages)
        return PipelineDescription([describe(stage, sanitize_text(to_text(name))) for name, stage in named])
    several = next((each for each in _SEVERAL if issubclass(kind, each) and not has(stages, "process")), None)
    return PipelineDescription([*map(describe, [stages] if several is None else several.__iter__(stages))])


def inspectPipeline(stages: Any) -> PipelineDescription:
    """Describe stages as `inspect_pipeline` does, and print each in the course's form.

    >>> def scale(records: list[float], factor: float = 2.0) -> list[float]: ...
    >>> _ = inspectPipeline([scale])
    Stage: scale
      Description: (no description)
      Signature: scale(records: list[float], factor: float = 2.0) -> list[float]
    """
    described = inspect_pipeline(stages)
    for stage in described:
        sys.stdout.write("".join(f"{printable(line)}\n" for line in _in_the_courses_form(stage)))
    return described


def _in_the_courses_form(stage: StageDescription) -> Iterator[str]:
    yield f"Stage: {stage.name}"
    yield f"  Description: {stage.doc or '(no description)'}"
    if stage.signature is not None and stage.kind not in ("class", "object"):
        yield f"  Signature: {'process' if stage.kind == 'stage' else stage.name}{stage.signature}"
    else:
        yield f"  Warning: {stage.name} has no process() that can be called"


def validate_config(stage: Any, config: Any) -> list[str]:
    """Return the problems of a config, a mapping of parameters to values, for a stage; an empty list if it fits.

    Problems are unknown names, missing required parameters, and values that do not fit their annotation. The records
    of the stage are no part of a config and may be omitted.
    """
    described = stage if type(stage) is StageDescription else describe(stage)
    if described.signature is None:
        reason = "; ".join(described.unreadable) or "it calls no function"
        return [f"{described.name}: its parameters are not known: {reason}"]
    try:
        if not issubclass(type(config), Mapping):
            what = class_name(type(config))
            return [f"{described.name}: a config is a mapping of parameters to values, not a {what}"]
        given = dict(config)
        problems = [_problem(described, name, value) for name, value in given.items()]
    except STOPS:
        raise
    except BaseException as error:
        return [f"{described.name}: the config cannot be read, {type(error).__name__}"]
    problems += [f"{each.name} is missing" for each in described.parameters if each.required and each.name not in given]
    return [f"{described.name}: {problem}" for problem in problems if problem]


def discover_stages(module: ModuleType | str | PathLike[str]) -> list[Any]:
    """Return the stages that a module defines, in order: classes with a `process`, and `measured_stage` functions.

    `module` is a module, its dotted name, or the path of a file, which is imported. Imported names,
    abstract classes and protocols are left out. Raises `PipelineDefinitionError` if the import fails.
    """
    if not isinstance(module, ModuleType | str | PathLike):
        raise ConfigurationError(
            "stages are in a module, given as such, by its dotted name or its file; "
            f"given was a {type(module).__name__}"
        )
    if not isinstance(module, ModuleType):
        module = load_module(fspath(module))
    found: dict[int, Any] = {}
    for member in vars(module).values():
        if _is_stage_of(module.__name__, member):
            found.setdefault(id(member), member)
    return list(found.values())


def _is_stage_of(module: str, member: Any) -> bool:
    try:
        if is_class(member):
            own = class_dict(member)
            if own.get("__module__") != module or isabstract(member) or own.get("_is_protocol"):
                return False
            return has(member, "process") and bound_method(member, "process") is not None
        if type(member) is FunctionType:
            return MARK in vars(member) and member.__module__ == module
        return has(member, MARK) and getattr_static(member, "__module__", module) == module
    except STOPS:
        raise
    except BaseException:  # an object that cannot be inspected is no stage
        return False


def _problem(stage: StageDescription, name: Any, value: Any) -> str:
    shown = repr(sanitize_text(name)) if type(name) is str else f"the key of class {class_name(type(name))}"
    named = {each.name: each for each in stage.parameters if each.kind in ("any", "keyword")}
    any_other = next((each for each in stage.parameters if each.kind == "kwargs"), None)
    if type(name) is str and (wanted := named.get(name, any_other)) is not None:
        return misfit(sanitize_text(name), value, wanted.schema)
    if any(each.name == name and each.kind == "positional" for each in stage.parameters):
        return f"{shown} is taken by its position only, so no config can give it"
    takes = f"it takes {', '.join(named)}" if named else "it takes none"
    return f"{shown} is no parameter{nearest(name, named)}; {takes}"


def _schema(stage: StageDescription) -> Schema:
    about = {"title": stage.name, **({"description": stage.doc} if stage.doc else {})}
    if stage.signature is None:
        return about
    named = [each for each in stage.parameters if each.kind in ("any", "keyword")]
    any_other = next((each.schema or True for each in stage.parameters if each.kind == "kwargs"), False)
    needed = [each.name for each in named if each.required]
    return {
        **about,
        "type": "object",
        "properties": {each.name: each.schema for each in named},
        **({"required": needed} if needed else {}),
        "additionalProperties": any_other,
    }


def _cells(stage: StageDescription) -> tuple[str, ...]:
    """Return a row of the table; control characters are escaped."""
    about = "; ".join(filter(None, [stage.doc, *(f"({note})" for note in stage.unreadable)]))
    count = str(stage.parameter_count) if stage.signature is not None else "?"
    row = (stage.name, stage.class_name, stage.signature or "?", count, stage.module or "?", about)
    return tuple(map(printable, row))
