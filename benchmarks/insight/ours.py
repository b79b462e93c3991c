"""The entry of odibi-core: its explanation in the format of the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from benchmarks.insight.answer import Answer, Claim, Mask
from odibi_core.insight.base import PROVED, Cause, RowChange, Rule


def explain(inputs: Mapping[str, Any], output: Any, source: Callable[..., Any] | None) -> Answer:
    """Return the answer of `odibi_core.insight`."""
    explaining = import_module("odibi_core.insight.explaining")
    return answer_of(explaining.explain(inputs, output, source=source), inputs)


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


def _claim(cause: Cause, main: str, inputs: Mapping[str, Any]) -> Claim:
    tests = [test for group in cause.rule.any_of for test in group] if cause.rule else []
    return Claim(
        side=cause.side,
        text=cause.text,
        proved=cause.level in PROVED and cause.wrong == 0,
        share=cause.rows / cause.of if cause.of else 0.0,
        columns=tuple(dict.fromkeys(name for test in tests for name in test.columns)),
        selects=_selection(cause.rule, main, inputs) if cause.rule else None,
    )


def _selection(rule: Rule, main: str, inputs: Mapping[str, Any]) -> Callable[[], Mask]:
    def selects() -> Mask:
        table_of = import_module("odibi_core.insight.tables").table_of
        tables = {name: found for name, frame in inputs.items() if (found := table_of(frame)) is not None}
        mask: Mask = import_module("odibi_core.insight.rule_tests").evaluate(rule, tables[main], tables)
        return mask

    return selects
