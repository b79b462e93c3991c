"""`JoinEvents`: the match rates of the inputs that the steps of a run join, within a budget of time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import combinations, islice
from typing import TYPE_CHECKING, Any, Final

from odibi_core.engines.frame import row_count
from odibi_core.errors import STOPS
from odibi_core.events.clock import monotonic
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.views.join_wording import join_warning

if TYPE_CHECKING:
    from odibi_core.engines.join_keys import Keys

MAX_PAIRS: Final = 6
"""Pairs of inputs of one step."""
_SHARE: Final = 0.01
_FREE_S: Final = 0.2
"""Seconds that joins may take in any run; beyond, a share of its duration so far."""

_log: Final = logging.getLogger("odibi_core")

Inputs = Mapping[str, tuple[str, Any]]
"""By logical name: the key of the dataset, and its frame."""


class JoinEvents:
    """Publishes a `join_match` event for each pair of inputs that a step joins. Never raises."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._spent = 0.0

    def of_step(self, events: NodeEvents, inputs: Inputs, made: Sequence[Any], source: Any) -> None:
        """Measure the joins of a step that succeeded.

        Args:
            events: The events of its node.
            inputs: The frames that it took.
            made: The frames that it made.
            source: Its function, or its SQL text.
        """
        started = monotonic()
        try:
            self._measure(events, inputs, made, source)
        except STOPS:
            raise
        except BaseException:
            _log.debug("the joins of a step could not be measured", exc_info=True)
        finally:
            took = monotonic() - started
            self._spent += took
            events.add_overhead(took)

    def _measure(self, events: NodeEvents, inputs: Inputs, made: Sequence[Any], source: Any) -> None:
        from odibi_core.engines import join_keys, join_match  # they need modules that few runs have loaded

        tables = {name: table for name, (_, frame) in inputs.items() if (table := join_match.table(frame)) is not None}
        if len(tables) < 2:
            return
        declared = join_keys.of_sql(source) if isinstance(source, str) else join_keys.of_function(source)
        results = [table for frame in made if (table := join_match.table(frame)) is not None]
        rows_out = next((rows for frame in made if (rows := row_count(frame)) is not None), None)
        for left, right in islice(combinations(tables, 2), MAX_PAIRS):
            keys = _between((left, tables[left]), (right, tables[right]), declared, results)
            if keys is not None:
                measured = self._matched(tables[left], tables[right], keys)
                names = {"left": inputs[left][0], "right": inputs[right][0], "keys": join_keys.shown(keys)}
                fields = {**names, **measured, "rows_out": rows_out}
                events.joined(fields, join_warning(fields))

    def _matched(self, left: Any, right: Any, keys: Keys) -> dict[str, Any]:
        if self._spent > _FREE_S + _SHARE * (monotonic() - self._began):
            reason = f"measuring joins took {self._spent * 1e3:.0f} ms, more than {_SHARE:.0%} of the run"
            return {"left_rows": len(left), "right_rows": len(right), "skipped": reason}
        from odibi_core.engines import join_match

        started = monotonic()
        found = join_match.match(left, right, keys)._asdict()
        return {name: value for name, value in found.items() if value is not None} | {
            "match_ms": round((monotonic() - started) * 1e3, 3)
        }


def _between(
    left: tuple[str, Any], right: tuple[str, Any], declared: Sequence[Keys], made: Sequence[Any]
) -> Keys | None:
    """Return the keys by which two inputs are joined: as declared, or common columns if nothing is declared."""
    from odibi_core.engines import join_match

    for keys in declared:
        if (found := keys.between((left[0], left[1].columns), (right[0], right[1].columns))) is not None:
            return found
    return None if declared else join_match.common_keys(left[1], right[1], made)
