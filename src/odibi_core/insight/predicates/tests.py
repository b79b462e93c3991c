"""The tests of which a rule consists: what each op reads, and the rows that pass it.

An op is `[not_|valued_not_][feature.]comparison`: `lt`, `month.in`, `sum.gt`, `not_contains`. `not_` is the complement
over all rows, so that a null passes `not_lt` and not `lt`; it does not pass `valued_not_lt`. Without a feature, a test
reads its one column, or compares its first column with its second. `features.py` has the features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import NUMBER_UNITS, SORTED_UNITS, TEXT_UNITS, Rule, Test
from odibi_core.insight.frames.column import NUMERIC
from odibi_core.insight.predicates import features
from odibi_core.insight.predicates.constants import CannotEvaluate, as_number
from odibi_core.insight.predicates.features import Values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.column import Column
    from odibi_core.insight.frames.frame import Frame

    Mask = NDArray[np.bool_]

NEGATION: Final = "not_"
VALUED: Final = "valued_not_"

ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}
RANGES: Final = frozenset({"between", "outside"})
"""`between` includes both ends; `outside` is below the first or above the second."""

TEXT: Final[dict[str, Callable[[Any, str], Any]]] = {
    "starts": lambda series, value: series.str.starts_with(value),
    "ends": lambda series, value: series.str.ends_with(value),
    "contains": lambda series, value: series.str.contains(value, literal=True),
    "contains_any_case": lambda series, value: series.str.to_lowercase().str.contains(value.lower(), literal=True),
    "eq_any_case": lambda series, value: series.str.to_lowercase() == value.lower(),
}

STAYS: Final = frozenset({"later_copy", "earlier_copy", "any_copy", "lower_copy", "higher_copy"})
"""Tests of duplicates, which `copies.py` has."""


def split_op(op: str) -> tuple[str, str, str]:
    """Return the negation of an op (`not_`, `valued_not_` or empty), its feature (may be empty), its comparison."""
    negation = next((prefix for prefix in (NEGATION, VALUED) if op.startswith(prefix)), "")
    feature, _, comparison = op.removeprefix(negation).rpartition(".")
    return negation, feature, comparison


def complement(test: Test) -> Test:
    """Return the test that exactly the other rows pass."""
    if test.op.startswith(VALUED):
        raise ValueError(f"{test.op} has no complement of one op")
    op = test.op.removeprefix(NEGATION) if test.op.startswith(NEGATION) else NEGATION + test.op
    return Test(op, test.columns, test.value, test.other, test.keys)


def cost(test: Test, frame: Frame) -> float:
    """Return the units of each row for one test."""
    _, feature, comparison = split_op(test.op)
    if feature in features.GROUPED or comparison in STAYS or test.other:
        return SORTED_UNITS * len(test.columns)
    is_text = any(name in frame and frame.kind(name) == "text" for name in test.columns)
    if comparison in ("null", "nan"):
        return NUMBER_UNITS * len(test.columns)
    return TEXT_UNITS * (1 + (comparison in TEXT)) if is_text else NUMBER_UNITS * (4 if feature else 1)


def evaluate(rule: Rule, frame: Frame, others: Mapping[str, Frame]) -> Mask:
    """Return the rows that a rule selects.

    Args:
        rule: The rule, of this frame or of another one, such as yesterday's.
        frame: The main input.
        others: The other inputs by their logical names, for tests that look in them.

    Raises:
        CannotEvaluate: A column or an input is missing, or has another kind of values.
    """
    import numpy as np

    known: dict[Any, Mask] = {}
    selected = np.zeros(frame.height, np.bool_)
    for group in rule.any_of:
        passed = np.ones(frame.height, np.bool_)
        for test in group:
            key = (test.op, test.columns, repr(test.value), test.other, test.keys)
            if key not in known:
                known[key] = passing(test, frame, others)
            passed &= known[key]
        selected |= passed
    return selected


def passing(test: Test, frame: Frame, others: Mapping[str, Frame] | None = None) -> Mask:
    """Return the rows that pass one test.

    Raises:
        CannotEvaluate: A column or an input is missing, or has another kind of values.
    """
    if test.op.startswith("of_input."):
        from odibi_core.insight.predicates.partners import passing_by_partner

        return passing_by_partner(test, frame, others or {})
    negation, feature, comparison = split_op(test.op)
    found = _passing(test, feature, comparison, (frame, others or {}))
    if negation == VALUED:
        return ~found & _valued(test, feature, frame)
    return ~found if negation else found


def _valued(test: Test, feature: str, frame: Frame) -> Mask:
    """Return the rows whose values a test can compare."""
    columns = [features.column_of(frame, name) for name in test.columns]
    if feature and not _is_empty(columns):
        return features.values_of(feature, frame, test.columns).valid
    return ~_any([~column.valid if column.kind in NUMERIC else column.nulls for column in columns], frame.height)


def _passing(test: Test, feature: str, comparison: str, inputs: tuple[Frame, Mapping[str, Frame]]) -> Mask:
    frame, others = inputs
    if comparison == "null":
        return _any([features.column_of(frame, name).nulls for name in test.columns], frame.height)
    if comparison == "nan":
        return _any([_nan(features.column_of(frame, name)) for name in test.columns], frame.height)
    if comparison in STAYS:
        from odibi_core.insight.predicates.copies import is_copy

        return is_copy(Test(comparison, test.columns), frame)
    if comparison in ("in_input", "many_in_input"):
        from odibi_core.insight.predicates.other_inputs import in_other, many_in_other

        return (in_other if comparison == "in_input" else many_in_other)(test, frame, others)
    columns = [features.column_of(frame, name) for name in test.columns]
    if _is_empty(columns) and feature != "null_count":
        return _any([], frame.height)
    if feature:
        return compared(features.values_of(feature, frame, test.columns), comparison, test.value)
    if len(columns) == 2:
        return compare_columns(columns[0], columns[1], comparison)
    if len(columns) != 1:
        raise CannotEvaluate(f"{test.op} reads one or two columns, got {len(test.columns)}")
    return _of_column(columns[0], comparison, test.value)


def _is_empty(columns: list[Column]) -> bool:
    """Return whether a column has no value at all; it may be of any type then, and none of its rows passes."""
    return any(bool(column.nulls.all()) for column in columns)


def _of_column(column: Column, comparison: str, value: Any) -> Mask:
    if column.kind == "text":
        return _of_text(column, comparison, value)
    if column.kind == "other":
        raise CannotEvaluate(f"{column.name} must have numbers, moments, texts or booleans for {comparison!r}")
    return compared(features.values_of_column(column), comparison, value)


def _of_text(column: Column, comparison: str, value: Any) -> Mask:
    if comparison == "in":
        return column.matches(lambda series: series.is_in([str(each) for each in value]))
    if not isinstance(value, str):
        raise CannotEvaluate(f"{column.name} has texts, and {comparison!r} compares with {value!r}")
    if comparison in TEXT:
        return column.matches(lambda series: TEXT[comparison](series, value))
    if comparison == "matches":
        return _matching(column, value)
    if comparison in ORDER:
        found = column.matches(lambda series: ORDER[comparison](series, value))
        return found & ~column.nulls if comparison == "ne" else found
    raise CannotEvaluate(f"there is no comparison {comparison!r} of texts")


def _matching(column: Column, pattern: str) -> Mask:
    """Return the texts in which a regular expression is found, by the engine of the library."""
    try:
        return column.matches(lambda series: series.str.contains(pattern))
    except Exception as error:  # each library has an error of its own
        raise CannotEvaluate(f"{pattern!r} is no regular expression of the library: {error}") from None


def compare_columns(first: Column, second: Column, comparison: str) -> Mask:
    """Compare two columns row by row; a row passes only if both have a value."""
    if comparison not in ORDER:
        raise CannotEvaluate(f"there is no comparison {comparison!r} of two columns")
    if first.kind == second.kind == "text":
        found = first.matches(lambda series: ORDER[comparison](series, second.text))
        return found & ~first.nulls & ~second.nulls
    left, right = features.in_one_unit(first, second)
    return ORDER[comparison](left.numbers, right.numbers) & left.valid & right.valid  # type: ignore[no-any-return]


def compared(values: Values, comparison: str, value: Any) -> Mask:
    """Return the rows whose number passes a comparison.

    Raises:
        CannotEvaluate: The constant is of another kind, or there is no such comparison of numbers.
    """
    import numpy as np

    numbers = values.numbers
    if comparison in ORDER:
        found = ORDER[comparison](numbers, as_number(value, values))
    elif comparison in RANGES:
        low, high = (as_number(each, values) for each in value)
        found = (numbers >= low) & (numbers <= high) if comparison == "between" else (numbers < low) | (numbers > high)
    elif comparison == "in":
        found = np.isin(numbers, np.asarray([as_number(each, values) for each in value]))
    elif comparison == "mod":
        divisor, rest = value
        found = numbers % divisor == rest
    else:
        raise CannotEvaluate(f"there is no comparison {comparison!r} of numbers")
    return np.asarray(found & values.valid, np.bool_)


def _nan(column: Column) -> Mask:
    return ~column.valid & ~column.nulls


def _any(masks: list[Mask], height: int) -> Mask:
    import numpy as np

    return np.logical_or.reduce(masks) if masks else np.zeros(height, np.bool_)
