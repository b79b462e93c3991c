"""Tests of the columns that a row has from its partner in another input, such as `seats <= 100 (of planes)`.

Such a test has the op `of_input.` and that of a test of the other input. Its `keys` are those of the other input, then
the columns that the test reads there. A row without a partner passes no such test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from odibi_core.insight.base import Rule, Test
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.predicates.other_inputs import partners

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.frames.frame import Frame

OF_INPUT: Final = "of_input."


def of_partner(rule: Rule, other: str, columns: tuple[str, ...], keys: tuple[str, ...]) -> Rule:
    """Return a rule of the other input as one of the main input.

    Args:
        rule: The rule of the rows of the other input.
        other: Its logical name.
        columns: The columns of the main input that are compared with its keys.
        keys: Its keys.
    """
    return Rule(
        tuple(
            tuple(Test(OF_INPUT + test.op, columns, test.value, other, (*keys, *test.columns)) for test in group)
            for group in rule.any_of
        )
    )


def inner_test(test: Test) -> Test:
    """Return the test of the other input that a test of a partner stands for."""
    return Test(test.op.removeprefix(OF_INPUT), test.keys[len(test.columns) :], test.value)


def passing_by_partner(test: Test, frame: Frame, others: Mapping[str, Frame]) -> NDArray[np.bool_]:
    """Return the rows whose partner passes a test.

    Raises:
        CannotEvaluate: The other input or a column is missing, or has another kind of values.
    """
    import numpy as np

    from odibi_core.insight.predicates.tests import passing

    if test.other not in others:
        raise CannotEvaluate(f"the step has no input {test.other!r}")
    rows = partners(Test("in_input", test.columns, None, test.other, test.keys[: len(test.columns)]), frame, others)
    passed = passing(inner_test(test), others[test.other])
    return np.where(rows >= 0, passed[rows] if len(passed) else False, False)
