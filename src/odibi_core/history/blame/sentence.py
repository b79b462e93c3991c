"""The sentence of an answer: the rows that were lost, where it begins, and the likely cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from odibi_core.history.blame.answer import CauseClass
from odibi_core.history.blame.origin import Origin
from odibi_core.history.blame.signals import Signal
from odibi_core.history.comparison.causes import OF_THE_STEP
from odibi_core.history.comparison.difference import Cause
from odibi_core.views.row_wording import percent
from odibi_core.views.wording import shorten

_LONGEST: Final = 160
_VERBS: Final = {"lost": "lost", "gained": "gained", "unmatched": "found no match for", "rule": "changed"}
_CHANGED: Final[frozenset[CauseClass]] = frozenset({"code", "parameter", "environment"})


def sentence(origin: Origin, effect: Signal | None, cause: CauseClass, changes: Sequence[Cause]) -> str:
    """Return one sentence: the effect on rows, the step where it begins, and the cause."""
    how = "possible" if origin.certainty == "possible" else "likely"
    of_cause = f"{how} cause: {_cause(cause, changes)}" if cause != "unknown" else "the cause is unknown"
    first = origin.signals[0].text if origin.signals else f"{origin.step} made another result"
    if effect is None:
        return f"{_shortened(first)}; it begins at {origin.step}; {of_cause}"
    if effect.node == origin.step:
        return f"{rows_lost(effect)}; {of_cause}"
    about = _shortened(first).removeprefix(f"{origin.step} ").removeprefix("made ")
    return f"{rows_lost(effect)}; it begins at {origin.step} ({about}); {of_cause}"


def rows_lost(effect: Signal) -> str:
    """Return an effect on rows as a clause: the step, the rows, the rule, and if it is new."""
    before = ""
    if effect.usual is not None and effect.effect != "rule":
        same = ", by the same rule" if effect.is_new is False else ""
        before = f" ({percent(effect.usual)} before{same})"
    rule = f": {effect.rule}" if effect.rule else ""
    new = ", new since the last good run" if effect.is_new else ""
    if effect.effect == "gained":
        return f"{effect.node} gained {effect.rows or 0:,} rows to {effect.of or 0:,}{before}{rule}{new}"
    where = f" in {effect.side}" if effect.side else ""
    verb = "lost" if effect.effect == "rule" else _VERBS[effect.effect]
    return f"{effect.node} {verb} {effect.rows or 0:,} of {effect.of or 0:,} rows{where}{before}{rule}{new}"


def _cause(cause: CauseClass, changes: Sequence[Cause]) -> str:
    top = next((each for each in changes if each.score >= OF_THE_STEP), None)
    return f"{cause} ({_shortened(top.message)})" if top is not None and cause in _CHANGED else cause


def _shortened(text: str) -> str:
    return shorten(text, _LONGEST)
