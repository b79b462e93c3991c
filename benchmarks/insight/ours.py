"""The entry of odibi-core: its explanation in the format of the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.insight.answer import Answer, Claim, Mask
from benchmarks.insight.case import Rows
from odibi_core.insight.base import PROVED, Budget, Cause, RowChange, Rule
from odibi_core.insight.explaining import explain as explained
from odibi_core.insight.frames.frame import frame_of
from odibi_core.insight.identity import identify
from odibi_core.insight.predicates.tests import evaluate


def explain(inputs: Mapping[str, Any], output: Any, source: Callable[..., Any] | None) -> Answer:
    """Return the answer of `odibi_core.insight`."""
    change = explained(inputs, output, source=source)
    return replace(answer_of(change, inputs), lost_rows=partial(_lost_rows, change, inputs, output))


def answer_of(change: RowChange, inputs: Mapping[str, Any]) -> Answer:
    """Return a row change as an answer."""
    return Answer(
        kind=change.kind,
        lost=change.lost,
        gained=change.gained,
        unmatched=change.unmatched,
        claims=tuple(_claim(cause, change.main, inputs) for cause in change.causes if cause.text or cause.rule),
        reason=change.reason,
    )


def _lost_rows(change: RowChange, inputs: Mapping[str, Any], output: Any) -> Rows | None:
    """Return the lost rows by the identity of rows that the explanation works with; it counts them in its answer."""
    if change.lost is None:
        return None
    taken = {name: found for name, frame in inputs.items() if (found := frame_of(frame)) is not None}
    made = frame_of(output)
    if made is None or change.main not in taken:
        return None
    identity = identify(taken[change.main], made, Budget())
    if identity is None:
        return None
    kept = identity.rows[identity.rows >= 0]
    rows: Rows = np.setdiff1d(np.arange(taken[change.main].height), kept)
    return rows if len(rows) == change.lost else None


def _claim(cause: Cause, main: str, inputs: Mapping[str, Any]) -> Claim:
    tests = [test for group in cause.rule.any_of for test in group] if cause.rule else []
    return Claim(
        side=cause.side,
        text=cause.text,
        proved=cause.level in PROVED and cause.wrong == 0,
        share=cause.rows / cause.of if cause.of else 0.0,
        columns=tuple(dict.fromkeys(name for test in tests for name in test.columns)),
        selects=selection(cause.rule, main, inputs) if cause.rule else None,
    )


def selection(rule: Rule, main: str, inputs: Mapping[str, Any]) -> Callable[[], Mask]:
    """Return a function that evaluates a rule on the main input."""

    def selects() -> Mask:
        tables = {name: found for name, frame in inputs.items() if (found := frame_of(frame)) is not None}
        mask: Mask = evaluate(rule, tables[main], tables)
        return mask

    return selects
