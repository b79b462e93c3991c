"""The checks of one object of a data contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any, Final

import msgspec

from odibi_core.checks.base import Check, not_checked
from odibi_core.checks.columns import not_null, unique
from odibi_core.checks.contract.document import LOGICAL_TYPES, Document, column_name, column_of_property, read
from odibi_core.checks.contract.options import option_checks
from odibi_core.checks.contract.quality import quality_check
from odibi_core.checks.contract.types import physical_family
from odibi_core.checks.frame_schema import schema
from odibi_core.checks.recency import freshness
from odibi_core.errors import CheckError, nearest

_SEVERITIES: Final = dict.fromkeys(("error", "critical", "high", "major", "blocker", "fatal"), "error") | dict.fromkeys(
    ("warn", "warning", "info", "low", "minor", "medium"), "warn"
)
_UNITS: Final = {
    "s": "s", "second": "s", "seconds": "s", "m": "m", "min": "m", "minute": "m", "minutes": "m", "h": "h", "hr": "h",
    "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d", "w": "w", "week": "w", "weeks": "w",
}  # fmt: skip
_FRESHNESS: Final = ("latency", "ly", "freshness")


def from_contract(
    path: str | PathLike[str],
    object: str | None = None,
    *,
    severity: str | None = None,
    on: str | None = None,
    collect: bool = False,
) -> list[Check]:
    """Return the checks of an object of a data contract (ODCS 3, YAML): types, required, unique, quality, latency.

    A rule that cannot be asked, such as a text or one of another engine, is a check that is "not checked".

    Args:
        path: The file of the contract.
        object: The name of the object in its `schema`; may be left out if it has one only.
        severity: "error" or "warn" for all checks; by default that of each rule, or "error".
        on, collect: See `checks.base.Options`.

    Raises:
        MissingExtraError: PyYAML is not installed.
        CheckError: The contract is not valid; names the file, each place in it, and what would be right.
    """
    document = read(path)
    chosen = _chosen(document, object)
    made = []
    for check in _checks(document, chosen):
        given = {"on": on, "collect": collect, "contract": document.about}
        made.append(msgspec.structs.replace(check, severity=severity or check.severity, **given))
    return made


def _chosen(document: Document, name: str | None) -> Mapping[str, Any]:
    names = list(document.objects)
    if name is None and len(names) == 1:
        return document.objects[names[0]]
    if name is None or name not in document.objects:
        hint = "" if name is None else nearest(name, names)
        raise CheckError(
            f"the contract {document.path} has no object {name!r}{hint}; its objects are {', '.join(names) or 'none'}"
        )
    return document.objects[name]


def _checks(document: Document, given: Mapping[str, Any]) -> Iterator[Check]:
    name = given["name"]
    properties = list(given.get("properties") or ())
    keys = sorted((each for each in properties if each.get("primaryKey")), key=_position)
    key = tuple(map(column_name, keys))
    for each in properties:
        for check in _property_checks(each, f"{name}.{each['name']}", given, document):
            yield msgspec.structs.replace(check, key=key) if key and check.takes == "eager" else check
    if key:
        for label in key:
            yield _named(not_null(label, key=list(key)), f"{name}.primaryKey.required")
        yield _named(unique(*key), f"{name}.primaryKey.unique")
    for place, rule in enumerate(given.get("quality") or ()):
        yield _rule(rule, f"{name}.quality.{_name(rule, place)}", given, None, document)
    yield from _service_checks(document, given)


def _position(given: Mapping[str, Any]) -> int:
    position = given.get("primaryKeyPosition")
    return position if isinstance(position, int) else 0


def _property_checks(given: Mapping[str, Any], name: str, of: Mapping[str, Any], document: Document) -> Iterator[Check]:
    column = column_name(given)
    if (logical := given.get("logicalType")) is not None:
        yield _typed(column, LOGICAL_TYPES[logical], f"{name}.logicalType")
    if (physical := given.get("physicalType")) is not None:
        family = physical_family(str(physical))
        reason = f"the physical type {physical!r} is unknown"
        yield (
            _typed(column, family, f"{name}.physicalType")
            if family
            else not_checked(f"{name}.physicalType", reason, column)
        )
    if logical is None and physical is None:
        yield _typed(column, None, f"{name}.there")
    if given.get("required"):
        yield _named(not_null(column), f"{name}.required")
    if given.get("unique"):
        yield _named(unique(column), f"{name}.unique")
    yield from option_checks(given, column, name, _place(document, of, given))
    for place, rule in enumerate(given.get("quality") or ()):
        yield _rule(rule, f"{name}.quality.{_name(rule, place)}", of, column, document)


def _place(document: Document, of: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    return f"the contract {document.path}, schema {of['name']}, property {given['name']}"


def _name(rule: Mapping[str, Any], place: int) -> str:
    return str(rule.get("id") or rule.get("name") or place)


def _typed(column: str, family: str | None, name: str) -> Check:
    return _named(schema({column: family}, exact=False), name, column)


def _named(check: Check, name: str, column: str | None = None) -> Check:
    return msgspec.structs.replace(check, name=name, column=column or check.column)


def _rule(rule: Mapping[str, Any], name: str, of: Mapping[str, Any], column: str | None, document: Document) -> Check:
    kind = rule.get("type", "library")
    severity = _SEVERITIES.get(str(rule.get("severity", "error")).lower(), "error")
    if kind == "text":
        made = not_checked(name, "the rule is a text, which a person has to judge", column)
    elif kind == "custom":
        made = not_checked(name, f"the rule is of the engine {rule.get('engine')!r}, which does not run here", column)
    else:
        made = quality_check(rule, name, of, column, f"the contract {document.path}, rule {name}")
    return msgspec.structs.replace(made, severity=severity)


def _service_checks(document: Document, given: Mapping[str, Any]) -> Iterator[Check]:
    for place, level in enumerate(document.service_levels):
        name = f"sla.{level.get('id') or level['property']}"
        elements = level.get("element") or document.content.get("slaDefaultElement")
        columns = [each for each in map(str.strip, str(elements or "").split(",")) if each]
        own = [column for each in columns if (column := _own_column(each, given, len(document.objects))) is not None]
        if columns and not own:
            continue  # of another object
        if str(level["property"]).lower() not in _FRESHNESS or not own:
            why = "has no element to check" if str(level["property"]).lower() in _FRESHNESS else "is not about the data"
            yield not_checked(name, f"the service level {level['property']!r} {why}")
            continue
        unit = _UNITS.get(str(level.get("unit", "d")).lower())
        try:
            within = f"{float(level['value'])}{unit}" if unit else ""
            made = freshness(own[0], within)
        except (CheckError, TypeError, ValueError):
            raise CheckError(
                f"the contract {document.path}: slaProperties[{place}] must have a number as value and a unit of"
                f" {', '.join(dict.fromkeys(_UNITS.values()))}, got {level['value']!r} and {level.get('unit')!r}"
            ) from None
        yield _named(made, name)


def _own_column(element: str, given: Mapping[str, Any], objects: int) -> str | None:
    """Return the column of an element that belongs to the object, `orders.created` or `created`; else None."""
    of, dot, name = element.rpartition(".")
    if dot and of not in (given["name"], given.get("physicalName")):
        return None
    if not dot and objects > 1:
        return None
    return column_of_property(given, name)
