"""Measures contenders in turn (A B C, B C A, …), so that a noisy minute is shared by all of them."""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Runner = Callable[[int], float]
"""Does the work n times; returns what the n times took (seconds; bytes where memory is what is measured)."""

Prepare = Callable[[Path], AbstractContextManager[Runner]]
"""Given an empty folder, makes a contender ready; whatever happens in here is not timed."""

UNITS = {"ns": 1e9, "µs": 1e6, "ms": 1e3, "s": 1.0, "kB": 1e-3, "MB": 1e-6} | dict.fromkeys(
    ("%", "trials", "claims"),
    1.0,  # figures of quality
)

SLICE_S = 0.15  # longer than the timer's own noise, short enough that the contenders alternate closely


@dataclass(frozen=True)
class Contender:
    name: str
    prepare: Prepare
    kind: Literal["ours", "peer", "floor"] = "peer"
    note: str = ""


@dataclass(frozen=True)
class Target:
    """The limit of odibi-core: a figure in the unit of the work, or a ratio to or difference from a contender."""

    limit: float
    against: str | None = None
    how: Literal["absolute", "ratio", "difference"] = "absolute"
    label: str = ""
    of: str = ""
    """The contender that is judged; empty for the first one of odibi-core."""


@dataclass(frozen=True)
class Work:
    """One row of the targets: the same work, done by every contender, odibi-core among them."""

    name: str
    unit: str
    contenders: Sequence[Contender]
    targets: Sequence[Target] = ()
    loops: int | None = None  # None: as many as fill SLICE_S, found for each contender by itself
    rounds: int = 7
    note: str = ""


@dataclass
class Figures:
    """The figures of one contender, one for each round in the unit of the work, or the reason for none."""

    contender: Contender
    rounds: list[float] = field(default_factory=list)
    not_run: str | None = None

    @property
    def median(self) -> float | None:
        return statistics.median(self.rounds) if self.rounds else None


def statement(code: str, **names: Any) -> Runner:
    """Return a runner with the code inside its loop, so that no call of a wrapper is timed.

    `timeit` switches the garbage collector off; here it stays on, because it is on in everybody's pipeline.
    """
    return timeit.Timer(code, setup="import gc; gc.enable()", globals=names).timeit


def timed(call: Callable[[], object]) -> Runner:
    """Return a runner of a function, for work beside which a call takes no time."""
    return statement("call()", call=call)


def simple(code: str, names: Callable[[], dict[str, Any]]) -> Prepare:
    """Return a contender that needs no folder and no closing."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        yield statement(code, **names())

    return prepare


def measure(work: Work, *, quick: bool = False) -> list[Figures]:
    """Run the rounds of every contender. One that cannot run keeps its row, with the reason."""
    figures = [Figures(contender) for contender in work.contenders]
    with tempfile.TemporaryDirectory(prefix="odibi-bench-") as base, ExitStack() as stack:
        ready = _make_ready(figures, Path(base), stack)
        if not quick:
            gc.collect()
            gc.freeze()  # the collector must not walk one contender's hundred thousand series on another's time
            stack.callback(gc.unfreeze)
        loops = {id(who): _loops(work, who, runner, quick) for who, runner in ready}
        for turn in range(1 if quick else work.rounds):
            for who, runner in _rotated(ready, turn):
                if who.not_run is None:
                    if not quick:
                        gc.collect()  # no contender pays for the garbage of the previous one
                    _one_round(work, who, runner, loops[id(who)])
    return figures


def _make_ready(figures: list[Figures], base: Path, stack: ExitStack) -> list[tuple[Figures, Runner]]:
    ready = []
    for place, who in enumerate(figures):
        folder = base / str(place)
        folder.mkdir()
        try:
            runner = stack.enter_context(who.contender.prepare(folder))
            ready.append((who, runner if "OpenTelemetry" in who.contender.name else _without_spans(runner)))
        except Exception as error:  # a peer may be absent: the table shows the reason
            who.not_run = _reason(error)
    return ready


def _without_spans(runner: Runner) -> Runner:
    """Hide the tracing that a peer has loaded: each event of odibi-core would look up the active span."""

    def run(n: int) -> float:
        spans = sys.modules.pop("opentelemetry.trace", None)
        try:
            return runner(n)
        finally:
            if spans is not None:
                sys.modules["opentelemetry.trace"] = spans

    return run


def _loops(work: Work, who: Figures, runner: Runner, quick: bool) -> int:
    """Calibrate the loops; this is the warm-up too: each contender runs before its first counted round."""
    try:
        if work.loops is not None:
            return work.loops
        if quick:
            return 1
        return calibrated(runner, SLICE_S)
    except Exception as error:
        who.not_run = _reason(error)
        return 0


def calibrated(runner: Runner, seconds: float) -> int:
    """Return the number of loops that take about that long."""
    loops = 1
    while (took := runner(loops)) < seconds / 10 and loops < 10_000_000:
        loops *= 4
    return max(1, round(loops * seconds / took)) if took > 0 else loops


def _one_round(work: Work, who: Figures, runner: Runner, loops: int) -> None:
    try:
        who.rounds.append(runner(loops) / loops * UNITS[work.unit])
    except Exception as error:
        who.not_run = _reason(error)


def _rotated(ready: list[tuple[Figures, Runner]], turn: int) -> list[tuple[Figures, Runner]]:
    start = turn % len(ready) if ready else 0
    return ready[start:] + ready[:start]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]


def ratio(one: Figures, other: Figures) -> float | None:
    """Median of the ratios of rounds of the same turn: what was noisy for both in that turn cancels out."""
    pairs = ratios(one, other)
    return statistics.median(pairs) if pairs else None


def ratios(one: Figures, other: Figures) -> list[float]:
    """Return the ratios of rounds of the same turn."""
    return [a / b for a, b in zip(one.rounds, other.rounds, strict=False) if b]


def differences(one: Figures, other: Figures) -> list[float]:
    """Return the differences of rounds of the same turn."""
    return [a - b for a, b in zip(one.rounds, other.rounds, strict=False)]


@dataclass(frozen=True)
class Verdict:
    target: Target
    measured: float | None
    spread: tuple[float, float] | None = None
    """The least and the greatest ratio or difference of one round."""

    @property
    def met(self) -> bool | None:
        """None where it could not be measured."""
        return None if self.measured is None else self.measured <= self.target.limit


def judge(work: Work, figures: Sequence[Figures]) -> list[Verdict]:
    """Return each target of the work with its measured figure."""
    by_name = {who.contender.name: who for who in figures}
    ours = next((who for who in figures if who.contender.kind == "ours"), None)
    return [_verdict(target, by_name[target.of] if target.of else ours, by_name) for target in work.targets]


def _verdict(target: Target, ours: Figures | None, by_name: dict[str, Figures]) -> Verdict:
    if ours is None:
        return Verdict(target, None)
    if target.how == "absolute":
        return Verdict(target, ours.median)
    other = by_name[target.against or ""]
    found = ratios(ours, other) if target.how == "ratio" else differences(ours, other)
    return Verdict(target, statistics.median(found), (min(found), max(found))) if found else Verdict(target, None)
