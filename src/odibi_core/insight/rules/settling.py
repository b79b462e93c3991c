"""The constants of a whole rule, chosen again: only rows that no other test decides limit the threshold of a test.

In `amount <= 50 or country != DE`, a lost row of another country does not limit the amount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import Budget, Rule, Test
from odibi_core.insight.predicates.constants import as_constant, as_number
from odibi_core.insight.predicates.features import OF_TABLE, Values
from odibi_core.insight.predicates.tests import RANGES, passing, split_op
from odibi_core.insight.rules.thresholds import threshold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.rules.sampling import Sample

    Mask = NDArray[np.bool_]
    Groups = list[list[tuple[Test, Mask]]]

_LOW: Final = ("le", "lt")
_HIGH: Final = ("ge", "gt")


def settled(groups: Groups, sample: Sample) -> list[list[Test]]:
    """Return the tests of a rule with their constants chosen again.

    Args:
        groups: The tests with the rows of the sample that pass them: OR of ANDs.
        sample: The rows with their labels.
    """
    import numpy as np

    passed = [np.logical_and.reduce([mask for _, mask in group]) for group in groups]
    found: list[list[Test]] = []
    for at, group in enumerate(groups):
        rest = [mask for other, mask in enumerate(passed) if other != at]
        undecided = ~np.logical_or.reduce(rest) if rest else np.ones(len(sample.rows), np.bool_)
        found.append([_settled(test, undecided & _others(group, test), sample) for test, _ in group])
    return found


def in_order(groups: list[list[Test]], names: tuple[str, ...]) -> Rule:
    """Return the tests as a rule, short groups and the first columns first, so that equal rules read alike."""

    def place(test: Test) -> tuple[list[int], str, str]:
        return [names.index(name) for name in test.columns if name in names], test.op, repr(test.value)

    ordered = [sorted(group, key=place) for group in groups]
    ordered.sort(key=lambda group: (len(group), [place(test) for test in group]))
    return Rule(tuple(tuple(group) for group in ordered))


def _others(group: list[tuple[Test, Mask]], test: Test) -> Any:
    import numpy as np

    masks = [mask for other, mask in group if other is not test]
    return np.logical_and.reduce(masks) if masks else True


def _settled(test: Test, deciding: Mask, sample: Sample) -> Test:
    """Return a test with a constant that fits the rows which only it decides."""
    negation, feature, comparison = split_op(test.op)
    if comparison not in (*_LOW, *_HIGH, *RANGES) or (not feature and len(test.columns) != 1):
        return test
    values = sample.values(feature, test.columns)
    if values is None:
        return test
    wanted = ~sample.lost if negation else sample.lost
    rows = deciding & values.valid
    yes, no = values.numbers[rows & wanted], values.numbers[rows & ~wanted]
    if not len(yes) or not len(no):
        return test
    prefix = test.op.removesuffix(comparison)
    if comparison in RANGES:
        inside, outside = (yes, no) if comparison == "between" else (no, yes)
        return Test(test.op, test.columns, _range(test.value, inside, outside, (values, sample)))
    strict, inclusive = ("lt", "le") if comparison in _LOW else ("gt", "ge")
    ends = (yes.max(), no.min()) if comparison in _LOW else (yes.min(), no.max())
    if (ends[0] >= ends[1]) if comparison in _LOW else (ends[0] <= ends[1]):
        return test
    constant, passes, _ = threshold(*ends, values, sample.hints)
    return Test(prefix + (inclusive if passes else strict), test.columns, constant)


def _range(ends: Any, inside: Any, outside: Any, context: tuple[Values, Sample]) -> list[Any]:
    values, sample = context
    first, last = inside.min(), inside.max()
    below, above = outside[outside < first], outside[outside > last]
    return [
        _end(first, below.max(), values, sample) if len(below) else ends[0],
        _end(last, above.min(), values, sample) if len(above) else ends[1],
    ]


def _end(passed: Any, failed: Any, values: Values, sample: Sample) -> Any:
    """Return an end of a range that includes its ends: any number of the gap but the one that fails."""
    constant, _, _ = threshold(passed, failed, values, sample.hints)
    return as_constant(passed, values) if as_number(constant, values) == failed else constant


def adjusted(rule: Rule, sample: Sample, budget: Budget) -> Rule | None:
    """Return the tests of a rule with constants that fit a larger sample; None if no constants do.

    Args:
        rule: The rule, which rows of the sample refute.
        sample: The sample.
        budget: The work that may be spent.
    """
    if not budget.take(len(sample.rows) * 2 * sum(map(len, rule.any_of))):
        return None
    groups = [[(test, _mask(test, sample)) for test in group] for group in rule.any_of]
    found = Rule(tuple(tuple(group) for group in settled(groups, sample)))
    selected = [[_mask(test, sample) for test in group] for group in found.any_of]
    return found if (_any_of(selected) == sample.lost).all() else None


def _mask(test: Test, sample: Sample) -> Any:
    if split_op(test.op)[1] not in OF_TABLE:
        return passing(test, sample.inner, sample.others)
    whole: Mask = passing(test, sample.frame, sample.others)
    return whole[sample.rows]


def _any_of(groups: list[list[Mask]]) -> Any:
    import numpy as np

    return np.logical_or.reduce([np.logical_and.reduce(group) for group in groups])
