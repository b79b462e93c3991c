"""The rule `circuit`: a circuit breaker is open at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from odibi_core.rules.base import Firing, Rule
from odibi_core.rules.facts import RunFacts
from odibi_core.rules.patterns import Patterns, matcher


class CircuitRule(Rule, frozen=True, kw_only=True):
    """A circuit breaker whose last state in the run is `open`.

    Args:
        circuits: The circuit breakers.
    """

    kind: ClassVar[str] = "circuit"

    circuits: Patterns = "*"

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each open circuit."""
        is_match = matcher(self.circuits)
        for name, state in facts.circuits.items():
            if state == "open" and is_match(name):
                message = f"circuit {name} is open at the end of {facts.pipeline_name}"
                yield Firing(message=message, subject=name, value="open", expected="closed")

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a circuit that was closed in the run."""
        return facts.circuits.get(subject) == "closed"
