"""The rule `freshness`: the last good run, or a file that a step read, is too old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from odibi_core.rules.base import Firing, Rule, of_steps
from odibi_core.rules.facts import RunFacts, StoreFacts
from odibi_core.rules.patterns import Duration, Patterns, length_of, matcher
from odibi_core.views.wording import duration


class FreshnessRule(Rule, frozen=True, kw_only=True):
    """The age of a pipeline's last success, or of the files that its steps read.

    Without `datasets`, `odibi alerts check` compares the end of the last successful run with the time of the check.
    With `datasets`, the end of a run compares the modification of each file that was read with the start of the run.

    Args:
        max_age: The largest age, such as `26h`.
        datasets: Datasets or addresses of files; none if absent.
        steps: The steps that read them.
    """

    kind: ClassVar[str] = "freshness"
    of_what: ClassVar[tuple[str, ...]] = ("run", "store")

    max_age: Duration
    datasets: Patterns = ()
    steps: Patterns = "*"

    def problems(self) -> Iterator[str]:
        """Yield what is wrong: no age."""
        if not self.max_age:
            yield '`max_age` must be a duration, such as "26h"'

    def reads_figures(self) -> bool:
        """Return true for files."""
        return bool(self.datasets)

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each file that is too old."""
        if not self.datasets:
            return
        is_match, limit = matcher(self.datasets), length_of(self.max_age).total_seconds()
        for step in of_steps(self.steps, facts.figures.get("steps", {})):
            for name, file in facts.step(step).get("files", {}).items():
                age = file.get("age_s")
                if age is not None and age > limit and (is_match(name) or is_match(file.get("uri") or "")):
                    message = f"{name} of step {step} is {_shown(age)} old, the limit is {_shown(limit)}"
                    yield Firing(message=message, node_name=step, subject=name, value=round(age), expected=limit)

    def of_store(self, facts: StoreFacts) -> Iterator[Firing]:
        """Yield a firing for each pipeline without a recent success."""
        if self.datasets:
            return
        limit = length_of(self.max_age).total_seconds()
        for each in self.pipelines(facts):
            name = each.pipeline_name
            if each.last_success is None:
                yield Firing(message=f"{name} has never succeeded", pipeline_name=name, expected=limit)
            elif (age := (facts.now - each.last_success).total_seconds()) > limit:
                message = f"the last success of {name} is {_shown(age)} ago, the limit is {_shown(limit)}"
                yield Firing(message=message, pipeline_name=name, value=round(age), expected=limit)

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a file whose age is known, and for a run that succeeded."""
        if not self.datasets:
            return facts.status == "success"
        return facts.step(node_name or "").get("files", {}).get(subject, {}).get("age_s") is not None

    def is_clear_in_store(self, facts: StoreFacts, pipeline_name: str, subject: str) -> bool:
        """Return true for a pipeline that is known, unless the rule is about files."""
        return not self.datasets and pipeline_name in facts.pipelines


def _shown(seconds: float) -> str:
    days, rest = divmod(seconds, 86400)
    return f"{days:.0f} d {rest / 3600:.0f} h" if days >= 2 else duration(seconds * 1e3)
