"""The rule `schema`: a frame has other columns or types than in the last successful run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from odibi_core.rules.base import Firing, Rule, of_steps
from odibi_core.rules.facts import OK, RunFacts
from odibi_core.rules.patterns import Patterns

_SHOWN = 5


class SchemaRule(Rule, frozen=True, kw_only=True):
    """Columns that were added or removed, or that have another type.

    Args:
        steps: The steps.
        added: False if new columns are no alert.
        types: False if other types are no alert.
    """

    kind: ClassVar[str] = "schema"
    is_state: ClassVar[bool] = False

    steps: Patterns = "*"
    added: bool = True
    types: bool = True

    def reads_figures(self) -> bool:
        """Return true."""
        return True

    def earlier_runs(self) -> int:
        """Return the runs among which the last successful one is looked for."""
        return 10

    def of_run(self, facts: RunFacts) -> Iterator[Firing]:
        """Yield a firing for each frame with another schema."""
        last = next((run for run in reversed(facts.earlier) if run.status == OK), None)
        if last is None:
            return
        for step in of_steps(self.steps, facts.figures.get("steps", {})):
            before = last.figures.get("steps", {}).get(step, {}).get("frames", {})
            for dataset, frame in facts.step(step).get("frames", {}).items():
                if dataset in before and (words := self._changes(before[dataset]["schema"], frame["schema"])):
                    message = f"the schema of {dataset or 'the output'} of step {step} changed: {words}"
                    yield Firing(message=message, node_name=step, subject=dataset, value=words)

    def _changes(self, before: Sequence[Any], after: Sequence[Any]) -> str:
        old, new = dict(before), dict(after)
        parts = []
        if removed := [name for name in old if name not in new]:
            parts.append(f"removed {_listed(removed)}")
        if self.added and (added := [name for name in new if name not in old]):
            parts.append(f"added {_listed(added)}")
        if self.types and (changed := [name for name in new if name in old and old[name] != new[name]]):
            parts.append(f"changed {_listed([f'{name} from {old[name]} to {new[name]}' for name in changed])}")
        return "; ".join(parts)

    def is_clear(self, facts: RunFacts, node_name: str | None, subject: str) -> bool:
        """Return true for a frame that was described: it is compared with the run before."""
        return facts.status == OK and subject in facts.step(node_name or "").get("frames", {})


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
