"""The staged figures of one history, apart from any judgement: its clean runs, its runs with faults, its shift, drift.

Most of the time of the benchmark goes into them and into the scores of the common methods. Neither depends on the rules
of odibi-core: `--staged FOLDER` keeps them.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from benchmarks.noticing import peers
from benchmarks.noticing.faults import FAULTS, Injected
from benchmarks.noticing.histories import History
from benchmarks.noticing.staging import Run, compute
from odibi_core.history.figures import RunFigures

FIRST: Final = 5
FROM: Final = 20
"""The first run that a fault is injected into."""
PLACES: Final = 2
PAIRS: Final = 6
SHIFT_RUNS: Final = 30
DRIFT_RUNS: Final = 40


@dataclass
class Case:
    """A run with one fault or two, and the steps in which each may begin."""

    faults: tuple[str, ...]
    begins: tuple[frozenset[str], ...]
    columns: tuple[str | None, ...]
    place: int
    current: RunFigures
    before: RunFigures | None
    """The figures of the run before, if a fault changes that too."""
    peers: dict[str, float] = field(default_factory=dict)
    """The scores of the common methods, of a run with one fault."""


@dataclass
class Staged:
    """The figures of one history."""

    name: str
    source: str
    half: str
    kind: str
    seed: int
    figures: list[RunFigures] = field(default_factory=list)
    peers: dict[int, dict[str, float]] = field(default_factory=dict)
    """The scores of the common methods for every third clean run, because they take longer than odibi-core."""
    single: list[Case] = field(default_factory=list)
    pairs: list[Case] = field(default_factory=list)
    shift: list[RunFigures] = field(default_factory=list)
    """The runs that follow a legitimate change, which begins at `shift_from`; none if the history is too short."""
    shift_from: int = 0
    drift: list[RunFigures] = field(default_factory=list)

    def earlier(self, case: Case) -> list[RunFigures]:
        """Return the figures before the run of a case."""
        earlier = self.figures[: case.place]
        return earlier if case.before is None else [*earlier[:-1], case.before]


def kept(history: History, number: int, folder: Path | None) -> Staged:
    """Return the staged figures of a history: those in a folder if it has them, else new ones, which it then keeps."""
    path = folder / f"{number:03}.pickle" if folder else None
    if path is not None and path.exists():
        found: Staged = pickle.loads(path.read_bytes())  # noqa: S301 - the folder is this benchmark's own
        return found
    made = stage(history)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(made, protocol=5))
    return made


def stage(history: History) -> Staged:
    """Return the staged figures of a history, always the same for the same history."""
    found = Staged(history.name, history.source, history.half, history.kind, history.seed)
    found.figures = [compute(history.plan, run) for run in history.runs]
    found.single = [case for name in FAULTS for number in range(PLACES) if (case := _single(history, name, number))]
    found.pairs = [case for number in range(PAIRS) if (case := _pair(history, number))]
    _shift(history, found)
    _drift(history, found)
    score(found)
    return found


def score(found: Staged) -> None:
    """Add the scores of the common methods, which see the same figures."""
    for place in range(FIRST, len(found.figures)):
        if place % 3 == 0:
            found.peers[place] = peers.scores(found.figures[place], found.figures[max(0, place - 75) : place])
    for case in found.single:
        case.peers = peers.scores(case.current, found.earlier(case))


def _single(history: History, name: str, number: int) -> Case | None:
    draw = random.Random(f"{history.seed} {name} {number}")
    place = draw.randrange(FROM, len(history.runs))
    injected = FAULTS[name][0](history, place, draw)
    if injected is None or injected.absent:
        return None
    return _case(history, place, (name,), (injected,))


def _pair(history: History, number: int) -> Case | None:
    """Return a run with two faults, the second injected into what the first one left."""
    names = [name for name, (_, goal) in FAULTS.items() if goal is not None and name != "missing run"]
    draw = random.Random(f"{history.seed} pair {number}")
    place = draw.randrange(FROM, len(history.runs))
    both = draw.sample(names, 2)
    one = FAULTS[both[0]][0](history, place, draw)
    if one is None:
        return None
    changed = replace(history, runs=[*history.runs[:place], one.run, *history.runs[place + 1 :]])
    if one.before is not None:
        changed.runs[place - 1] = one.before
    two = FAULTS[both[1]][0](changed, place, draw)
    if two is None:
        return None
    return _case(history, place, tuple(both), (one, replace(two, before=two.before or one.before)))


def _case(history: History, place: int, names: tuple[str, ...], injected: Sequence[Injected]) -> Case:
    before = injected[-1].before
    return Case(
        names, tuple(each.begins for each in injected), tuple(each.column for each in injected), place,
        compute(history.plan, injected[-1].run), None if before is None else compute(history.plan, before),
    )  # fmt: skip


def _fewer(history: History, run: Run, part: float) -> RunFigures:
    rows = round(part * run.batch.height)
    return compute(history.plan, replace(run, batch=run.batch.sample(rows, seed=history.seed)))


def _shift(history: History, found: Staged) -> None:
    """Keep 55 % of the rows from some run on: a legitimate change, as a customer that left."""
    begin = min(45, len(history.runs) - SHIFT_RUNS - 1)
    if begin >= FROM:
        found.shift_from = begin
        found.shift = [_fewer(history, run, 0.55) for run in history.runs[begin : begin + SHIFT_RUNS]]


def _drift(history: History, found: Staged) -> None:
    """Lose one percent of the rows more in each run of 40."""
    begin = len(history.runs) - DRIFT_RUNS
    if begin >= FROM:
        found.drift = [_fewer(history, run, 0.99**number) for number, run in enumerate(history.runs[begin:])]
