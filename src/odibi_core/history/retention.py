"""Retention: the runs that a store keeps, by age, number, size, and free space of the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from odibi_core.settings.sections import Store
from odibi_core.views.wording import plural

GB: Final = 10**9
_NEWEST: Final = "the last successful run of its pipeline"


class Limits(msgspec.Struct, frozen=True):
    """The limits of a store; 0 is none."""

    days: float = 0.0
    """Runs that began longer ago are pruned."""
    runs: int = 0
    """Of each pipeline, so many of the newest runs are kept."""
    bytes: int = 0
    """The oldest runs are pruned until all take less."""
    min_free_bytes: int = 0
    """The oldest runs are pruned until so much of the disk is free."""
    keeps_last_good: bool = True
    """The last successful run of each pipeline is kept, whatever its age."""

    @property
    def is_set(self) -> bool:
        """True if a limit is set."""
        return bool(self.days or self.runs or self.bytes or self.min_free_bytes)

    @property
    def needs_sizes(self) -> bool:
        """True if the sizes of all runs must be known."""
        return bool(self.bytes or self.min_free_bytes)


def limits_of(settings: Store) -> Limits:
    """Return the limits that the settings of a store name."""
    return Limits(
        days=settings.keep_days,
        runs=settings.keep_runs,
        bytes=int(settings.keep_gb * GB),
        min_free_bytes=int(settings.min_free_gb * GB),
        keeps_last_good=settings.keep_last_good,
    )


class Candidate(msgspec.Struct, frozen=True):
    """A run of the store; `bytes` is what it takes on the disk, of a batch its share."""

    run_id: str
    pipeline_name: str
    status: str | None
    started: datetime
    bytes: int = 0


class Choice(msgspec.Struct, frozen=True):
    """The runs to prune, the oldest first, each with its reason, and those that a rule protects from its limit."""

    pruned: dict[str, str]
    protected: dict[str, str]
    missing_bytes: int = 0
    """Bytes above the limits that no run may be pruned for."""


def choose(runs: Iterable[Candidate], limits: Limits, now: datetime, free_bytes: int | None = None) -> Choice:
    """Return the runs that are beyond the limits.

    Args:
        runs: All runs of the store.
        limits: The limits.
        now: The time, by which the age of a run counts. A run that began later, by another clock, is new.
        free_bytes: The free space of the disk; None if it is unknown, and that limit does not apply.
    """
    ordered = sorted(runs, key=lambda run: (run.started, run.run_id))
    beyond = {**_too_old(ordered, limits, now), **_too_many(ordered, limits)}
    kept = _protected(ordered, limits)
    pruned = {run_id: reason for run_id, reason in beyond.items() if run_id not in kept}
    missing = 0
    for reason, excess in _excess(ordered, limits, free_bytes):
        excess -= sum(run.bytes for run in ordered if run.run_id in pruned)
        for run in ordered:
            if excess <= 0:
                break
            if run.run_id not in pruned and run.run_id not in kept:
                pruned[run.run_id] = reason
                excess -= run.bytes
        missing = max(missing, excess)
    return Choice(
        pruned={run.run_id: pruned[run.run_id] for run in ordered if run.run_id in pruned},
        protected={run_id: kept[run_id] for run_id in beyond if run_id in kept},
        missing_bytes=max(0, missing),
    )


def _too_old(ordered: Sequence[Candidate], limits: Limits, now: datetime) -> dict[str, str]:
    if not limits.days:
        return {}
    try:
        earliest = now - timedelta(days=limits.days)
    except OverflowError:  # longer ago than any date
        return {}
    reason = f"it began more than {limits.days:g} days ago"
    return {run.run_id: reason for run in ordered if run.started < earliest}


def _too_many(ordered: Sequence[Candidate], limits: Limits) -> dict[str, str]:
    if not limits.runs:
        return {}
    by_pipeline: dict[str, list[Candidate]] = {}
    for run in ordered:
        by_pipeline.setdefault(run.pipeline_name, []).append(run)
    reason = f"its pipeline has {plural(limits.runs, 'newer run')}"
    return {run.run_id: reason for runs in by_pipeline.values() for run in runs[: -limits.runs]}


def _protected(ordered: Sequence[Candidate], limits: Limits) -> dict[str, str]:
    """Return the runs that no limit prunes, each with the reason."""
    running = {run.run_id: "it has not ended" for run in ordered if run.status in ("running", None)}
    good = {run.pipeline_name: run.run_id for run in ordered if run.status == "success"}
    return running | (dict.fromkeys(good.values(), _NEWEST) if limits.keeps_last_good else {})


def _excess(ordered: Sequence[Candidate], limits: Limits, free_bytes: int | None) -> list[tuple[str, int]]:
    """Return the bytes above each limit of space, with the reason that a run is pruned for it."""
    found = []
    if limits.bytes:
        reason = f"the runs take more than {size(limits.bytes)}"
        found.append((reason, sum(run.bytes for run in ordered) - limits.bytes))
    if limits.min_free_bytes and free_bytes is not None:
        reason = f"less than {size(limits.min_free_bytes)} of the disk are free"
        found.append((reason, limits.min_free_bytes - free_bytes))
    return found


def size(number: float) -> str:
    """Return a number of bytes for people: `1.5 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:,.0f} {unit}" if unit in ("B", "kB") or number >= 100 else f"{number:,.1f} {unit}"
