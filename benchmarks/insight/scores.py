"""The scores of odibi-core and of the baselines on each part of the benchmark, each computed once a program.

If the variable ODIBI_BENCH_STAGED names a folder, the outcomes of a part are kept there, and used if they are there:
several processes can compute a part each.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from benchmarks.insight import baselines, ours
from benchmarks.insight.answer import Answer
from benchmarks.insight.case import HALVES, Half, Trial, trials
from benchmarks.insight.fault_rows import fault_rows, indicator_score, score, tree_score
from benchmarks.insight.faults import COUNT, controls, faults
from benchmarks.insight.naming import NamedOutcome, named, verdict
from benchmarks.insight.pipelines import PIPELINES
from benchmarks.insight.random_losses import Loss, LossOutcome, judged, losses
from benchmarks.insight.recording import GOOD, NOTHING, Named, recorder
from benchmarks.insight.score import Outcome, outcome

T = TypeVar("T")

OURS: Final = "odibi-core"
WITHOUT: Final = "odibi-core, without the source"
AT_END: Final = "odibi-core, by itself at the end of the run"
COUNTS: Final = "the first row count that differs"
METHODS: Final = (OURS, AT_END, COUNTS)
"""The methods that name a step."""
GIVEN_ROWS: Final = "decision tree of depth 3, given the rows"
GIVEN_KEYS: Final = "merge(indicator), given the keys"
CONTROLS: Final = 90
"""Runs without a fault: thirty batches of each pipeline."""
QUICK_CASES: Final = frozenset({"one_supplier", "product_suppliers", "young_players"})
"""Cases of the development half on small generated tables."""
QUICK_TABLES: Final = ("payments", "players")


def _kept(part: str, kind: type[T], make: Callable[[], dict[str, list[T]]]) -> dict[str, list[T]]:
    """Return the outcomes of a part, from the folder of ODIBI_BENCH_STAGED if they are there."""
    folder = os.environ.get("ODIBI_BENCH_STAGED")
    file = Path(folder, f"{part}.json") if folder else None
    if file is not None and file.exists():
        return msgspec.json.decode(file.read_bytes(), type=dict[str, list[kind]])  # type: ignore[valid-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = make()
    if file is not None:
        file.write_bytes(msgspec.json.encode(found))
    return found


def has_baselines(half: Half, quick: bool) -> bool:
    """Return whether the baselines take part: on the report half, and on the few cases of the quick form."""
    return quick or half == "report"


@cache
def halves(half: Half, quick: bool) -> dict[str, list[Outcome]]:
    """Return the outcomes of all entries on a half; a baseline whose library is not installed is left out."""
    if quick:
        return _halves(half, QUICK_CASES)
    return _kept(half, Outcome, lambda: _halves(half, frozenset()))


def _halves(half: Half, names: frozenset[str]) -> dict[str, list[Outcome]]:
    """Make each trial once and give it to all entries, so that they take their turns."""
    others = [name for name in baselines.BASELINES if has_baselines(half, bool(names)) and not baselines.missing(name)]
    found: dict[str, list[Outcome]] = {name: [] for name in (OURS, WITHOUT, *others)}
    for trial in trials(half, names):
        for name, outcomes in found.items():
            outcomes.append(_outcome(name, trial))
    return found


def _outcome(name: str, trial: Trial) -> Outcome:
    entry = baselines.BASELINES[name](trial) if name in baselines.BASELINES else ours.explain
    return outcome(trial, entry, with_source=name == OURS)


@cache
def random_losses(quick: bool) -> dict[str, list[LossOutcome]]:
    """Return the verdicts on the random losses, of odibi-core and of a tree that gets the lost rows as labels."""
    if quick:
        return _losses(2, QUICK_TABLES)
    return _kept("losses", LossOutcome, lambda: _losses())


def _losses(*chosen: Any) -> dict[str, list[LossOutcome]]:
    found: dict[str, list[LossOutcome]] = {OURS: []}
    if baselines.missing(baselines.TREE) is None:
        found[baselines.TREE] = []
    for loss in losses(*chosen):
        found[OURS].append(judged(loss, ours.explain))
        if baselines.TREE in found:
            found[baselines.TREE].append(judged(loss, partial(_tree, loss)))
    return found


def _tree(loss: Loss, *_: Any) -> Answer:
    claim = baselines.tree_claim(loss.frame.to_pandas() if loss.library == "polars" else loss.frame, loss.is_lost)
    return Answer(lost=loss.lost, claims=(claim,) if claim else ())


@cache
def named_faults(quick: bool) -> dict[str, list[NamedOutcome]]:
    """Return the verdicts on the faults and on runs without one, by the method that names a step."""
    if quick:
        return _named_faults(("countries",), 1, 1, 1)
    return _kept("faults", NamedOutcome, lambda: _named_faults(tuple(PIPELINES), COUNT, CONTROLS))


def _named_faults(names: tuple[str, ...], count: int, clean: int, good: int = GOOD) -> dict[str, list[NamedOutcome]]:
    has_tree = baselines.missing(baselines.TREE) is None
    methods = (*METHODS, *((GIVEN_ROWS,) if has_tree else ()), GIVEN_KEYS)
    found: dict[str, list[NamedOutcome]] = {method: [] for method in methods}
    with recorder(good) as recorded:
        for fault in islice(faults(names), count):
            asked, at_end = recorded.named(fault)
            truth = fault_rows(fault)
            found[OURS].append(verdict(fault, asked, score(fault, truth, asked)))
            found[AT_END].append(verdict(fault, at_end, score(fault, truth, at_end)))
            found[COUNTS].append(verdict(fault, Named(named(fault))))
            found[GIVEN_KEYS].append(verdict(fault, NOTHING, indicator_score(fault, truth)))
            if has_tree:
                found[GIVEN_ROWS].append(verdict(fault, NOTHING, tree_score(fault, truth)))
        for fault in islice(controls(names), clean):
            # a clean run is not asked about: on demand the first difference within the noise is named, as "possible"
            _, at_end = recorded.named(fault)
            found[OURS].append(verdict(fault, at_end))
            found[AT_END].append(verdict(fault, at_end))
            found[COUNTS].append(verdict(fault, Named(named(fault))))
    return found


def write(folder: Path) -> None:
    """Write the outcome of odibi-core in each case and fault, and its false claims, for the programs that read them."""
    data = {
        "cases": {half: {name: halves(half, False)[name] for name in (OURS, WITHOUT)} for half in HALVES},
        "false_claims": [each for each in random_losses(False)[OURS] if each.false_claim],
        "faults": named_faults(False)[OURS],
    }
    (folder / "insight_cases.json").write_bytes(msgspec.json.encode(data) + b"\n")
