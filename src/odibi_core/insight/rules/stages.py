"""The stages of the search for a rule: the probes of the columns that the source names, then those of all columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from odibi_core.insight.base import Budget
from odibi_core.insight.rules import grouping, paired, patterns, sampling, sequences, weighted
from odibi_core.insight.rules.probes import Probe
from odibi_core.insight.rules.sampling import Sample

MOST_NAMED: Final = 8
"""Columns that a source may name to be searched first, and with each other."""

Stage = Callable[[], Iterator[Probe]]


def of_named(sample: Sample, budget: Budget) -> Iterator[Stage]:
    """Yield the stages of the columns that the source names; none if it names none or all."""
    named = sample.named
    if not 0 < len(named) < len(sample.frame.names):
        return
    yield lambda: sampling.named_values(sample, named)
    yield lambda: chain(
        sampling.plain(sample, named), sampling.parts(sample, named), patterns.patterns(sample, named, budget)
    )
    if len(named) <= MOST_NAMED:
        if sample.hints.names & sequences.SEQUENCES:
            yield lambda: sequences.row_before(sample, named, budget)
        yield lambda: chain(
            paired.pairs(sample, named), paired.arithmetic(sample, named, budget), weighted.sums(sample, named, budget)
        )
        if sample.hints.names & grouping.GROUPING:
            yield lambda: grouping.groups(sample, named, budget)


def of_all(sample: Sample, budget: Budget) -> Iterator[Stage]:
    """Yield the stages of all columns."""
    names, named = list(sample.frame.names), sample.named
    rest = [name for name in names if name not in named] if len(named) < len(names) else names
    yield lambda: chain(sampling.plain(sample, rest), sampling.keys(sample, budget))
    yield lambda: chain(sampling.parts(sample, rest), patterns.patterns(sample, rest, budget))
    yield lambda: paired.pairs(sample, names)
    yield lambda: paired.arithmetic(sample, names, budget)
    if len(named) == len(names):
        yield lambda: weighted.sums(sample, named, budget)
    yield lambda: sequences.row_before(sample, names, budget)
    yield lambda: grouping.groups(sample, names, budget)
