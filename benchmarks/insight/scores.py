"""The scores of odibi-core and of the baselines on each part of the benchmark, each computed once a program."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.insight import baselines, ours
from benchmarks.insight.answer import Answer
from benchmarks.insight.case import HALVES, Half, Trial, trials
from benchmarks.insight.faults import COUNT, controls, faults
from benchmarks.insight.naming import NamedOutcome, explained, named, verdict
from benchmarks.insight.pipelines import PIPELINES
from benchmarks.insight.random_losses import Loss, LossOutcome, judged, losses
from benchmarks.insight.recording import Named, recorder
from benchmarks.insight.score import Outcome, outcome

OURS: Final = "odibi-core"
WITHOUT: Final = "odibi-core, without the source"
AT_END: Final = "odibi-core, by itself at the end of the run"
EXPLAINED: Final = "the first explanation that differs"
COUNTS: Final = "the first row count that differs"
METHODS: Final = (OURS, AT_END, EXPLAINED, COUNTS)
CONTROLS: Final = 60
QUICK_CASES: Final = frozenset({"first_click", "partners_only", "one_supplier", "product_suppliers"})
"""Cases of the development half on small generated tables."""
QUICK_TABLES: Final = ("payments", "players")


@cache
def halves(half: Half, quick: bool) -> dict[str, list[Outcome]]:
    """Return the outcomes of all entries on a half; a baseline that is not installed is left out.

    Each trial is made once and goes to all entries, so that they take their turns.
    """
    found: dict[str, list[Outcome]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for trial in trials(half, QUICK_CASES if quick else frozenset()):
            for name in (OURS, WITHOUT, *baselines.BASELINES):
                found.setdefault(name, []).append(_outcome(name, trial))
    return {name: outcomes for name, outcomes in found.items() if not _is_missing(outcomes)}


def _outcome(name: str, trial: Trial) -> Outcome:
    entry = baselines.BASELINES[name](trial) if name in baselines.BASELINES else ours.explain
    return outcome(trial, entry, with_source=name == OURS)


def _is_missing(outcomes: list[Outcome]) -> bool:
    return all(each.reason.startswith("ModuleNotFoundError") for each in outcomes)


@cache
def random_losses(quick: bool) -> dict[str, list[LossOutcome]]:
    """Return the verdicts on the random losses, of odibi-core and of a tree that gets the lost rows as labels."""
    chosen = losses(4, QUICK_TABLES) if quick else losses()
    found: dict[str, list[LossOutcome]] = {OURS: [], baselines.TREE: []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for loss in chosen:
            found[OURS].append(judged(loss, ours.explain))
            found[baselines.TREE].append(judged(loss, lambda *_, loss=loss: _tree(loss)))
    return found


def _tree(loss: Loss) -> Answer:
    claim = baselines.tree_claim(loss.frame.to_pandas() if loss.library == "polars" else loss.frame, loss.is_lost)
    return Answer(lost=loss.lost, claims=(claim,) if claim else ())


@cache
def named_faults(quick: bool) -> dict[str, list[NamedOutcome]]:
    """Return the verdicts on the faults and on runs without one, by the method that names a step."""
    names = ("shop",) if quick else tuple(PIPELINES)
    every = [*islice(faults(names), 6 if quick else COUNT), *islice(controls(names), 2 if quick else CONTROLS)]
    found: dict[str, list[NamedOutcome]] = {method: [] for method in METHODS}
    with warnings.catch_warnings(), recorder() as recorded:
        warnings.simplefilter("ignore")
        for fault in every:
            asked, at_end = recorded.named(fault)
            # a clean run is not asked about: on demand the first difference within the noise is named, as "possible"
            found[OURS].append(verdict(fault, asked if fault.begins else at_end))
            found[AT_END].append(verdict(fault, at_end))
            found[EXPLAINED].append(verdict(fault, Named(named(fault, explained))))
            found[COUNTS].append(verdict(fault, Named(named(fault))))
    return found


def write(folder: Path) -> None:
    """Write the outcome of each case, loss and fault, for the programs that read them."""
    cases = {half: {name: _plain(each) for name, each in halves(half, False).items()} for half in HALVES}
    data = {
        "cases": cases,
        "random_losses": {name: _plain(each) for name, each in random_losses(False).items()},
        "faults": {name: _plain(each) for name, each in named_faults(False).items()},
    }
    text = json.dumps(data, ensure_ascii=False, default=str) + "\n"
    (folder / "insight_cases.json").write_text(text, encoding="utf-8")


def _plain(found: list[Any]) -> list[dict[str, Any]]:
    return [asdict(each) for each in found]
