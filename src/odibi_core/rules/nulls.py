"""The rule `nulls`: a column has more nulls than a limit or than usual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule, of_steps
from odibi_core.rules.facts import FEWEST, NULL_SHARE, RunFacts
from odibi_core.rules.patterns import Patterns, Times, matcher

Share = Annotated[float, Meta(ge=0, le=1, description="it is a share from 0 to 1")]


class NullsRule(Rule, frozen=True, kw_only=True):
    """A column whose share of nulls is above a limit, or rose against its median.

    The share is that of the rows that the statistics were computed from; without statistics nothing is evaluated.

    Args:
        steps: The steps.
        columns: The columns.
        max_share: The largest share of nulls; none if absent.
        rise: The largest rise of the share against the median of the last successful runs; none if absent.
        window: The number of these runs.
    """

    kind: ClassVar[str] = "nulls"

    steps: Patterns = "*"
    columns: Patterns = "*"
    max_share: Share | None = None
    rise: Share | None = None
    window: Times = 10

    def problems(self) -> Iterator[str]:
        """Yield what is wrong: no limit."""
        if self.max_share is None and self.rise is None:
            yield "one of `max_share` and `rise` must be given"
        if self.window < FEWEST:
            yield f"`window` must be at least {FEWEST} runs, got {self.window}"

    def reads_figures(self) -> bool:
        """Return true."""
        return True

    def earlier_runs(self) -> int:
        """Return the runs of the median."""
        return self.window if self.rise is not None else 0

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each column with too many nulls."""
        is_match = matcher(self.columns)
        for step in of_steps(self.steps, facts.figures.get("steps", {})):
            for dataset, frame in facts.step(step).get("frames", {}).items():
                for column, stats in frame["columns"].items():
                    share = stats[NULL_SHARE]
                    if share is not None and is_match(column):
                        yield from self._of(facts, step, dataset, column, share)

    def _of(self, facts: RunFacts, step: str, dataset: str, column: str, share: float) -> Iterator[Firing]:
        words, expected = "", 0.0
        if self.max_share is not None and share > self.max_share:
            words, expected = f"the limit is {self.max_share:.1%}", self.max_share
        elif self.rise is not None:
            usual = facts.usual_nulls(step, dataset, column, self.window)
            if usual is not None and share > usual + self.rise:
                words, expected = f"the median is {usual:.1%}", usual
        if words:
            yield Firing(
                message=f"{column} of step {step} has {share:.1%} nulls, {words}",
                node_name=step, subject=column, value=round(share, 6), expected=round(expected, 6),
            )  # fmt: skip

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a column whose nulls were counted."""
        frames = facts.step(node_name or "").get("frames", {}).values()
        return any((found := frame["columns"].get(subject)) and found[NULL_SHARE] is not None for frame in frames)
