"""Probes of regular expressions: those that the source has, evaluated by the library of the frame itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from odibi_core.insight.base import Budget, Test
from odibi_core.insight.predicates.constants import CannotEvaluate
from odibi_core.insight.rules.probes import FixedProbe, Probe
from odibi_core.insight.rules.sampling import Sample

MATCHING: Final = frozenset(
    """contains match fullmatch search findall extract count_matches regexp_matches regexp_full_match regexp_like
    regexp_extract filter query SIMILAR RLIKE""".split()  # noqa: SIM905
)
"""Names in a source that make a regular expression likely."""
MOST: Final = 8
_WORK: Final = 8
"""Units of one text."""
_SIGNS: Final = frozenset(r".^$*+?{}[]\|()")
"""Characters without one of which a regular expression stands for itself."""
_WHOLE: Final = ("{}", "^(?:{})", "^(?:{})$")
"""The pattern anywhere, at the start as `match` has it, and of the whole text as `fullmatch` has it."""


def patterns(sample: Sample, names: list[str], budget: Budget) -> Iterator[Probe]:
    """Yield the probes of the patterns of the source over columns of text."""
    from odibi_core.insight.predicates.tests import passing

    if not sample.hints.names & MATCHING:
        return
    found = [text for text in sample.hints.texts() if _is_pattern(text)][:MOST]
    if not found:
        return
    for name in names:
        if sample.inner.column(name).kind != "text":
            continue
        for pattern in found:
            for whole in _WHOLE:
                test = Test("matches", (name,), whole.format(pattern))
                if not budget.take(_WORK * len(sample.rows)):
                    return
                try:
                    yield FixedProbe(test, passing(test, sample.inner))
                except CannotEvaluate:
                    continue


def _is_pattern(text: str) -> bool:
    """Return whether a text is a regular expression, and not one that stands for itself."""
    if len(text) < 2 or _SIGNS.isdisjoint(text):
        return False
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True
