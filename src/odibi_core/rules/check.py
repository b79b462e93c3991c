"""The rule `check`: a check of a step failed, so many times in a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import EarlierRun, RunFacts
from odibi_core.rules.patterns import Patterns, Times, matcher


class CheckRule(Rule, frozen=True, kw_only=True):
    """A check that failed. A check that could not be asked neither fires nor resolves.

    Args:
        steps: The steps.
        checks: The checks, with their column if they have one: `not_null tailnum`.
        runs: The number of runs in a row in which it must have failed.
    """

    kind: ClassVar[str] = "check"

    steps: Patterns = "*"
    checks: Patterns = "*"
    runs: Times = 1

    def earlier_runs(self) -> int:
        """Return the earlier runs in which the check must have failed too."""
        return self.runs - 1

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each failed check."""
        is_step, is_check, before = matcher(self.steps), matcher(self.checks), facts.last(self.runs - 1)
        if len(before) < self.runs - 1:
            return
        for each in facts.checks:
            if each.passed is not False or not is_step(each.node_name) or not is_check(each.name):
                continue
            if all(_passed(run, each.node_name, each.name) is False for run in before):
                in_a_row = f", {self.runs} runs in a row" if self.runs > 1 else ""
                yield Firing(
                    message=f"check {each.name} of step {each.node_name} failed{in_a_row}: {each.message}",
                    node_name=each.node_name, subject=each.name, value="failed", expected="passed",
                )  # fmt: skip

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a check that passed."""
        return any(each.passed is True and (each.node_name, each.name) == (node_name, subject) for each in facts.checks)


def _passed(run: EarlierRun, node_name: str, name: str) -> bool | None:
    found = run.figures.get("steps", {}).get(node_name, {}).get("checks", {}).get(name)
    return found[0] if found else None
