"""The rule `cost`: a run, or one operation of it, cost more than a limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import RunFacts
from odibi_core.rules.patterns import Patterns, matcher

Usd = Annotated[float, Meta(gt=0, le=1e12, description="it is an amount of US dollars greater than 0")]


class CostRule(Rule, frozen=True, kw_only=True):
    """The known costs of a run. A run without known costs neither fires nor resolves.

    Args:
        max_usd: The most that the run may cost, in US dollars.
        operations: The limit holds for each of these operations; without it, for their sum.
    """

    kind: ClassVar[str] = "cost"
    is_state: ClassVar[bool] = False

    max_usd: Usd
    operations: Patterns = ()

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for the run, or for each operation, that cost more."""
        for subject, usd in self._costs(facts):
            if usd > self.max_usd:
                what = f"operation {subject}" if subject else facts.pipeline_name
                message = f"{what} cost {usd:,.2f} USD, the limit is {self.max_usd:,.2f} USD"
                yield Firing(message=message, subject=subject, value=round(usd, 6), expected=self.max_usd)

    def _costs(self, facts: RunFacts) -> Iterator[tuple[str, float]]:
        if not self.operations:
            if facts.cost_usd is not None:
                yield "", facts.cost_usd
            return
        is_match = matcher(self.operations)
        yield from ((name, usd) for name, usd in facts.costs.items() if is_match(name))

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true if the cost is known."""
        return subject in dict(self._costs(facts))
