"""The rule `rows`: a step made too few or too many rows, or another number than usual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule, of_steps
from odibi_core.rules.facts import FEWEST, RunFacts
from odibi_core.rules.patterns import Patterns, Times
from odibi_core.views.wording import plural

Rows = Annotated[int, Meta(ge=0, description="it is a number of rows, 0 or more")]
Change = Annotated[float, Meta(gt=0, le=1e6, description="it is a share greater than 0, such as 0.5 for 50 %")]


class RowsRule(Rule, frozen=True, kw_only=True):
    """A step whose number of rows is outside of limits, or changed against its median.

    Args:
        steps: The steps.
        min: The fewest rows; none if absent.
        max: The most rows; none if absent.
        change: The largest change as a share of the median of the last successful runs; none if absent.
        direction: `drop`, `rise`, or `both`, of `change`.
        window: The number of runs of the median.
    """

    kind: ClassVar[str] = "rows"

    steps: Patterns = "*"
    min: Rows | None = None
    max: Rows | None = None
    change: Change | None = None
    direction: Literal["drop", "rise", "both"] = "both"
    window: Times = 10

    def problems(self) -> Iterator[str]:
        """Yield what is wrong: no limit, or limits that exclude each other."""
        if self.min is None and self.max is None and self.change is None:
            yield "one of `min`, `max` and `change` must be given"
        if self.min is not None and self.max is not None and self.min > self.max:
            yield f"`min` must be at most `max`, got {self.min:,} and {self.max:,}"
        if self.window < FEWEST:
            yield f"`window` must be at least {FEWEST} runs, got {self.window}"

    def reads_figures(self) -> bool:
        """Return true."""
        return True

    def earlier_runs(self) -> int:
        """Return the runs of the median."""
        return self.window if self.change is not None else 0

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each step with an unusual number of rows."""
        for name in of_steps(self.steps, facts.figures.get("steps", {})):
            rows = facts.step(name).get("rows")
            if isinstance(rows, int) and (problem := self._problem(facts, name, rows)):
                words, expected = problem
                yield Firing(
                    message=f"step {name} made {plural(rows, 'row')}, {words}",
                    node_name=name,
                    value=rows,
                    expected=expected,
                )

    def _problem(self, facts: RunFacts, name: str, rows: int) -> tuple[str, float] | None:
        if self.min is not None and rows < self.min:
            return f"the fewest are {self.min:,}", self.min
        if self.max is not None and rows > self.max:
            return f"the most are {self.max:,}", self.max
        known = facts.usual(name, "rows", self.window) if self.change is not None else None
        if known is None or self.change is None:
            return None
        usual, runs = known
        is_drop, is_rise = rows < usual * (1 - self.change), rows > usual * (1 + self.change)
        if (is_drop and self.direction != "rise") or (is_rise and self.direction != "drop"):
            against = f"{rows / usual - 1:+.0%}" if usual else "from none"
            return f"{against} against {usual:,.0f}, the median of {runs} runs", usual
        return None

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a step whose rows are known."""
        return node_name is not None and facts.step(node_name).get("rows") is not None
