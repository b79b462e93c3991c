"""`JoinEvents`: the match rates of the inputs that the steps of a run join, within a budget of time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from odibi_core.engines.frame import row_count
from odibi_core.engines.stats_budget import Budget
from odibi_core.errors import STOPS
from odibi_core.events.clock import monotonic
from odibi_core.views.join_wording import join_warning

if TYPE_CHECKING:
    from odibi_core.engines.join_keys import Keys

MAX_PAIRS: Final = 6
"""Pairs of inputs of one step."""
_SHARE: Final = 0.005
"""Of the time since the start of the run."""
_FLOOR_S: Final = 0.002
"""Seconds that joins may take in any run, however short it is."""

_log: Final = logging.getLogger("odibi_core")

_T = TypeVar("_T")

Sides = tuple[Any, Any]
"""The frames of two inputs."""
Inputs = Mapping[str, tuple[str, Any]]
"""By logical name: the key of the dataset, and its frame."""


class JoinFindings(Protocol):
    """Where the findings on joins go; the events of a node have these methods."""

    def joined(self, match: dict[str, Any], warning: str | None) -> None: ...
    def add_overhead(self, seconds: float) -> None: ...


class JoinEvents:
    """Publishes a `join_match` event for each pair of inputs that a step joins. Never raises."""

    def __init__(self) -> None:
        self._budget = Budget(share=_SHARE, floor_s=_FLOOR_S, parts=1)

    def of_step(self, findings: JoinFindings, inputs: Inputs, made: Sequence[Any], source: Any) -> None:
        """Measure the joins of a step that succeeded.

        Args:
            findings: The events of its node.
            inputs: The frames that it took.
            made: The frames that it made.
            source: Its function, or its SQL text.
        """
        started = monotonic()
        try:
            self._measure(findings, inputs, made, source)
        except STOPS:
            raise
        except BaseException:
            _log.debug("the joins of a step could not be measured", exc_info=True)
        finally:
            findings.add_overhead(monotonic() - started)

    def _measure(self, findings: JoinFindings, inputs: Inputs, made: Sequence[Any], source: Any) -> None:
        from odibi_core.engines import join_keys, join_match  # they need modules that few runs have loaded

        tables = {name: table for name, (_, frame) in inputs.items() if (table := join_match.table(frame)) is not None}
        if len(tables) < 2:
            return
        declared = join_keys.of_sql(source) if isinstance(source, str) else join_keys.of_function(source)
        results = [table for frame in made if (table := join_match.table(frame)) is not None]
        rows_out = next((rows for frame in made if (rows := row_count(frame)) is not None), None)
        for left, right in islice(combinations(tables, 2), MAX_PAIRS):
            sides = tables[left], tables[right]
            measured = self._declared((left, right), sides, declared) if declared else self._common(sides, results)
            if measured is not None:
                names = {"left": inputs[left][0], "right": inputs[right][0]}
                heights = {"left_rows": len(sides[0]), "right_rows": len(sides[1])}
                fields = {**names, **heights, **measured, "rows_out": rows_out}
                findings.joined(fields, join_warning(fields))

    def _declared(self, names: tuple[str, str], sides: Sides, declared: Sequence[Keys]) -> dict[str, Any] | None:
        """Return the match of two inputs by the keys that the step declares; None if none fit them."""
        left, right = zip(names, (side.columns for side in sides), strict=True)
        found = (keys for each in declared if (keys := each.between(left, right)) is not None)
        keys = next(found, None)
        return None if keys is None else self._match(sides, keys)

    def _common(self, sides: Sides, made: Sequence[Any]) -> dict[str, Any] | None:
        """Return the match of two inputs by common columns; None if they are not joined."""
        from odibi_core.engines import join_match

        names = join_match.shared_columns(*sides, made)
        if not names:
            return None
        keys = self._within(join_match.expected_to_find_s(*sides, names), lambda: join_match.common_keys(*sides, names))
        if isinstance(keys, str):
            return {"keys": [], "skipped": keys}
        return None if keys is None else self._match(sides, keys)

    def _match(self, sides: Sides, keys: Keys) -> dict[str, Any]:
        from odibi_core.engines import join_keys, join_match

        shown = {"keys": join_keys.shown(keys)}
        started = monotonic()
        found = self._within(join_match.expected_s(*sides, keys), lambda: join_match.match(*sides, keys))
        if isinstance(found, str):
            return shown | {"skipped": found}
        known = {name: value for name, value in found._asdict().items() if value is not None}
        return shown | known | {"match_ms": round((monotonic() - started) * 1e3, 3)}

    def _within(self, expected_s: float, measure: Callable[[], _T]) -> _T | str:
        """Return what is measured; the reason if the budget does not allow it."""
        allowed, about = self._budget.allowance_s(), expected_s * self._budget.pace
        if about > allowed:
            return (
                f"measuring it may take {about * 1e3:.1f} ms, and the budget for joins has {allowed * 1e3:.1f} ms left"
            )
        started = self._budget.busy_s()
        try:
            return measure()
        finally:
            self._budget.spend(self._budget.busy_s() - started, expected_s)
