"""The rule `failure`: a run, or a step of it, failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from odibi_core.rules.base import Firing, Rule, of_steps
from odibi_core.rules.facts import RunFacts, StoreFacts
from odibi_core.rules.patterns import Patterns, Times

Status = Literal["failed", "cancelled", "lost"]


class FailureRule(Rule, frozen=True, kw_only=True):
    """A run that failed, or was lost with its process.

    Args:
        per: `run` for one alert of the pipeline, `step` for one of each failed step.
        steps: The steps that count, with `per = "step"`.
        status: The states of a run that count as failed.
        runs: The number of runs in a row that must have failed.
    """

    kind: ClassVar[str] = "failure"
    of_what: ClassVar[tuple[str, ...]] = ("run", "store")

    per: Literal["run", "step"] = "run"
    steps: Patterns = "*"
    status: tuple[Status, ...] = ("failed", "lost")
    runs: Times = 1

    def problems(self) -> Iterator[str]:
        """Yield what is wrong: steps for an alert of the run as a whole."""
        if self.per == "run" and self.steps != "*":
            yield '`steps` has no effect with `per = "run"`; set `per = "step"`'

    def earlier_runs(self) -> int:
        """Return the earlier runs that must have failed too."""
        return self.runs - 1

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for the run, or for each of its failed steps."""
        before = facts.last(self.runs - 1)
        if facts.status not in self.status or len(before) < self.runs - 1:
            return
        in_a_row = f" {self.runs} times in a row" if self.runs > 1 else ""
        if self.per == "step":
            for name in of_steps(self.steps, facts.failed):
                if all(run.figures.get("steps", {}).get(name, {}).get("status") == "failed" for run in before):
                    message = f"step {name} failed{in_a_row}: {facts.failed[name]}"
                    yield Firing(message=message, node_name=name, value="failed", expected="success")
        elif all(run.status in self.status for run in before):
            message = f"{facts.pipeline_name} {facts.status}{in_a_row}: {_reason(facts)}"
            yield Firing(message=message, value=facts.status, expected="success")

    def of_store(self, facts: StoreFacts) -> Iterator[Firing]:
        """Yield a firing for each pipeline whose last run was lost: no process is left that could report it."""
        if "lost" not in self.status or self.per == "step" or self.runs > 1:
            return
        for each in self.pipelines(facts):
            if each.last_status == "lost":
                message = f"{each.pipeline_name} lost: the process died before the run ended"
                yield Firing(
                    message=message, value="lost", expected="success", pipeline_name=each.pipeline_name,
                    run_id=each.last_run_id,
                )  # fmt: skip

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a run, or a step, that succeeded."""
        return facts.status == "success" if node_name is None else facts.steps.get(node_name) == "success"

    def is_clear_in_store(self, facts: StoreFacts, pipeline_name: str, subject: str) -> bool:
        """Return true if the last run of the pipeline succeeded."""
        known = facts.pipelines.get(pipeline_name)
        return known is not None and known.last_status == "success" and self.per == "run"


def _reason(facts: RunFacts) -> str:
    if not facts.failed:
        return facts.error or "without a message"
    name, error = next(iter(facts.failed.items()))
    more = len(facts.failed) - 1
    return f"step {name}: {error}{f', and {more:,} more failed steps' if more else ''}"
