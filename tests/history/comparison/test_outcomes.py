"""Checks, joins, durations and costs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.history.comparison.rows import noise, run, step

from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.outcomes import checks, costs, durations, joins


def check(passed: bool | None, **more: Any) -> dict[str, Any]:
    about = {"node_name": "a", "check_name": "not_null", "column_name": "x", "severity": "warn", "message": "m"}
    return {**about, "passed": passed, **more}


@pytest.mark.parametrize(
    ("was", "now", "kind", "notable"),
    [
        (True, False, "check_failed", True),
        (None, False, "check_failed", True),
        (False, True, "check_passed", False),
        (True, None, "not_checked", True),
        (False, False, None, None),
        (True, True, None, None),
    ],
)
def test_a_check(was: bool | None, now: bool | None, kind: str | None, notable: bool | None) -> None:
    """Newly failing or no longer asked is notable; failing as before is none."""
    before, after = (run(nodes=[step("a")], checks=[check(each)]) for each in (was, now))
    found = [(each.kind, each.is_notable) for each in checks(before, after)]
    assert found == ([] if kind is None else [(kind, notable)])


def test_a_check_that_is_new_or_gone() -> None:
    """A new one that fails is stated as new; one that is gone is information, unless its step did not run."""
    with_check, without = run(nodes=[step("a")], checks=[check(False)]), run(nodes=[step("a")])
    assert "fails (a new check)" in next(checks(without, with_check)).message
    assert [(each.kind, each.is_notable) for each in checks(with_check, without)] == [("check_removed", False)]
    assert list(checks(with_check, run(nodes=[step("a", status="failed")]))) == []


def edge(rate: float | None, fan_out: float | None) -> dict[str, Any]:
    about = {"source": "s", "target": "a", "dataset": "flights", "join_with": "weather", "join_keys": ["origin"]}
    return {**about, "match_rate": rate, "fan_out": fan_out}


@pytest.mark.parametrize(
    ("was", "now", "kinds"),
    [
        ((0.99, 1.0), (0.37, 1.0), ["match_rate"]),
        ((0.99, 1.0), (0.98, 2.0), ["fan_out"]),
        ((0.99, 1.0), (None, None), []),
        ((0.99, 1.0), (0.97, 1.1), []),
    ],
)
def test_a_join(was: Any, now: Any, kinds: list[str]) -> None:
    """A rate that was not measured is no difference."""
    found = list(joins(run(edges=[edge(*was)]), run(edges=[edge(*now)]), Noise()))
    assert [each.kind for each in found] == kinds
    if kinds == ["match_rate"]:
        assert found[0].message == "a: 37% of flights find a match in weather by origin, and 99% before"


def test_a_rate_that_earlier_runs_had_is_usual() -> None:
    """A join that often finds few partners."""
    history = noise(*({"joins": {"flights": [rate, 1.0, 10]}} for rate in (0.3, 0.9, 0.99, 0.5, 0.4)))
    found = joins(run(edges=[edge(0.99, 1.0)]), run(edges=[edge(0.37, 1.0)]), history)
    assert [each.is_notable for each in found] == [False]


def test_a_run_without_a_slow_step_may_be_slow() -> None:
    """The time between its steps."""
    before, after = (run(runs=[{"run_id": "1", "status": "success", "duration_ms": ms}]) for ms in (200.0, 2000.0))
    (found,) = durations(before, after, Noise())
    assert (found.node, found.message) == (None, "the run took 2.00 s, and 200 ms before (10.0 ×)")


def _took(ms: float, **more: Any) -> Any:
    return run(nodes=[step("a", duration_ms=ms, **more)])


@pytest.mark.parametrize(
    ("was", "now", "found"),
    [(200.0, 900.0, ["slower"]), (200.0, 500.0, []), (1.0, 40.0, []), (900.0, 100.0, ["faster"])],
)
def test_without_earlier_runs_a_step_is_slower_by_three_times(was: float, now: float, found: list[str]) -> None:
    """And by a twentieth of the run: a single repeat is often twice as long."""
    assert [each.kind for each in durations(_took(was), _took(now), Noise())] == found


def test_earlier_runs_decide_which_duration_is_usual() -> None:
    """A step that is often slow is not slow; a steady one is at half more."""
    noisy = noise(*({"duration_ms": ms} for ms in (100.0, 120.0, 150.0, 700.0, 650.0, 110.0)))
    steady = noise(*({"duration_ms": ms} for ms in (100.0, 101.0, 102.0, 103.0, 104.0)))
    assert list(durations(_took(100.0), _took(700.0), noisy)) == []
    (found,) = durations(_took(100.0), _took(170.0), steady)
    assert found.message == "a took 170 ms, and usually 102 ms (5 runs) (1.7 ×)"


def test_a_step_that_failed_has_no_duration_to_compare() -> None:
    """It ended early."""
    assert list(durations(_took(900.0), _took(1.0, status="failed"), Noise())) == []


@pytest.mark.parametrize(
    ("was", "now", "notable"), [(1.0, 2.0, [True]), (1.0, 1.1, [False]), (None, 2.0, []), (1.0, 1.0, [])]
)
def test_the_cost(was: float | None, now: float | None, notable: list[bool]) -> None:
    """An unknown cost is not 0."""
    before, after = (run(runs=[{"run_id": "1", "cost_usd": cost}]) for cost in (was, now))
    assert [each.is_notable for each in costs(before, after)] == notable
