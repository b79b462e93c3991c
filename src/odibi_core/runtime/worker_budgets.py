"""The budgets of measurements in a worker process: those of a run are for all of its steps here together."""

from __future__ import annotations

from collections import Counter, OrderedDict
from threading import Lock
from typing import Final

from odibi_core._state import STATE
from odibi_core.engines.stats_budget import LINEAGE_SHARE, Budget
from odibi_core.runtime.join_events import JoinEvents
from odibi_core.runtime.row_events import Spent

_RUNS: Final = 16
"""Runs whose budgets are kept: a worker of a cluster serves many, one after the other."""


class Budgets:
    """The budgets of one run, counted from its first step in this process."""

    def __init__(self) -> None:
        self.stats = Budget()
        self.joins = JoinEvents()
        self.rows = Spent()
        self.lineage = Budget(share=LINEAGE_SHARE)
        self.items_seen: Counter[str] = Counter()
        """By mapped step, the items that were looked at for the lineage of its columns."""


class _ByRun:
    def __init__(self) -> None:
        self.lock = Lock()
        self.found: OrderedDict[str, Budgets] = OrderedDict()


_here: Final = STATE.part(_ByRun)


def budgets_of(run_id: str) -> Budgets:
    """Return the budgets of a run in this process."""
    with _here.lock:
        found = _here.found.get(run_id)
        if found is None:
            found = _here.found[run_id] = Budgets()
        _here.found.move_to_end(run_id)
        while len(_here.found) > _RUNS:
            _here.found.popitem(last=False)
    return found
