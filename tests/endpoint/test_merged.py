"""Sums over processes: exact, in any order, and never decreasing."""

from __future__ import annotations

from math import fsum
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.endpoint.merged import MergedMetrics, exact
from odibi_core.metrics.manager import MetricsManager
from odibi_core.views.metrics.series import total_of

AMOUNTS = st.floats(0, 1e290) | st.integers(0, 2**60)


def part(manager: MetricsManager, at: float = 1.0) -> list[dict[str, Any]]:
    series: list[dict[str, Any]] = msgspec.json.decode(manager.export("snapshot"))["series"]
    return [entry | {"at": at} for entry in series]


def answers(*parts: list[Any]) -> dict[str, dict[str, Any]]:
    merged = MergedMetrics()
    for series in parts:
        merged.add(series)
    return {series["metric"]: series for series in merged.view().answer()["series"]}


@given(
    amounts=st.lists(st.floats(-1e290, 1e290) | st.integers(-(2**60), 2**60), max_size=30), cuts=st.randoms()
)
def test_a_sum_is_exact_in_any_order_and_grouping(amounts: list[float], cuts: Any) -> None:
    """If some processes are folded into an archive first, the total has the same bits."""
    whole = total_of(exact(amounts))
    shuffled = cuts.sample(amounts, len(amounts))
    cut = cuts.randint(0, len(shuffled))
    assert total_of(exact([*exact(shuffled[:cut]), *exact(shuffled[cut:])])) == whole
    if any(isinstance(amount, float) for amount in amounts):
        rest = fsum([*map(float, amounts), -whole])
        assert abs(rest) <= abs(whole) * 2**-50 + 2**12 * len(amounts)


@given(
    before=st.lists(AMOUNTS, min_size=1, max_size=9),
    more=AMOUNTS,
    where=st.integers(0, 8),
    dead=st.integers(0, 9),
)
def test_a_sum_never_decreases(before: list[float], more: float, where: int, dead: int) -> None:
    """Prometheus takes the smallest decrease for a restart: there is none if one process grows and others end."""
    after = list(before)
    after[where % len(after)] += more
    assert total_of(exact([*exact(after[:dead]), *after[dead:]])) >= total_of(exact(before))


def test_plain_sums_would_decrease() -> None:
    """Sabotage: plain addition of the same numbers decreases."""
    living = [0.1, 0.2, 0.3]
    assert (0.2 + 0.3) + 0.1 < (0.1 + 0.2) + 0.3  # by hand: `sum` makes up for it, from Python 3.12 on
    assert total_of(exact([*exact(living[1:]), living[0]])) == total_of(exact(living))


def test_counters_and_histograms_are_added_up() -> None:
    """Whole numbers stay whole; buckets are added; the minimum and the maximum are of all processes."""
    one, two = MetricsManager(), MetricsManager()
    for manager, times in ((one, 2), (two, 3)):
        manager.increment("error_count", "load", times, {"b": "1", "a": "2"})
        for _ in range(times):
            manager.observe("lat_seconds", None, float(times))
    found = answers(part(one), part(two))
    assert found["error_count"] | {"value": 5, "count": 2} == found["error_count"]
    histogram = found["lat_seconds"]
    assert (histogram["count"], histogram["sum"], histogram["min"], histogram["max"]) == (5, 13.0, 2.0, 3.0)
    assert histogram["buckets"] == {"2.5": 2, "5.0": 3}


def test_a_gauge_has_its_last_value() -> None:
    """The last value of any process counts; the sum, from which counters such as the rows are made, is of all."""
    one, two = MetricsManager(), MetricsManager()
    one.record("row_count", "load", 7)
    two.record("row_count", "load", 5)
    for parts in ((part(one, at=2.0), part(two, at=1.0)), (part(two, at=1.0), part(one, at=2.0))):
        found = answers(*parts)["row_count"]
        assert (found["value"], found["sum"], found["count"]) == (7, 12, 2)


def test_values_that_are_not_finite_are_kept() -> None:
    """A gauge may have any value of a float."""
    manager = MetricsManager()
    manager.set_gauge("g", None, float("nan"))
    manager.set_gauge("h", None, float("-inf"))
    found = answers(part(manager))
    assert (found["g"]["value"], found["h"]["value"]) == ("NaN", "-Infinity")


def test_invalid_entries_are_left_out() -> None:
    """A file may have any content."""
    manager = MetricsManager()
    manager.increment("error_count", "a", 1)
    (good,) = part(manager)
    hostile: list[Any] = [
        None, 7, [], {}, {"kind": "counter"}, {"kind": "nothing", "metric": "x"}, {"kind": "counter", "metric": {}},
        good | {"metric": "m1", "value": "many"}, good | {"metric": "m2", "value": [1e308, "1e400", None, True]},
        good | {"metric": "m3", "kind": "histogram", "buckets": {"+Inf": "x", "nine": 2, "1": -4}, "sum": [1]},
        good | {"metric": "m4", "labels": ["x"], "name": {}, "count": "x", "at": "yesterday"},
    ]  # fmt: skip
    found = answers([*hostile, good], [*hostile, good])
    assert found["error_count"]["value"] == 2
    assert found["m4"]["value"] == 2


def test_an_archive_can_be_added_again() -> None:
    """`add` takes the result of `entries`, after JSON too."""
    manager = MetricsManager()
    manager.record_node_execution("load", 0.1, True, rows=3)
    manager.increment("cost", None, 0.1)
    first = MergedMetrics()
    first.add(part(manager))
    first.add(part(manager))
    again = MergedMetrics()
    again.add(msgspec.json.decode(msgspec.json.encode(first.entries())))
    assert again.view().answer() == first.view().answer()
