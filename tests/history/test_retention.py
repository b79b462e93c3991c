"""Retention: which runs are beyond a limit, as a pure choice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.history.retention import Candidate, Limits, choose, limits_of, size
from odibi_core.settings import read_settings

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def runs(*statuses: str, pipeline: str = "p", size: int = 10) -> list[Candidate]:
    """Runs of one pipeline, one a day, the last one today."""
    return [
        Candidate(f"{pipeline}{place}", pipeline, status, NOW - timedelta(days=len(statuses) - 1 - place), size)
        for place, status in enumerate(statuses)
    ]


def pruned(listed: list[Candidate], limits: Limits, free: int | None = None) -> list[str]:
    return list(choose(listed, limits, NOW, free).pruned)


def test_without_a_limit_nothing_is_pruned() -> None:
    """Of any age, and if the disk is full."""
    assert not Limits().is_set
    assert pruned(runs(*["failed"] * 100), Limits(), free=0) == []


def test_age() -> None:
    """A run of exactly the limit's age stays; one of the future, by a clock that jumped, stays."""
    listed = [*runs("failed", "failed", "failed", "success"), Candidate("x", "p", "failed", NOW + timedelta(days=999))]
    assert pruned(listed, Limits(days=2)) == ["p0"]
    assert pruned(listed, Limits(days=1e300)) == []


def test_number_of_each_pipeline() -> None:
    """The newest of each are kept."""
    listed = [*runs("success", "failed", "success"), *runs("success", "failed", pipeline="q")]
    assert pruned(listed, Limits(runs=2)) == ["p0"]
    assert pruned(listed, Limits(runs=1)) == ["p0", "p1"]


def test_the_last_good_run_of_each_pipeline_is_kept() -> None:
    """By age, number and size; another limit must do without it, and the choice has the reason."""
    listed = runs("success", "success", "failed", "failed")
    choice = choose(listed, Limits(days=0.5, runs=1, bytes=1), NOW)
    assert list(choice.pruned) == ["p0", "p2", "p3"]
    assert choice.protected == {"p1": "the last successful run of its pipeline"}
    assert choice.missing_bytes == 9
    assert pruned(listed, Limits(days=0.5, keeps_last_good=False)) == ["p0", "p1", "p2"]


def test_a_run_that_has_not_ended_is_kept() -> None:
    """Of an unknown status too."""
    listed = [*runs("running", "failed", "success"), Candidate("x", "p", None, NOW - timedelta(days=99))]
    assert pruned(listed, Limits(days=0.5, runs=1, bytes=1)) == ["p1"]


def test_size_and_free_space() -> None:
    """The oldest go until the sum fits; bytes of runs that go anyway count."""
    listed = runs("failed", "failed", "failed", "failed", "success")
    assert pruned(listed, Limits(bytes=50)) == []
    assert pruned(listed, Limits(bytes=49)) == ["p0"]
    assert pruned(listed, Limits(bytes=25)) == ["p0", "p1", "p2"]
    assert pruned(listed, Limits(bytes=25, days=2.5)) == ["p0", "p1", "p2"]
    assert pruned(listed, Limits(min_free_bytes=100), free=85) == ["p0", "p1"]
    assert pruned(listed, Limits(min_free_bytes=100), free=None) == []
    assert choose(listed, Limits(min_free_bytes=100), NOW, 0).missing_bytes == 60


@given(
    st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from(["success", "failed", "running"]), st.integers(0, 50))),
    st.builds(Limits, days=st.sampled_from([0, 3, 20]), runs=st.integers(0, 3), bytes=st.sampled_from([0, 5, 100])),
)
def test_the_rules_hold_for_any_runs(given_runs: list[tuple[str, str, int]], limits: Limits) -> None:
    """No run that lasts and no last good one is pruned, and what is left is within the limits or protected."""
    listed = [
        Candidate(f"r{place}", pipeline, status, NOW - timedelta(days=age), 5)
        for place, (pipeline, status, age) in enumerate(given_runs)
    ]
    choice = choose(listed, limits, NOW)
    left = [run for run in listed if run.run_id not in choice.pruned]
    assert all(run.status == "running" for run in listed if run.run_id in set(choice.pruned) & {"running"})
    for pipeline in {run.pipeline_name for run in listed}:
        good = [run for run in listed if run.pipeline_name == pipeline and run.status == "success"]
        assert not good or max(good, key=lambda run: (run.started, run.run_id)) in left
    newest = max((run.started for run in left), default=NOW)
    assert newest <= NOW
    if limits.bytes:
        assert sum(run.bytes for run in left) <= limits.bytes + choice.missing_bytes


def test_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """GB are 10^9 bytes."""
    for name, value in (("DAYS", "30"), ("RUNS", "100"), ("GB", "1.5"), ("LAST_GOOD", "no")):
        monkeypatch.setenv(f"ODIBI_STORE__KEEP_{name}", value)
    monkeypatch.setenv("ODIBI_STORE__MIN_FREE_GB", "2")
    assert limits_of(read_settings().store) == Limits(30, 100, 1_500_000_000, 2_000_000_000, False)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "2 kB"), (1.5e6, "1.5 MB"), (123e6, "123 MB"), (2e12, "2,000 GB")],
)
def test_sizes_are_for_people(number: float, text: str) -> None:
    """In powers of ten, as the settings."""
    assert size(number) == text
