"""The budget of statistics and joins: a share of a run, and a floor."""

from __future__ import annotations

import pytest

from odibi_core.engines.stats_budget import FLOOR_S, SHARE, Budget
from odibi_core.events.clock import monotonic, sleep
from odibi_core.testing import FakeClock


def test_the_floor_is_there_at_once() -> None:
    """A short run has a little, of which each frame may take a third of the rest."""
    budget = Budget(FakeClock())
    assert budget.allowance_s() == pytest.approx(FLOOR_S / 3)
    budget.spend(FLOOR_S / 2)
    assert budget.allowance_s() == pytest.approx(FLOOR_S / 6)


def test_it_grows_with_the_run() -> None:
    """By two percent of the time since the start, or another share."""
    clock = FakeClock()
    budget, joins = Budget(clock), Budget(clock, share=0.01, floor_s=0.002, parts=1)
    clock.advance(60)
    assert budget.allowance_s() == pytest.approx(SHARE * 60 / 3)
    assert joins.allowance_s() == pytest.approx(0.6)


def test_a_budget_may_have_a_floor_of_its_own() -> None:
    """A short run has it at once, as joins have two milliseconds."""
    assert Budget(FakeClock(), share=0.01, floor_s=0.002, parts=1).allowance_s() == pytest.approx(0.002)


def test_nothing_is_left_after_too_much_was_spent() -> None:
    """A frame that took more than it was allowed is paid by the later ones."""
    clock = FakeClock()
    budget = Budget(clock)
    budget.spend(1.0)
    assert budget.allowance_s() == 0
    clock.advance(1 / SHARE + 1)
    assert budget.allowance_s() > 0


def test_all_frames_together_stay_within_it() -> None:
    """At most two percent and the last frame, also if each takes twice as long as expected."""
    clock = FakeClock()
    budget = Budget(clock)
    most = 0.0
    for number in range(1_000):
        clock.advance(0.05)
        if allowed := budget.allowance_s():
            took = min(allowed, 0.002 * (1 + number % 3))
            budget.spend(took, took / 2)
            most = max(most, took)
    assert budget.spent_s <= SHARE * clock.monotonic() + most


def test_the_pace_is_learned_slowly() -> None:
    """A slow machine is noticed after some frames, one interruption is not taken for it."""
    budget = Budget(FakeClock())
    budget.spend(1.0, 0.001)
    assert budget.pace < 1.5
    for _ in range(20):
        budget.spend(0.004, 0.001)
    assert budget.pace == pytest.approx(4, rel=0.1)


def test_time_that_a_busy_machine_gives_to_others_is_not_spent() -> None:
    """The processor time of the thread is: a wait is none."""
    budget = Budget()
    started = budget.busy_s()
    sleep(0.05)
    assert budget.busy_s() - started < 0.04
    until = monotonic() + 0.02
    while monotonic() < until:
        pass
    assert budget.busy_s() > started
