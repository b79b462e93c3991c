"""A data contract as it is written: read from YAML, with every problem found and placed before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

from odibi_core.checks.base import Contract
from odibi_core.errors import CheckError, nearest
from odibi_core.plugins import missing_extra

LOGICAL_TYPES: Final = {
    "string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "date": "date",
    "timestamp": "timestamp", "time": "time", "array": "list", "object": "struct",
}  # fmt: skip
"""Logical types with the families of `checks.schema`."""
METRICS: Final = ("duplicateValues", "invalidValues", "missingValues", "nullValues", "rowCount")
OPERATORS: Final = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip
QUALITY_TYPES: Final = ("library", "text", "sql", "custom")
_BYTES: Final = 10 * 2**20
_SHOWN: Final = 10


class Document:
    """A contract without problems: `objects` by name, `service_levels`, and `about` for the results.

    Args:
        path: The file.
        content: Its mapping.
    """

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self.path = path
        self.content = content
        name, version = content.get("name"), content.get("version")
        self.about = Contract(
            str(content["id"]), None if name is None else str(name), None if version is None else str(version)
        )
        self.objects: dict[str, Mapping[str, Any]] = {each["name"]: each for each in content.get("schema") or ()}
        self.service_levels: list[Mapping[str, Any]] = list(content.get("slaProperties") or ())


def column_name(given: Mapping[str, Any]) -> str:
    """Return the name of a property's column: the physical one if there is one."""
    return str(given.get("physicalName") or given["name"])


def column_of_property(of: Mapping[str, Any], name: str) -> str:
    """Return the column of a property of an object; the name itself if there is no such property."""
    return next((column_name(each) for each in of.get("properties") or () if each["name"] == name), name)


def read(path: str | PathLike[str]) -> Document:
    """Return the contract in a YAML or JSON file.

    Raises:
        MissingExtraError: PyYAML is not installed.
        CheckError: The file cannot be read or is no ODCS 3 contract; names the file and each place in it.
    """
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise missing_extra("yaml", "a data contract") from error
    file = Path(path)
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CheckError(f"the contract {file} cannot be read: {error}") from None
    if len(text) > _BYTES:
        raise CheckError(f"the contract {file} must be at most 10 MiB long")
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CheckError(f"the contract {file} is no YAML: {' '.join(str(error).split())}") from None
    problems = list(_document_problems(content))
    if problems:
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise CheckError(f"the contract {file} is not valid:\n  " + "\n  ".join(problems[:_SHOWN]) + more)
    return Document(file, content)


def _document_problems(content: Any) -> Iterator[str]:
    if not isinstance(content, Mapping):
        yield f"it must be a mapping with apiVersion, kind, id and schema, got {_kind(content)}"
        return
    version = content.get("apiVersion")
    if not isinstance(version, str) or not version.startswith("v3."):
        yield f"apiVersion must be a version 3 of ODCS, such as v3.1.0, got {version!r}"
    if content.get("kind") != "DataContract":
        yield f"kind must be DataContract, got {content.get('kind')!r}"
    if not isinstance(content.get("id"), str | int) or isinstance(content.get("id"), bool):
        yield f"id must be a text, got {content.get('id')!r}"
    yield from _each(content.get("schema"), "schema", _object_problems)
    yield from _each(content.get("slaProperties"), "slaProperties", _service_problems)
    names = [each.get("name") for each in content.get("schema") or () if isinstance(each, Mapping)]
    yield from (f"schema has the object {name!r} twice" for name in dict.fromkeys(names) if names.count(name) > 1)


def _each(given: Any, where: str, problems: Callable[[Mapping[str, Any], str], Iterator[str]]) -> Iterator[str]:
    if given is None:
        return
    if not isinstance(given, list):
        yield f"{where} must be a list, got {_kind(given)}"
        return
    for place, each in enumerate(given):
        if isinstance(each, Mapping):
            yield from problems(each, f"{where}[{place}]")
        else:
            yield f"{where}[{place}] must be a mapping, got {_kind(each)}"


def _object_problems(given: Mapping[str, Any], where: str) -> Iterator[str]:
    yield from _name_problems(given, where)
    yield from _each(given.get("properties"), f"{where}.properties", _property_problems)
    yield from _each(given.get("quality"), f"{where}.quality", _quality_problems)
    names = [each.get("name") for each in given.get("properties") or () if isinstance(each, Mapping)]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield f"{where}.properties has the property {name!r} twice"


def _name_problems(given: Mapping[str, Any], where: str) -> Iterator[str]:
    if not isinstance(given.get("name"), str) or not given["name"]:
        yield f"{where}.name must be a text, got {given.get('name')!r}"


def _property_problems(given: Mapping[str, Any], where: str) -> Iterator[str]:
    yield from _name_problems(given, where)
    logical = given.get("logicalType")
    if logical is not None and logical not in LOGICAL_TYPES:
        hint = nearest(logical, LOGICAL_TYPES) if isinstance(logical, str) else ""
        yield f"{where}.logicalType must be one of {', '.join(LOGICAL_TYPES)}, got {logical!r}{hint}"
    for flag in ("required", "unique", "primaryKey"):
        if not isinstance(given.get(flag, False), bool):
            yield f"{where}.{flag} must be true or false, got {given[flag]!r}"
    if not isinstance(given.get("logicalTypeOptions") or {}, Mapping):
        yield f"{where}.logicalTypeOptions must be a mapping, got {_kind(given['logicalTypeOptions'])}"
    yield from _each(given.get("quality"), f"{where}.quality", _quality_problems)


def _quality_problems(given: Mapping[str, Any], where: str) -> Iterator[str]:
    kind = given.get("type", "library")
    if kind not in QUALITY_TYPES:
        yield f"{where}.type must be one of {', '.join(QUALITY_TYPES)}, got {kind!r}"
        return
    if kind == "library":
        metric = given.get("metric")
        if metric is None and "rule" not in given:
            yield f"{where}.metric must be one of {', '.join(METRICS)}, got nothing"
        elif metric is not None and metric not in METRICS:
            hint = nearest(metric, METRICS) if isinstance(metric, str) else ""
            yield f"{where}.metric must be one of {', '.join(METRICS)}, got {metric!r}{hint}"
        if not isinstance(given.get("arguments") or {}, Mapping):
            yield f"{where}.arguments must be a mapping, got {_kind(given['arguments'])}"
        if given.get("unit", "rows") not in ("rows", "percent"):
            yield f"{where}.unit must be rows or percent, got {given['unit']!r}"
    if kind == "sql" and (not isinstance(given.get("query"), str) or not given["query"].strip()):
        yield f"{where}.query must be the text of a SELECT, got {given.get('query')!r}"
    if kind in ("library", "sql"):
        yield from _operator_problems(given, where)


def _operator_problems(given: Mapping[str, Any], where: str) -> Iterator[str]:
    named = [key for key in given if isinstance(key, str) and key.startswith("must")]
    for key in named:
        if key not in OPERATORS:
            yield f"{where}.{key} is no operator{nearest(key, OPERATORS)}; operators are {', '.join(OPERATORS)}"
        elif key.endswith("Between"):
            ends = given[key]
            if not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)) or ends[0] > ends[1]:
                yield f"{where}.{key} must be two numbers in order, such as [0, 100], got {ends!r}"
        elif not _is_number(given[key]) and not isinstance(given[key], bool):
            yield f"{where}.{key} must be a number, got {given[key]!r}"
    if not named:
        yield f"{where} needs an operator, such as mustBe: 0; operators are {', '.join(OPERATORS)}"


def _service_problems(given: Mapping[str, Any], where: str) -> Iterator[str]:
    if not isinstance(given.get("property"), str):
        yield f"{where}.property must be a text such as latency, got {given.get('property')!r}"
    if "value" not in given:
        yield f"{where}.value must be there"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
