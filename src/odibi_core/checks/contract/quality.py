"""The quality rules of a data contract: metrics of the standard's library, and SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import partial, reduce
from operator import or_
from typing import Any, Final

from odibi_core.checks.base import EXAMPLES, Check, Finding, Wrong, frame_check, not_checked
from odibi_core.checks.columns import accepted_values, not_null, unique
from odibi_core.checks.comparison import no_rows
from odibi_core.checks.contract.document import OPERATORS, column_of_property
from odibi_core.checks.contract.options import option_checks
from odibi_core.checks.frames import missing_in
from odibi_core.checks.labels import column_of
from odibi_core.checks.rows import percent
from odibi_core.checks.sql_frames import FRAME, select, valid_query
from odibi_core.errors import CheckError, NotCheckedError

_RULES: Final = {"nullCheck": "nullValues", "duplicateCount": "duplicateValues", "rowCount": "rowCount"}
"""Names of version 3.0, where a metric was a `rule`."""


def quality_check(rule: Mapping[str, Any], name: str, of: Mapping[str, Any], column: str | None, where: str) -> Check:
    """Return the check of a rule of the library or of a SQL text.

    Raises:
        CheckError: The rule lacks something; names its place and what would be right.
    """
    bounds = {key: rule[key] for key in OPERATORS if key in rule}
    if rule.get("type") == "sql":
        text = _filled(rule["query"], column)
        valid_query(f"{where}: query", text)
        return frame_check(name, partial(_judge_sql, text, str(of["name"]), bounds), {}, column=column)
    metric = rule.get("metric") or _RULES.get(str(rule.get("rule")), rule.get("rule"))
    if metric == "rowCount":
        return frame_check(name, partial(_judge_rows, bounds), {})
    counted = _counted(str(metric), rule.get("arguments") or {}, of, column, where)
    if counted is None:
        reason = f"the rule {rule.get('rule')!r} of an older version of the standard is unknown"
        return not_checked(name, reason, column)
    as_percent = rule.get("unit") == "percent"
    return frame_check(name, partial(_judge, counted, str(metric), bounds, as_percent), {}, column=counted[0].column)


def _filled(text: str, column: str | None) -> str:
    """Return a query with the names of the frame and of the column in place of `{object}` and `{property}`."""
    named = '"' + (column or "").replace('"', '""') + '"'
    values = {"object": FRAME, "table": FRAME, "property": named, "column": named}
    return re.sub(r"\$?\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def _counted(
    metric: str, arguments: Mapping[str, Any], of: Mapping[str, Any], column: str | None, where: str
) -> list[Check] | None:
    """Return the checks whose failing rows a metric counts, each row once; None for an unknown metric."""
    if metric == "duplicateValues" and column is None:
        names = arguments.get("properties")
        if not isinstance(names, list) or not names:
            raise CheckError(f"{where}: arguments.properties must be a list of properties, got {names!r}")
        return [unique(*(column_of_property(of, str(name)) for name in names))]
    if metric not in ("nullValues", "missingValues", "invalidValues", "duplicateValues"):
        return None
    if column is None:
        raise CheckError(f"{where}: the metric {metric} is one of a property, not of an object; move the rule there")
    if metric == "duplicateValues":
        return [unique(column)]
    if metric == "nullValues":
        return [not_null(column)]
    if metric == "missingValues":
        return _missing(column, arguments, where)
    return _invalid(column, arguments, where)


def _missing(column: str, arguments: Mapping[str, Any], where: str) -> list[Check]:
    values = arguments.get("missingValues")
    if not isinstance(values, list) or not values:
        raise CheckError(f"{where}: arguments.missingValues must be a list such as [null, ''], got {values!r}")
    found = [not_null(column)] if None in values else []
    given = [value for value in values if value is not None]
    if given:
        found.append(accepted_values(column, given))
    return found


def _invalid(column: str, arguments: Mapping[str, Any], where: str) -> list[Check]:
    values, pattern = arguments.get("validValues"), arguments.get("pattern")
    found = []
    if values is not None:
        if not isinstance(values, list) or not values:
            raise CheckError(f"{where}: arguments.validValues must be a list of values, got {values!r}")
        found.append(accepted_values(column, values))
    if pattern is not None:
        found += option_checks({"logicalTypeOptions": {"pattern": pattern}}, column, column, where)
    if not found:
        raise CheckError(f"{where}: arguments must have validValues or pattern, got {dict(arguments)!r}")
    return found


def _judge(
    counted: list[Check],
    metric: str,
    bounds: Mapping[str, Any],
    as_percent: bool,
    frame: Any,
    frames: Mapping[str, Any],
) -> Finding:
    masks = [_mask(check, metric, frame, frames) for check in counted]
    mask = reduce(or_, masks)
    failed, total = int(mask.sum() or 0), len(frame)
    if as_percent and not total:
        raise NotCheckedError(f"0 rows have no percentage of {metric}")
    value = Fraction(failed * 100, total) if as_percent else Fraction(failed)
    shown = percent(value / 100) if as_percent else f"{failed:,} rows"
    passed = fits(value, bounds)
    message = f"{metric} of {counted[0].column}: {shown} of {total:,}, {_wanted(bounds)}"
    examples = mask.arg_true().head(EXAMPLES).to_list() if failed and not passed else []
    return Finding(passed, failed, total, message, examples)


def _mask(check: Check, metric: str, frame: Any, frames: Mapping[str, Any]) -> Any:
    """Return the mask of the rows that a metric counts: the failing rows, or the listed values if these are missing."""
    column = column_of(frame, check.column) if metric == "missingValues" else None
    try:
        found = check.judge(frame, frames)
    except CheckError:
        if column is None:
            raise
        return no_rows(column)  # texts such as 'N/A' in a column of numbers
    if not isinstance(found, Wrong):
        raise NotCheckedError(f"{metric} cannot be counted")
    if column is not None and check.name == "accepted_values":
        return ~found.mask & ~missing_in(column)
    return found.mask


def _judge_rows(bounds: Mapping[str, Any], frame: Any, frames: Mapping[str, Any]) -> Finding:
    rows = len(frame)
    return Finding(fits(Fraction(rows), bounds), None, rows, f"rowCount: {rows:,} rows, {_wanted(bounds)}")


def _judge_sql(text: str, name: str, bounds: Mapping[str, Any], frame: Any, frames: Mapping[str, Any]) -> Finding:
    columns, rows = select(text, frame, {**frames, name: frame})
    if len(rows) != 1 or len(columns) != 1:
        raise CheckError(f"the query must return one value, got {len(rows):,} rows of {len(columns):,} columns")
    value = rows[0][0]
    if value is None:
        raise NotCheckedError("the query returns NULL")
    try:
        number = Fraction(value)
    except (TypeError, ValueError, OverflowError):
        raise CheckError(f"the query must return a number or a boolean, got {value!r}") from None
    return Finding(fits(number, bounds), None, len(frame), f"the query returns {value}, {_wanted(bounds)}")


def fits(value: Fraction, bounds: Mapping[str, Any]) -> bool:
    """Return true if a number fulfils every operator. `mustBeBetween` excludes its ends, as the standard has it."""
    return all(_fits(value, name, bound) for name, bound in bounds.items())


def _fits(value: Fraction, name: str, bound: Any) -> bool:
    low, high = map(_exact, bound if isinstance(bound, list) else (bound, bound))
    results: dict[str, bool] = {
        "mustBe": value == low,
        "mustNotBe": value != low,
        "mustBeGreaterThan": value > low,
        "mustBeGreaterOrEqualTo": value >= low,
        "mustBeLessThan": value < low,
        "mustBeLessOrEqualTo": value <= low,
        "mustBeBetween": low < value < high,
        "mustNotBeBetween": not low < value < high,
    }
    return results[name]


def _exact(bound: Any) -> Any:
    """Return a bound as the fraction that it is written as; infinity as it is."""
    try:
        return Fraction(repr(bound)) if isinstance(bound, float) else Fraction(bound)
    except (ValueError, OverflowError):
        return bound


def _wanted(bounds: Mapping[str, Any]) -> str:
    return " and ".join(f"{name} {bound}" for name, bound in bounds.items())
