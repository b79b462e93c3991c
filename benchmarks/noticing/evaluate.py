"""The outcome of one history: clean runs, faults one at a time and in pairs, a level shift, a drift, missing runs."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from benchmarks.noticing import peers
from benchmarks.noticing.faults import FAULTS, Injected
from benchmarks.noticing.histories import History, durations
from benchmarks.noticing.staging import compute
from odibi_core.history.figures import RunFigures
from odibi_core.history.noticing import Finding, judge
from odibi_core.history.noticing.cadence import learn, overdue

FIRST: Final = 5
YOUNG: Final = 15
"""Runs below this number are those of a new pipeline."""
FROM: Final = 20
"""The first run that a fault is injected into."""
PLACES: Final = 2
PAIRS: Final = 6
SHIFT_RUNS: Final = 30
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
    """The scores of the common methods; empty but for every third run, because they take longer than odibi-core."""


@dataclass
class Faulty:
    """A run with a fault."""

    fault: str
    found: bool
    is_first_step: bool
    peers: dict[str, float]


@dataclass
class Outcome:
    """The figures of one history."""

    name: str
    source: str
    half: str
    kind: str
    clean: list[Clean] = field(default_factory=list)
    faulty: list[Faulty] = field(default_factory=list)
    pairs: list[tuple[bool, bool]] = field(default_factory=list)
    """Of each pair: any finding, and a finding for each of the two."""
    shift_alarms: list[int] = field(default_factory=list)
    shift_after: list[bool] = field(default_factory=list)
    drift_found: list[bool] = field(default_factory=list)
    missing: list[bool] = field(default_factory=list)
    falsely_missing: list[bool] = field(default_factory=list)
    judge_s: float = 0.0
    series: int = 0


def evaluate(history: History) -> Outcome:
    """Return the outcome of a history, always the same for the same history."""
    history.figures = [compute(history.plan, run) for run in history.runs]
    found = Outcome(history.name, history.source, history.half, history.kind)
    _clean(history, found)
    _faulty(history, found)
    _pairs(history, found)
    _shift(history, found)
    _drift(history, found)
    _missing(history, found)
    return found


def _roots(current: RunFigures, earlier: Sequence[RunFigures]) -> list[Finding]:
    return [each for each in judge(current, earlier[-75:]).findings if each.follows_from is None]


def _clean(history: History, found: Outcome) -> None:
    for place in range(FIRST, len(history.figures)):
        current, earlier = history.figures[place], history.figures[max(0, place - 75) : place]
        started = time.process_time()
        judged = judge(current, earlier)
        found.judge_s += time.process_time() - started
        found.series += judged.series
        families = [each.family for each in judged.findings if each.follows_from is None]
        is_holiday = current.started.date() in HOLIDAYS
        scores = peers.scores(current, earlier) if place % 3 == 0 else {}
        found.clean.append(Clean(place, is_holiday, families, scores))


def _faulty(history: History, found: Outcome) -> None:
    for name, (fault, _) in FAULTS.items():
        for number in range(PLACES):
            draw = random.Random(f"{history.seed} {name} {number}")
            place = draw.randrange(FROM, len(history.runs))
            injected = fault(history, place, draw)
            if injected is None or injected.absent:
                continue
            current, earlier = _with(history, place, injected)
            roots = _roots(current, earlier)
            first = bool(roots) and roots[0].node_name in injected.begins
            found.faulty.append(Faulty(name, bool(roots), first, peers.scores(current, earlier)))


def _with(history: History, place: int, injected: Injected) -> tuple[RunFigures, list[RunFigures]]:
    """Return the figures of a changed run and of those before it."""
    earlier = history.figures[:place]
    if injected.before is not None:
        earlier[-1] = compute(history.plan, injected.before)
    return compute(history.plan, injected.run), earlier


def _pairs(history: History, found: Outcome) -> None:
    names = [name for name, (_, goal) in FAULTS.items() if goal is not None and name != "missing run"]
    for number in range(PAIRS):
        draw = random.Random(f"{history.seed} pair {number}")
        place = draw.randrange(FROM, len(history.runs))
        first, second = (FAULTS[name][0] for name in draw.sample(names, 2))
        one = first(history, place, draw)
        if one is None:
            continue
        changed = replace(history, runs=[*history.runs[:place], one.run, *history.runs[place + 1 :]])
        if one.before is not None:
            changed.runs[place - 1] = one.before
        two = second(changed, place, draw)
        if two is None:
            continue
        both = replace(two, before=two.before or one.before)
        roots = _roots(*_with(history, place, both))
        steps = [each.node_name for each in roots]
        of_each = all(any(step in each.begins for step in steps) for each in (one, two)) and len(roots) > 1
        found.pairs.append((bool(roots), of_each))


def _shift(history: History, found: Outcome) -> None:
    """Keep 55 % of the rows from some run on: a legitimate change, as a customer that left."""
    begin = min(45, len(history.runs) - SHIFT_RUNS - 1)
    if begin < FROM:
        return
    figures = history.figures[:begin]
    alarms = []
    for run in history.runs[begin : begin + SHIFT_RUNS]:
        rows = round(0.55 * run.batch.height)
        current = compute(history.plan, replace(run, batch=run.batch.sample(rows, seed=history.seed)))
        alarms.append(bool(_roots(current, figures)))
        figures = [*figures, current]
    found.shift_alarms.append(sum(alarms[:6]))
    found.shift_after += alarms[6:]


def _drift(history: History, found: Outcome) -> None:
    """Lose one percent of the rows more in each run of 40."""
    begin = len(history.runs) - 40
    if begin < FROM:
        return
    figures = history.figures[:begin]
    seen = False
    for number, run in enumerate(history.runs[begin:]):
        rows = round(0.99**number * run.batch.height)
        figures = [*figures, compute(history.plan, replace(run, batch=run.batch.sample(rows, seed=history.seed)))]
        seen = seen or (number >= 30 and bool(_roots(figures[-1], figures[:-1])))
    found.drift_found.append(seen)


def _missing(history: History, found: Outcome) -> None:
    """Leave out one run of schedules whose delays are real: hourly, daily, Monday to Friday."""
    draw = random.Random(f"{history.seed} missing")
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
