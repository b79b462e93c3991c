"""The works of the area `insight` of `python -m benchmarks`: shares of misses, times and memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.harness import UNITS, Contender, Prepare, Runner, Target, Work, timed
from benchmarks.insight import scores, tables
from benchmarks.insight.baselines import COMPARED, INDICATOR, TREE, missing
from benchmarks.insight.case import HALVES, Half
from benchmarks.insight.naming import NamedOutcome
from benchmarks.insight.scores import OURS, WITHOUT
from benchmarks.snapshot import pandas_frame, polars_frame
from odibi_core.insight.explaining import explain

GIVEN: Final = {
    TREE: "gets the lost rows as labels", INDICATOR: "gets the keys", COMPARED: "gets the keys",
}  # fmt: skip
ROWS: Final = 330_000
MOST_ROWS: Final = 5_000_000
QUICK_ROWS: Final = 2_000


@dataclass(frozen=True)
class Figure:
    """A row of the works of a half: a figure of `tables.figures`, and its goal on the report half."""

    title: str
    unit: str
    name: str
    entries: tuple[str, ...]
    goal: float | None = None
    is_share_of_right: bool = False


FIGURES: Final = (
    Figure("predicate or key not exact", "%", "exact", (OURS, TREE, INDICATOR, COMPARED), 10, True),
    Figure("predicate or key not exact, without the source", "%", "exact", (WITHOUT, TREE), 20, True),
    Figure("kind of step wrong", "%", "kind", (OURS, WITHOUT), None, True),
    Figure("lost rows unknown", "%", "rows_unknown", (OURS, WITHOUT), 10),
    Figure("lost rows wrong", "trials", "rows_wrong", (OURS, WITHOUT, INDICATOR, COMPARED), 0.5),
    Figure("proved claims that select other rows", "trials", "wrong_claims", (OURS, WITHOUT), 0.5),
    Figure("an explanation, median", "ms", "ms_median", (OURS, WITHOUT, INDICATOR, COMPARED)),
    Figure("an explanation, 90th percentile", "ms", "ms_p90", (OURS, WITHOUT, INDICATOR, COMPARED)),
)


@dataclass(frozen=True)
class FaultFigure:
    """A row of the works of the faults: the share of misses of the outcomes that it asks for."""

    title: str
    asks: Callable[[NamedOutcome], bool]
    is_miss: Callable[[NamedOutcome], bool]
    methods: tuple[str, ...] = scores.METHODS
    goal: float | None = None
    is_of_half: bool = False


_ROWS: Final = (OURS, scores.AT_END, scores.GIVEN_ROWS, scores.GIVEN_KEYS)
FAULT_FIGURES: Final = (
    FaultFigure(
        "step not named, faults that change counts, keys or schema",
        lambda each: each.is_visible, lambda each: not each.is_right, goal=5,
    ),
    FaultFigure("step not named, all 240 faults", lambda each: bool(each.begins), lambda each: not each.is_right),
    FaultFigure("a step named in a run without a fault", lambda each: not each.begins, lambda each: not each.is_right),
    FaultFigure(
        "predicate or key of a fault not exact",
        lambda each: each.rows is not None, lambda each: each.rows is None or each.rows.predicate != "right",
        _ROWS, is_of_half=True,
    ),
    FaultFigure(
        "rows of a fault unknown",
        lambda each: each.rows is not None, lambda each: each.rows is None or each.rows.rows == "unknown",
        (OURS, scores.AT_END, scores.GIVEN_KEYS), is_of_half=True,
    ),
    FaultFigure(
        "rows of a fault wrong, or of a step that it does not change",
        lambda each: each.rows is not None, lambda each: each.rows is None or each.rows.rows == "wrong",
        (OURS, scores.AT_END, scores.GIVEN_KEYS), is_of_half=True,
    ),
    FaultFigure(
        "class of the cause wrong, all 240 faults",
        lambda each: bool(each.begins), lambda each: not each.is_class_right, (OURS, scores.AT_END), is_of_half=True,
    ),
)  # fmt: skip


def works(quick: bool) -> list[Work]:
    """Return the works; quick: a few cases, losses and faults, and small frames."""
    halves = HALVES[:1] if quick else HALVES  # the quick cases are of the development half
    found = [_of_half(half, each, quick) for half in halves for each in FIGURES]
    return [*found, _of_losses(quick), *_of_faults(quick), *_times(quick), *_memory(quick)]


def _figure(unit: str, find: Callable[[], float | None]) -> Prepare:
    """Return a contender whose round is a figure in the unit of its work."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        def run(_: int) -> float:
            value = find()
            if value is None:
                raise LookupError("no trial asks for this figure")
            return value / UNITS[unit]

        yield run

    return prepare


def _needed(entry: str) -> None:
    """Raise the error of the import that a baseline needs."""
    module = missing(entry)
    if module is not None:
        raise ModuleNotFoundError(f"No module named {module!r}")


def _single(name: str, unit: str, contenders: Sequence[Contender], goal: float | None, note: str = "") -> Work:
    targets = () if goal is None else (Target(goal),)
    return Work(name, unit, contenders, targets, loops=1, rounds=1, note=note)


def _of_half(half: Half, figure: Figure, quick: bool) -> Work:
    def find(entry: str) -> float | None:
        outcomes = scores.halves(half, quick)
        _needed(entry)
        value: float | None = tables.figures(outcomes[entry])[figure.name]
        return value if value is None or not figure.is_share_of_right else 100 - value

    entries = [each for each in figure.entries if each in (OURS, WITHOUT) or scores.has_baselines(half, quick)]
    contenders = [
        Contender(
            entry,
            _figure(figure.unit, lambda entry=entry: find(entry)),  # type: ignore[misc]
            "ours" if place == 0 else "peer",
            GIVEN.get(entry, ""),
        )
        for place, entry in enumerate(entries)
    ]
    return _single(f"{figure.title}, {half} half", figure.unit, contenders, figure.goal if half == "report" else None)


def _of_losses(quick: bool) -> Work:
    def find(entry: str) -> float:
        _needed(entry)
        return sum(each.false_claim for each in scores.random_losses(quick)[entry])

    contenders = [
        Contender(OURS, _figure("claims", lambda: find(OURS)), "ours"),
        Contender(TREE, _figure("claims", lambda: find(TREE)), note=GIVEN[TREE]),
    ]
    return _single("false claims on 1,000 random losses of 1 to 1,000 rows", "claims", contenders, 1)


def _of_faults(quick: bool) -> Iterator[Work]:
    """Yield the shares of faults whose step, rows or cause is not named, and of clean runs in which a step is."""
    for each in FAULT_FIGURES:
        for half in ("report", "development") if each.is_of_half and not quick else (None,):
            contenders = [
                Contender(
                    method,
                    _figure("%", partial(_share_of_faults, method, each, half, quick)),
                    "ours" if method.startswith(OURS) else "peer",
                )
                for method in each.methods
            ]
            yield _single(f"{each.title}, {half} half" if half else each.title, "%", contenders, each.goal)


def _share_of_faults(method: str, figure: FaultFigure, half: str | None, quick: bool) -> float | None:
    if method == scores.GIVEN_ROWS:
        _needed(TREE)
    outcomes = scores.named_faults(quick)[method]
    asked = [each for each in outcomes if figure.asks(each) and half in (None, each.half)]
    return 100 * sum(figure.is_miss(each) for each in asked) / len(asked) if asked else None


def _times(quick: bool) -> Iterator[Work]:
    for rows, goal in ((ROWS, 150.0), (MOST_ROWS, 1000.0)):
        size = QUICK_ROWS if quick else rows
        for library, frame_of in (("pandas", pandas_frame), ("polars", polars_frame)):
            contenders = [
                Contender(OURS, _explaining(frame_of, size), "ours"),
                Contender("the step itself", _stepping(frame_of, size), "floor"),
                Contender(INDICATOR, _merging(frame_of, size), note="on all 12 columns; no predicate"),
            ]
            name = f"an explanation of a filter, {rows:,} × 12, {library}"
            yield Work(name, "ms", contenders, (Target(goal),), loops=1, rounds=5)


def _kept(frame: Any) -> Any:
    """Return the rows of a filter, in either library."""
    if hasattr(frame, "null_count"):
        import polars as pl

        return frame.filter(pl.col("i2") < 9_000)
    return frame[frame["i2"] < 9_000]


FrameOf = Callable[[int], Any]


def _explaining(frame_of: FrameOf, rows: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        frame = frame_of(rows)
        made = _kept(frame)
        change = explain({"frame": frame}, made, source=_kept)
        if change.lost != len(frame) - len(made) or not change.causes:
            raise AssertionError(f"the filter was not explained: {change.reason}")
        yield timed(lambda: explain({"frame": frame}, made, source=_kept))

    return prepare


def _stepping(frame_of: FrameOf, rows: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        frame = frame_of(rows)
        yield timed(lambda: _kept(frame))

    return prepare


def _merging(frame_of: FrameOf, rows: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        if rows > ROWS:
            raise MemoryError(f"not run above {ROWS:,} rows: it copies the frame several times")
        frame = frame_of(rows)
        main = frame if hasattr(frame, "iloc") else frame.to_pandas()
        made = _kept(main)
        yield timed(lambda: main.merge(made.drop_duplicates(), how="left", indicator=True)["_merge"].eq("left_only"))

    return prepare


def _memory(quick: bool) -> Iterator[Work]:
    rows = QUICK_ROWS if quick else MOST_ROWS
    for library, frame_of in (("pandas", pandas_frame), ("polars", polars_frame)):
        note = "Peak of Python and NumPy by tracemalloc; buffers of polars and Arrow are not seen"
        name = f"memory of an explanation, {MOST_ROWS:,} × 12, {library}"
        yield _single(name, "MB", [Contender(OURS, _peak(frame_of, rows), "ours")], None, note)


def _peak(frame_of: FrameOf, rows: int) -> Prepare:
    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        frame = frame_of(rows)
        made = _kept(frame)

        def run(_: int) -> float:
            tracemalloc.start()
            explain({"frame": frame}, made, source=_kept)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return float(peak)

        yield run

    return prepare
