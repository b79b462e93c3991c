"""The rule `slow`: a run, or a step, took longer than a limit or than usual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule, of_steps
from odibi_core.rules.facts import FEWEST, OK, EarlierRun, RunFacts
from odibi_core.rules.patterns import Duration, Patterns, Times, length_of
from odibi_core.views.wording import duration

Factor = Annotated[float, Meta(gt=1, le=1e6, description="it is a number greater than 1")]


class SlowRule(Rule, frozen=True, kw_only=True):
    """A run or a step that is slower than a fixed limit, or than so many times its median.

    Args:
        longer_than: The fixed limit; empty for none.
        factor: The limit as a multiple of the median of the last successful runs; used without `longer_than`.
        window: The number of these runs.
        per: `run`, or `step` for one alert of each step.
        steps: The steps that count, with `per = "step"`.
        runs: The number of runs in a row that must be slow. A single slow run is often chance.
    """

    kind: ClassVar[str] = "slow"

    longer_than: Duration = ""
    factor: Factor = 2.0
    window: Times = 20
    per: Literal["run", "step"] = "run"
    steps: Patterns = "*"
    runs: Times = 2

    def problems(self) -> Iterator[str]:
        """Yield what is wrong: steps for an alert of the run, or too few runs for a median."""
        if self.per == "run" and self.steps != "*":
            yield '`steps` has no effect with `per = "run"`; set `per = "step"`'
        if not self.longer_than and self.window < FEWEST:
            yield f"`window` must be at least {FEWEST} runs, got {self.window}"

    def reads_figures(self) -> bool:
        """Return true for steps, whose durations are among the figures."""
        return self.per == "step"

    def earlier_runs(self) -> int:
        """Return the runs of the median, and those in a row."""
        return (0 if self.longer_than else self.window) + self.runs - 1

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for the run, or for each of its slow steps."""
        if facts.status != OK:
            return
        if self.per == "run":
            yield from self._of(facts, None, _run_took(facts))
            return
        for name in of_steps(self.steps, facts.steps):
            yield from self._of(facts, name, facts.step(name).get("duration_ms"))

    def _of(self, facts: RunFacts, step: str | None, took_ms: float | None) -> Iterator[Firing]:
        limit_ms = self._limit_ms(facts, step)
        before = facts.last(self.runs - 1)
        if took_ms is None or limit_ms is None or took_ms <= limit_ms or len(before) < self.runs - 1:
            return
        if any((earlier := _took(run, step)) is None or earlier <= limit_ms for run in before):
            return
        what = f"step {step}" if step else facts.pipeline_name
        usual = "" if self.longer_than else f" ({took_ms / limit_ms * self.factor:.1f} × the median)"
        in_a_row = f", {self.runs} runs in a row" if self.runs > 1 else ""
        yield Firing(
            message=f"{what} took {duration(took_ms)}{usual}, the limit is {duration(limit_ms)}{in_a_row}",
            node_name=step, value=round(took_ms, 3), expected=round(limit_ms, 3),
        )  # fmt: skip

    def _limit_ms(self, facts: RunFacts, step: str | None) -> float | None:
        if self.longer_than:
            return length_of(self.longer_than).total_seconds() * 1e3
        known = facts.usual(step, "duration_ms", self.window)
        return None if known is None else known[0] * self.factor

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a run or a step that succeeded within the limit."""
        done = facts.status == OK if node_name is None else facts.steps.get(node_name) == OK
        took = _run_took(facts) if node_name is None else facts.step(node_name).get("duration_ms")
        limit = self._limit_ms(facts, node_name)
        return done and took is not None and limit is not None and took <= limit


def _run_took(facts: RunFacts) -> float | None:
    """Return the duration of a run of all steps; None if some were selected, cached or taken from another run."""
    if not facts.figures:
        return facts.duration_ms
    if facts.figures.get("is_partial"):
        return None
    found: float | None = facts.figures.get("run", {}).get("duration_ms")
    return found


def _took(run: EarlierRun, step: str | None) -> float | None:
    figures = run.figures.get("run", {}) if step is None else run.figures.get("steps", {}).get(step, {})
    found = figures.get("duration_ms")
    return float(found) if isinstance(found, int | float) else None
