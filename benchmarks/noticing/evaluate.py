"""The outcome of one history: clean runs, faults one at a time and in pairs, a level shift, a drift, missing runs."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from benchmarks.noticing.histories import durations
from benchmarks.noticing.pairs import hides, named
from benchmarks.noticing.staged import FIRST, FROM, Staged
from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing import Finding, judge
from odibi_core.history.noticing.cadence import learn, overdue

YOUNG: Final = 15
"""Runs below this number are those of a new pipeline."""
HOLIDAYS: Final = frozenset(
    date(2013, month, day)
    for month, day in (
        (1, 1), (1, 21), (2, 18), (5, 26), (5, 27), (7, 4), (7, 5), (9, 1), (9, 2), (10, 14), (11, 11), (11, 28),
        (11, 29), (12, 24), (12, 25), (12, 31),
    )
)  # fmt: skip
"""Holidays of the year of the flights, with the days beside them on which few fly."""


@dataclass
class Clean:
    """A run without a fault."""

    place: int
    is_holiday: bool
    families: list[str]
    peers: dict[str, float]
    """The scores of the common methods; empty but for every third run."""


@dataclass
class Faulty:
    """A run with a fault."""

    fault: str
    found: bool
    is_first_step: bool
    peers: dict[str, float]


@dataclass
class Pair:
    """A run with two faults at once."""

    faults: tuple[str, ...]
    found: bool
    named: bool
    """Each fault has a finding of its own, at its step."""
    hides: bool
    """One fault removes what the other one would be seen by."""


@dataclass
class Outcome:
    """The figures of one history."""

    name: str
    source: str
    half: str
    kind: str
    clean: list[Clean] = field(default_factory=list)
    faulty: list[Faulty] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    shift_alarms: list[int] = field(default_factory=list)
    shift_after: list[bool] = field(default_factory=list)
    drift_found: list[bool] = field(default_factory=list)
    missing: list[bool] = field(default_factory=list)
    falsely_missing: list[bool] = field(default_factory=list)
    judge_s: float = 0.0
    series: int = 0


def evaluate(staged: Staged) -> Outcome:
    """Return the outcome of a history, always the same for the same figures."""
    found = Outcome(staged.name, staged.source, staged.half, staged.kind)
    _clean(staged, found)
    _faulty(staged, found)
    _pairs(staged, found)
    _shift(staged, found)
    _drift(staged, found)
    _missing(staged, found)
    return found


def _roots(current: RunFigures, earlier: Sequence[RunFigures]) -> list[Finding]:
    return [each for each in judge(current, earlier[-75:]).findings if each.follows_from is None]


def _clean(staged: Staged, found: Outcome) -> None:
    for place in range(FIRST, len(staged.figures)):
        current, earlier = staged.figures[place], staged.figures[max(0, place - 75) : place]
        started = time.process_time()
        judged = judge(current, earlier)
        found.judge_s += time.process_time() - started
        found.series += judged.series
        families = [each.family for each in judged.findings if each.follows_from is None]
        is_holiday = current.started.date() in HOLIDAYS
        found.clean.append(Clean(place, is_holiday, families, staged.peers.get(place, {})))


def _faulty(staged: Staged, found: Outcome) -> None:
    for case in staged.single:
        roots = _roots(case.current, staged.earlier(case))
        first = bool(roots) and roots[0].node_name in case.begins[0]
        found.faulty.append(Faulty(case.faults[0], bool(roots), first, case.peers))


def _pairs(staged: Staged, found: Outcome) -> None:
    for case in staged.pairs:
        roots = _roots(case.current, staged.earlier(case))
        found.pairs.append(Pair(case.faults, bool(roots), named(case, roots), hides(case)))


def _shift(staged: Staged, found: Outcome) -> None:
    if not staged.shift:
        return
    figures = staged.figures[: staged.shift_from]
    alarms = []
    for current in staged.shift:
        alarms.append(bool(_roots(current, figures)))
        figures = [*figures, current]
    found.shift_alarms.append(sum(alarms[:6]))
    found.shift_after += alarms[6:]


def _drift(staged: Staged, found: Outcome) -> None:
    if not staged.drift:
        return
    figures = staged.figures[: -len(staged.drift)]
    seen = False
    for number, current in enumerate(staged.drift):
        seen = seen or (number >= 30 and bool(_roots(current, figures)))
        figures = [*figures, current]
    found.drift_found.append(seen)


def _missing(staged: Staged, found: Outcome) -> None:
    """Leave out one run of schedules whose delays are real: hourly, daily, Monday to Friday."""
    draw = random.Random(f"{staged.seed} missing")
    delays = durations()[draw.choice(list(durations()))]
    usual = sorted(delays)[len(delays) // 2]
    for period, days in ((timedelta(hours=1), 7), (timedelta(days=1), 7), (timedelta(days=1), 5)):
        planned = [datetime(2026, 1, 5, 4, tzinfo=UTC) + number * period for number in range(100)]
        planned = [start for start in planned if start.weekday() < days]
        starts = [start + 0.1 * period * (delay / usual - 0.5) for start, delay in zip(planned, delays, strict=False)]
        place = draw.randrange(FROM, len(starts) - 1)
        after, since = starts[place] + 0.9 * (planned[place + 1] - planned[place]), starts[place - 1]
        found.missing.append(bool(list(overdue(learn(starts[:place]), starts[:place], after, since))))
        came = starts[: place + 1]
        found.falsely_missing.append(bool(list(overdue(learn(came), came, after, since))))
