"""The evaluation of 200 rules of alerts at the end of a run: its events, its figures and those of twenty earlier runs.

The pipeline has 21 steps on pandas, of 30 columns each. Fifty rules look at columns, a hundred at steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work

STEPS, COLUMNS, EARLIER, RULES = 20, 30, 20, 200


def _pipeline() -> list[Callable[..., Any]]:
    import pandas as pd

    def source() -> pd.DataFrame:
        return pd.DataFrame({f"c{number}": range(1_000) for number in range(COLUMNS)})

    def step(number: int) -> Callable[..., Any]:
        def made(source: pd.DataFrame) -> pd.DataFrame:
            return source.assign(number=number)

        made.__name__ = f"step_{number}"
        return made

    return [source, *map(step, range(STEPS))]


def _rules() -> list[Any]:
    from odibi_core.rules import CheckRule, FailureRule, NullsRule, RowsRule, SchemaRule, SlowRule

    makers: list[Callable[[str], Any]] = [
        lambda name: FailureRule(name=name, runs=3),
        lambda name: RowsRule(name=name, change=0.5),
        lambda name: NullsRule(name=name, rise=0.1),
        lambda name: SlowRule(name=name, per="step", factor=1_000.0),
        lambda name: SchemaRule(name=name),
        lambda name: CheckRule(name=name, runs=2),
        lambda name: NullsRule(name=name, max_share=0.5),
        lambda name: RowsRule(name=name, min=1),
    ]
    return [makers[number % len(makers)](f"rule {number}") for number in range(RULES)]


def _run(earlier: int, *, with_rules: bool) -> Prepare:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Runner]:
        from odibi_core import Orchestrator
        from odibi_core.alerts import configure_alerts

        steps, store = _pipeline(), folder / "store"
        for _ in range(earlier):
            Orchestrator(steps, pipeline_name="daily", store=store).execute()
        rules = _rules() if with_rules else []

        def run(n: int) -> float:
            configure_alerts(rules)
            try:
                began = process_time()
                for _ in range(n):
                    Orchestrator(steps, pipeline_name="daily", store=store).execute()
                return process_time() - began
            finally:
                configure_alerts()

        yield run

    return prepare


def works(quick: bool) -> list[Work]:
    floor, earlier = "odibi-core, without rules", 3 if quick else EARLIER
    return [
        Work(
            "a run of 21 steps with 200 rules of alerts, processor time",
            "ms",
            [
                Contender("odibi-core", _run(earlier, with_rules=True), "ours"),
                Contender(floor, _run(earlier, with_rules=False), "floor"),
            ],
            [Target(100.0, floor, "difference", "the evaluation at its end")],
            loops=1,
            rounds=9,
        )
    ]
