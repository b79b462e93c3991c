"""The scorer: an answer beside the truth of its trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from benchmarks.insight.answer import LONGEST_TEXT, Answer, Claim, Entry, Mask
from benchmarks.insight.case import Rows, Trial

Found = Literal["right", "unknown", "wrong"]


@dataclass(frozen=True)
class Outcome:
    """The score of one answer. None: the trial does not ask for it.

    Args:
        trial: The name of the case, with its library.
        family: The kind of rule.
        library: pandas or polars.
        kind: True if the kind of step is right.
        exact: True if predicates or keys select exactly the rows of each side that has rows, and no side is claimed
            that has none.
        rows: The lost rows: right (Jaccard 1), unknown, or wrong; rows of equal content are the same.
        jaccard: The lost rows that were named and are lost, of those that are either; None if unknown.
        counts: The numbers of lost and gained rows: right, unknown or wrong.
        false_claim: True if a claim of at least half of the rows is made where no rule exists.
        wrong_claim: True if a claim that is called proved selects other rows.
        texts: The claims as texts.
        answered: The kind that was answered.
        reason: The reason of the entry for an unknown part.
        ms: The time of the explanation.
    """

    trial: str
    family: str
    library: str
    kind: bool
    exact: bool | None
    rows: Found | None
    jaccard: float | None
    counts: Found | None
    false_claim: bool | None
    wrong_claim: bool
    texts: tuple[str, ...]
    answered: str
    reason: str
    ms: float


def run(trials: Iterable[Trial], entry: Entry, *, with_source: bool) -> list[Outcome]:
    """Return the outcome of each trial."""
    return [outcome(trial, entry, with_source=with_source) for trial in trials]


def outcome(trial: Trial, entry: Entry, *, with_source: bool) -> Outcome:
    """Explain a trial and score the answer; an entry that raises gave no answer."""
    started = time.perf_counter()
    try:
        answer = entry(trial.inputs, trial.output, trial.function if with_source else None)
    except Exception as error:
        answer = Answer(reason=f"{type(error).__name__}: {error}"[:300])
    return scored(trial, answer, (time.perf_counter() - started) * 1000)


def scored(trial: Trial, answer: Answer, ms: float) -> Outcome:
    """Return the score of an answer."""
    case, truth = trial.case, trial.truth
    masks = _Masks(trial, answer)
    has_sides = case.has_rows and truth.changes
    rows, jaccard = _rows(trial, answer, masks) if has_sides and len(truth.lost) else (None, None)
    return Outcome(
        trial=trial.name,
        family=case.family,
        library=trial.library,
        kind=answer.kind in case.kinds,
        exact=_exact(trial, answer, masks) if has_sides and case.has_rule else None,
        rows=rows,
        jaccard=jaccard,
        counts=_counts(trial, answer) if case.has_rows else None,
        false_claim=claims_half(answer) if not case.has_rule else None,
        wrong_claim=case.has_rows and masks.any_wrong(),
        texts=tuple(f"{each.side}: {each.text} [{_level(each)}]" for each in answer.claims),
        answered=answer.kind,
        reason=answer.reason,
        ms=ms,
    )


def claims_half(answer: Answer) -> bool:
    """Return whether any claim is made about at least half of the rows of its side."""
    return any(each.proved or each.share >= 0.5 for each in answer.claims if each.side == "lost")


def _level(claim: Claim) -> str:
    return "proved" if claim.proved else f"{100 * claim.share:.1f} %"


class _Masks:
    """The rows that the claims of an answer select, each computed once."""

    def __init__(self, trial: Trial, answer: Answer) -> None:
        self.height = len(trial.inputs[trial.case.tables[0]])
        self.answer = answer
        truth = trial.truth
        unmatched = list(truth.unmatched.values())
        self.truths: dict[str, Mask] = {
            "lost": self._mask(truth.lost),
            "gained": self._mask(np.array(sorted(truth.copies), dtype=np.int64)),
        }
        if unmatched:  # rows without a partner may be claimed of any join; they are judged if the case asks for them
            self.truths["unmatched"] = self._mask(np.unique(np.concatenate(unmatched)))
        self._found = {place: self._of(each.selects) for place, each in enumerate(answer.claims)}

    def _mask(self, rows: Rows) -> Mask:
        mask = np.zeros(self.height, dtype=bool)
        mask[rows] = True
        return mask

    def _of(self, selects: Callable[[], Any] | None) -> Mask | None:
        try:
            mask = None if selects is None else np.asarray(selects(), dtype=bool)
        except Exception:  # a claim that cannot be applied selects nothing
            return None
        return mask if mask is not None and mask.shape == (self.height,) else None

    def proved(self, side: str) -> list[Mask]:
        """Return the rows of each proved claim of a side."""
        return [
            mask
            for place, each in enumerate(self.answer.claims)
            if each.side == side and each.proved and len(each.text) <= LONGEST_TEXT
            if (mask := self._found[place]) is not None
        ]

    def is_exact(self, side: str) -> bool:
        """Return whether one proved claim, or all together, select exactly the rows of a side."""
        found, truth = self.proved(side), self.truths[side]
        return any(np.array_equal(each, truth) for each in [*found, *([np.logical_or.reduce(found)] if found else [])])

    def any_wrong(self) -> bool:
        """Return whether a proved claim selects a row that is not of its side."""
        return any(bool((mask & ~self.truths[side]).any()) for side in self.truths for mask in self.proved(side))


def _exact(trial: Trial, answer: Answer, masks: _Masks) -> bool:
    truth = trial.truth
    sides = {side for side, mask in masks.truths.items() if mask.any()}
    claimed = {each.side for each in answer.claims if each.proved and each.side in masks.truths}
    if "lost" in sides and len(truth.lost) == masks.height and answer.lost == masks.height:
        sides.discard("lost")  # all rows: there is no predicate to be found
        claimed.discard("lost")
    if not claimed <= sides:
        return False
    return all(_side_is_exact(trial, answer, masks, side) for side in sides)


def _side_is_exact(trial: Trial, answer: Answer, masks: _Masks, side: str) -> bool:
    if masks.is_exact(side):
        return True
    if side != "gained" or answer.gained != trial.truth.gained:
        return False
    keys = {frozenset(each.columns) for each in answer.claims if each.side == "gained"}
    return not trial.case.keys or frozenset(trial.case.keys) in keys


def _rows(trial: Trial, answer: Answer, masks: _Masks) -> tuple[Found, float | None]:
    """Return the verdict on the lost rows, as the entry names them or as its proved claims select all of them."""
    truth = masks.truths["lost"]
    found: Mask | None = None
    named = answer.lost_rows() if answer.lost_rows is not None else None
    if named is not None:
        found = np.zeros(masks.height, dtype=bool)
        found[named] = True
    elif answer.lost == masks.height:
        found = np.ones(masks.height, dtype=bool)
    elif proved := masks.proved("lost"):
        union = np.logical_or.reduce(proved)
        found = union if answer.lost == union.sum() else None
    if found is None:
        return "unknown", None
    if np.array_equal(found, truth) or _are_copies(trial, found & ~truth, truth & ~found):
        return "right", 1.0
    return "wrong", float((found & truth).sum() / (found | truth).sum())


def _are_copies(trial: Trial, one: Mask, other: Mask) -> bool:
    """Return whether two sets of rows have the same content, so that nothing distinguishes them."""
    main = trial.inputs[trial.case.tables[0]]
    if isinstance(main, pl.DataFrame):
        contents = [sorted(map(repr, main.filter(pl.Series(rows)).rows())) for rows in (one, other)]
    else:
        contents = [sorted(map(repr, main[rows].itertuples(index=False, name=None))) for rows in (one, other)]
    return contents[0] == contents[1]


def _counts(trial: Trial, answer: Answer) -> Found:
    truth = trial.truth
    pairs = [(answer.lost, len(truth.lost)), (answer.gained, truth.gained)]
    pairs += [(answer.unmatched.get(name), len(rows)) for name, rows in truth.unmatched.items()]
    if any(found is not None and found != wanted for found, wanted in pairs):
        return "wrong"
    return "unknown" if any(found is None for found, _ in pairs) else "right"
