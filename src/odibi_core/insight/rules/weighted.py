"""Probes of weighted sums of two columns, if the source names both columns and the weights."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import Final

from odibi_core.insight.base import Budget
from odibi_core.insight.predicates.features import weighted
from odibi_core.insight.rules.paired import is_apart
from odibi_core.insight.rules.probes import Probe, RuledOut
from odibi_core.insight.rules.sampling import Sample, feature_probes

MOST_COLUMNS: Final = 4
MOST_WEIGHTS: Final = 5
_TESTS: Final = 3
"""Tests of a sum: below, above, and outside of a range."""


def sums(sample: Sample, named: list[str], budget: Budget) -> Iterator[Probe]:
    """Yield the probes of sums and differences of two columns with the source's numbers as weights."""
    columns = [name for name in named if sample.inner.column(name).kind == "number"][:MOST_COLUMNS]
    numbers = [number for number in sample.hints.numbers if number > 0 and number != 1][:MOST_WEIGHTS]
    weights = dict.fromkeys(product((*numbers, 1.0), (*numbers, 1.0)))
    ruled_out = 0
    for first, second in permutations(columns, 2):
        for one, two in weights:
            if one == two == 1.0 or (first > second and one == two):
                continue
            for sign in (1.0, -1.0):
                feature = weighted(one, sign * two)
                values = sample.values(feature, (first, second)) if budget.take(2 * len(sample.rows)) else None
                if values is not None and is_apart(values, sample.lost):
                    yield from feature_probes(sample, feature, (first, second))
                else:
                    ruled_out += _TESTS
    yield RuledOut(ruled_out)
