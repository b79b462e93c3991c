"""Counts of a native histogram of Prometheus: buckets whose bounds grow by a constant factor, as many as are needed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from math import frexp
from typing import Any, Final

from odibi_core.views.values import count as whole
from odibi_core.views.values import record

FINEST: Final = 3
"""The schema of a new histogram: a bucket is 2^(1/8), that is 9 %, wider than the one before it."""
_COARSEST: Final = -4
MOST_BUCKETS: Final = 160
"""Buckets of one histogram, as OpenTelemetry bounds them; beyond it pairs of buckets are joined."""
ZERO_THRESHOLD: Final = 2.0**-128
"""Values up to it, on both sides, are in the zero bucket."""
_BOUNDS: Final = {schema: [2 ** (place / 2**schema) / 2 for place in range(2**schema)] for schema in range(FINEST + 1)}
"""The bounds between 0.5 and 1, by schema: those of every other power of two are the same times that power."""

Counts = dict[int, int]


class NativeCounts:
    """The counts of one histogram, exact for the values that it got.

    The bucket `n` of a schema has the values above `2^((n-1) / 2^schema)` and up to `2^(n / 2^schema)`.

    >>> counts = NativeCounts()
    >>> for value in (0.0, 1.0, 1.05, -3.0):
    ...     counts.add(value)
    >>> counts.zero, counts.positive, counts.negative
    (1, {0: 1, 1: 1}, {13: 1})
    """

    __slots__ = ("negative", "positive", "schema", "zero")

    def __init__(self, schema: int = FINEST) -> None:
        self.schema = schema
        self.zero = 0
        self.positive: Counts = {}
        self.negative: Counts = {}

    @property
    def total(self) -> int:
        """The number of values."""
        return self.zero + sum(self.positive.values()) + sum(self.negative.values())

    def add(self, value: float) -> None:
        """Count a finite value."""
        if -ZERO_THRESHOLD <= value <= ZERO_THRESHOLD:
            self.zero += 1
            return
        side = self.positive if value > 0 else self.negative
        place = _place(abs(value), self.schema)
        side[place] = side.get(place, 0) + 1
        if len(self.positive) + len(self.negative) > MOST_BUCKETS:
            self._bound()

    def merge(self, other: NativeCounts) -> None:
        """Add the counts of another histogram; the coarser schema of both is kept."""
        self._coarsen_to(other.schema)
        joins = other.schema - self.schema
        self.zero += other.zero
        for side, more in ((self.positive, other.positive), (self.negative, other.negative)):
            for place, count in more.items():
                place = _joined(place, joins)
                side[place] = side.get(place, 0) + count
        self._bound()

    def _bound(self) -> None:
        while len(self.positive) + len(self.negative) > MOST_BUCKETS and self.schema > _COARSEST:
            self._coarsen_to(self.schema - 1)

    def _coarsen_to(self, schema: int) -> None:
        joins = self.schema - schema
        if joins <= 0:
            return
        self.schema = schema
        for name in ("positive", "negative"):
            coarse: Counts = {}
            for place, count in getattr(self, name).items():
                place = _joined(place, joins)
                coarse[place] = coarse.get(place, 0) + count
            setattr(self, name, coarse)

    def as_fields(self) -> dict[str, Any]:
        """Return the counts as JSON for an event, or for another process."""
        sides = {name: {str(at): count for at, count in getattr(self, name).items()} for name in _SIDES}
        return {"schema": self.schema, "zero": self.zero, **sides}


_SIDES: Final = ("positive", "negative")


def native_counts(fields: object) -> NativeCounts | None:
    """Return the counts of `as_fields`; None if they are not readable."""
    found = record(fields)
    schema, zero = found.get("schema"), whole(found.get("zero"))
    if type(schema) is not int or not _COARSEST <= schema <= FINEST or zero is None:
        return None
    counts = NativeCounts(schema)
    counts.zero = zero
    try:
        counts.positive, counts.negative = (_side(record(found.get(name))) for name in _SIDES)
    except (TypeError, ValueError):
        return None
    return counts


def sum_of(*parts: NativeCounts | None) -> NativeCounts | None:
    """Return the sum of the given parts as a new object; None without any."""
    given = [part for part in parts if part is not None]
    if not given:
        return None
    total = NativeCounts()
    for part in given:
        total.merge(part)
    return total


def _side(fields: Mapping[str, Any]) -> Counts:
    return {int(place): count for place, number in fields.items() if (count := whole(number))}


def _place(value: float, schema: int) -> int:
    """Return the bucket of a positive value."""
    fraction, exponent = frexp(value)
    if schema > 0:
        bounds = _BOUNDS[schema]
        return bisect_left(bounds, fraction) + (exponent - 1) * len(bounds)
    return _joined(exponent - 1 if fraction == 0.5 else exponent, -schema)


def _joined(place: int, times: int) -> int:
    """Return the bucket that holds a bucket after pairs were joined so many times."""
    return -(-place >> times)
