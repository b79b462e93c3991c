"""The rule `health`: a health check is not healthy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import RunFacts, StoreFacts
from odibi_core.rules.patterns import Patterns, matcher

Status = Literal["degraded", "unhealthy", "unknown"]


class HealthRule(Rule, frozen=True, kw_only=True):
    """A health check that a run made, or that `odibi alerts check` makes.

    Args:
        checks: The health checks.
        status: The states that fire.
    """

    kind: ClassVar[str] = "health"
    of_what: ClassVar[tuple[str, ...]] = ("run", "store")

    checks: Patterns = "*"
    status: tuple[Status, ...] = ("unhealthy",)

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each check of the run that is not healthy."""
        yield from self._of(facts.health, facts.pipeline_name)

    def of_store(self, facts: StoreFacts) -> Iterator[Firing]:
        """Yield a firing for each check that is not healthy; they belong to no pipeline."""
        yield from self._of(facts.health, "")

    def _of(self, health: Mapping[str, tuple[str, str]], pipeline_name: str) -> Iterator[Firing]:
        is_match = matcher(self.checks)
        for name, (status, message) in health.items():
            if status in self.status and is_match(name):
                yield Firing(
                    message=f"health check {name} is {status}: {message}", subject=name, value=status,
                    expected="healthy", pipeline_name=pipeline_name,
                )  # fmt: skip

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a check that was made."""
        return facts.health.get(subject, ("unknown", ""))[0] in ("healthy", "degraded", "unhealthy")

    def is_clear_in_store(self, facts: StoreFacts, pipeline_name: str, subject: str) -> bool:
        """Return true for a check that was made; a pipeline's own is resolved by its next run."""
        return not pipeline_name and facts.health.get(subject, ("unknown", ""))[0] in ("healthy", "degraded")
