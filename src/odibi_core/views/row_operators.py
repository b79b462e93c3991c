"""The operators of a plan that dropped rows: the condition of each, and its rows before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from odibi_core.views.values import count, text

_DROPPING: Final = ("FILTER", "UNIQUE")


class Loss(NamedTuple):
    """An operator that let fewer rows pass than its main input has."""

    operator: str
    detail: str
    before: int
    after: int

    @property
    def share(self) -> float:
        """The rows after it for each one before."""
        return self.after / self.before if self.before else 0.0

    @property
    def rule(self) -> str:
        """The operator with its condition or its keys: `filter (amount > 0)`."""
        name = self.operator.lower().replace("_", " ")
        return f"{name} {self.detail if _is_wrapped(self.detail) else f'({self.detail})'}" if self.detail else name

    @property
    def words(self) -> str:
        """The rule with its rows: `filter (amount > 0): 336,776 -> 120,193`."""
        return f"{self.rule}: {self.before:,} -> {self.after:,}"


def passing(stages: Iterable[Mapping[str, Any]]) -> list[Loss]:
    """Return the filters, joins and deduplications of a plan whose rows before and after are known."""
    found = []
    for stage in stages:
        name, before, after = text(stage.get("operator")) or "", count(stage.get("rows_in")), count(stage.get("rows"))
        if before is not None and after is not None and (name in _DROPPING or "JOIN" in name):
            found.append(Loss(name, text(stage.get("detail")) or "", before, after))
    return found


def pairs(now: Iterable[Mapping[str, Any]], before: Iterable[Mapping[str, Any]]) -> list[tuple[Loss, Loss]]:
    """Return the filters and joins that two executions of a plan have in common, by their conditions."""
    known = {(each.operator, each.detail): each for each in passing(before) if each.operator != "UNIQUE"}
    found = [(each, known.get((each.operator, each.detail))) for each in passing(now)]
    return [(one, other) for one, other in found if other is not None]


def main_loss(stages: Iterable[Mapping[str, Any]]) -> Loss | None:
    """Return the operator of a plan that dropped most rows; None if none is known to have dropped any."""
    lossy = [each for each in passing(stages) if each.after < each.before]
    return max(lossy, key=lambda each: each.before - each.after, default=None)


def _is_wrapped(detail: str) -> bool:
    """Return whether one pair of parentheses is around a whole text."""
    depth = 0
    for place, sign in enumerate(detail):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return sign == ")" and place == len(detail) - 1
    return False
