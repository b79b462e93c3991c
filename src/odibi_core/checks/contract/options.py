"""The options of logical types in a data contract: lengths, patterns, limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from odibi_core.checks.base import Check, Wrong, not_checked, row_check
from odibi_core.checks.columns import between
from odibi_core.checks.comparison import among
from odibi_core.checks.labels import column_of
from odibi_core.checks.masks import failing, textual
from odibi_core.errors import CheckError, NotCheckedError


def option_checks(given: Mapping[str, Any], column: str, name: str, where: str) -> Iterator[Check]:
    """Yield a check for each option of a property's logical type.

    Raises:
        CheckError: An option has a value that cannot be right; names its place.
    """
    for option, value in (given.get("logicalTypeOptions") or {}).items():
        made = f"{name}.{option}"
        try:
            yield _check(option, value, column, made)
        except (CheckError, re.error, TypeError, ValueError, ArithmeticError) as error:
            raise CheckError(f"{where}: logicalTypeOptions.{option} cannot be {value!r}: {error}") from None


def _check(option: str, value: Any, column: str, name: str) -> Check:
    if option in ("minimum", "maximum"):
        check = between(column, value) if option == "minimum" else between(column, None, value)
        return row_check(name, check.judge, {}, column=column)
    if option in ("exclusiveMinimum", "exclusiveMaximum"):
        inner = between(column, value) if option == "exclusiveMinimum" else between(column, None, value)
        return row_check(name, partial(_exclusive, column, inner, value), {}, column=column)
    rule = _rule(option, value)
    if rule is None:
        return not_checked(name, f"the option {option!r} of a logical type is not supported", column)
    return row_check(name, partial(_by_rule, column, rule, option, value), {}, column=column)


def _rule(option: str, value: Any) -> Callable[[Any], bool] | None:
    """Return the function that decides if a value is wrong; None for an option that is not checked."""
    if option == "minLength":
        return partial(_is_shorter, _whole(value))
    if option == "maxLength":
        return partial(_is_longer, _whole(value))
    if option == "pattern":
        return partial(_lacks, re.compile(value))
    if option == "multipleOf":
        number = Decimal(str(value))
        if number <= 0:
            raise ValueError("it must be more than 0")
        return partial(_is_no_multiple, number)
    return None


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("it must be a whole number from 0")
    return value


def _is_shorter(length: int, value: Any) -> bool:
    return len(value) < length


def _is_longer(length: int, value: Any) -> bool:
    return len(value) > length


def _lacks(pattern: re.Pattern[str], value: Any) -> bool:
    return pattern.search(value) is None  # as in ECMA-262, where a pattern is not anchored


def _is_no_multiple(number: Decimal, value: Any) -> bool:
    found = Decimal(str(value))
    return not found.is_finite() or found % number != 0


def _by_rule(
    label: str, rule: Callable[[Any], bool], option: str, value: Any, frame: Any, frames: Mapping[str, Any]
) -> Wrong:
    column = textual(column_of(frame, label))
    return failing(column, rule, f"value of {label} against {option} {value}")


def _exclusive(label: str, inner: Check, limit: Any, frame: Any, frames: Mapping[str, Any]) -> Wrong:
    column = textual(column_of(frame, label))
    inside = inner.judge(frame, frames)
    if not isinstance(inside, Wrong):
        raise NotCheckedError("the limit cannot be compared")
    others = among(column, [limit])
    equal = failing(column, lambda value: not others(value), f"value of {label}") if callable(others) else None
    mask = inside.mask | (~others if equal is None else equal.mask)
    return failing(column, mask, f"value of {label} not strictly inside {limit}")
