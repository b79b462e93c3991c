"""The rule `anomaly`: a run differs from its earlier runs, as `odibi watch` reports it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import RunFacts
from odibi_core.rules.patterns import Patterns, matcher

Probability = Annotated[float, Meta(gt=0, le=1, description="it is a probability, greater than 0 and at most 1")]


class AnomalyRule(Rule, frozen=True, kw_only=True):
    """The unusual findings of a run. Those that follow from another one are left out, and so are muted ones.

    Args:
        steps: The steps.
        families: The families of findings, such as `rows`, `nulls` or `duration`.
        max_likelihood: Only findings that are so unlikely, or more.
    """

    kind: ClassVar[str] = "anomaly"
    is_state: ClassVar[bool] = False

    steps: Patterns = "*"
    families: Patterns = "*"
    max_likelihood: Probability = 1.0

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each finding that begins a change."""
        is_step, is_family = matcher(self.steps), matcher(self.families)
        for each in facts.anomalies:
            node, family = each.get("node_name"), str(each.get("family") or "")
            if each.get("follows_from") or each.get("muted") is True or not is_family(family):
                continue
            if (node is None or is_step(node)) and (each.get("likelihood") or 0.0) <= self.max_likelihood:
                yield Firing(
                    message=str(each.get("message") or f"{each.get('series')} is unusual"), node_name=node,
                    subject=str(each.get("series") or family), value=each.get("actual"), expected=each.get("expected"),
                )  # fmt: skip

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a run that was judged, and in which the step succeeded."""
        return facts.status == "success" and (node_name is None or facts.steps.get(node_name) == "success")
