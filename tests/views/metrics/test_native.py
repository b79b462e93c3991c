"""Native counts: each value in the bucket of its own size, in bounded memory, and sums that lose nothing."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from odibi_core.views.metrics.native import FINEST, MOST_BUCKETS, NativeCounts, native_counts, sum_of


def counted(values: list[float], schema: int = FINEST) -> NativeCounts:
    counts = NativeCounts(schema)
    for value in values:
        counts.add(value)
    return counts


def fields(values: list[float], schema: int = FINEST) -> dict[str, Any]:
    return counted(values, schema).as_fields()


@pytest.mark.parametrize("schema", range(-4, FINEST + 1))
def test_a_value_is_in_the_bucket_whose_bounds_hold_it(schema: int) -> None:
    """Above the lower bound and at most the upper one, which is exact for powers of two."""
    factor = 2.0 ** (2.0**-schema)
    for value in (math.exp(random.Random(place).uniform(-60, 60)) for place in range(300)):
        ((bucket, _),) = counted([value], schema).positive.items()
        assert factor ** (bucket - 1) * (1 - 1e-9) < value <= factor**bucket * (1 + 1e-9)
        assert counted([-value], schema).negative == {bucket: 1}
    for power in range(-20, 21):
        assert counted([2.0**power], schema).positive == {math.ceil(power * 2.0**schema): 1}


def test_many_sizes_share_coarser_buckets() -> None:
    """No value is lost, and the coarse counts are those that a coarse histogram would have counted."""
    chance = random.Random(7)
    values = [math.exp(chance.uniform(-40, 40)) * chance.choice((1, -1)) for _ in range(2_000)] + [0.0, 1e-50]
    counts = counted(values)
    assert counts.total == len(values)
    assert counts.zero == 2
    assert len(counts.positive) + len(counts.negative) <= MOST_BUCKETS
    assert counts.as_fields() == fields(values, counts.schema)


def test_sums_and_json_are_those_of_all_values() -> None:
    """Also of two schemas: the coarser one is kept."""
    fine, coarse = [0.1, 2.0, -5.0, 0.0], [1e-30, 3.0, 7.5]
    total = sum_of(counted(fine), native_counts(json.loads(json.dumps(fields(coarse, 0)))), None)
    assert total is not None
    assert total.as_fields() == fields([*fine, *coarse], 0)
    assert sum_of(None) is None


@pytest.mark.parametrize(
    "given", [None, {}, {"schema": 9, "zero": 0}, {"schema": 3}, {"schema": 3, "zero": 0, "positive": {"x": 1}}]
)
def test_unreadable_counts_are_none(given: Any) -> None:
    """As another process or a damaged file may have them."""
    assert native_counts(given) is None
