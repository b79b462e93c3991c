"""The rule `budget`: the costs of a calendar month passed a share of the budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.cost import Usd
from odibi_core.rules.facts import RunFacts, StoreFacts

Part = Annotated[float, Meta(gt=0, le=10, description="it is a share of the budget, such as 0.8")]


class BudgetRule(Rule, frozen=True, kw_only=True):
    """The known costs of a pipeline in a calendar month (UTC), its recorded runs together.

    Args:
        usd: The budget of the month in US dollars.
        share: The share of the budget at which it fires: 0.8 for an early warning.
    """

    kind: ClassVar[str] = "budget"
    of_what: ClassVar[tuple[str, ...]] = ("run", "store")

    usd: Usd
    share: Part = 1.0

    def reads_costs(self) -> bool:
        """Return true."""
        return True

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing if the month costs too much with this run."""
        yield from self._of(facts.pipeline_name, facts.month_cost_usd, f"{facts.at:%Y-%m}")

    def of_store(self, facts: StoreFacts) -> Iterator[Firing]:
        """Yield a firing for each pipeline that cost too much in this month."""
        for each in self.pipelines(facts):
            yield from self._of(each.pipeline_name, each.month_cost_usd, f"{facts.now:%Y-%m}")

    def _of(self, name: str, spent: float | None, month: str) -> Iterator[Firing]:
        if spent is not None and spent > self.usd * self.share:
            yield Firing(
                message=f"{name} cost {spent:,.2f} USD in {month}, {spent / self.usd:.0%} of {self.usd:,.2f} USD",
                subject=month, value=round(spent, 6), expected=self.usd, pipeline_name=name,
            )  # fmt: skip

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true if another month has begun, or the costs are known."""
        return facts.month_cost_usd is not None or subject != f"{facts.at:%Y-%m}"

    def is_clear_in_store(self, facts: StoreFacts, pipeline_name: str, subject: str) -> bool:
        """Return true if another month has begun, or the costs are known."""
        known = facts.pipelines.get(pipeline_name)
        return subject != f"{facts.now:%Y-%m}" or (known is not None and known.month_cost_usd is not None)
