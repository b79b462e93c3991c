"""`AboutRuns`: what the lines of a run need and only its first event has."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from odibi_core.events import Event, kinds

_MOST: Final = 1_000
"""Runs that are remembered; of an older one, a line has no pipeline."""


class RunFacts(NamedTuple):
    """The pipeline, the host and the process of a run; empty if unknown."""

    pipeline: str = ""
    host: str = ""
    pid: str = ""


class AboutRuns:
    """The facts of the newest runs, folded from their events."""

    def __init__(self) -> None:
        self._facts: OrderedDict[str, RunFacts] = OrderedDict()

    def of(self, event: Event) -> RunFacts:
        """Fold an event, and return the facts of its run."""
        run_id = event.run_id
        if run_id is None:
            return RunFacts()
        found = self._facts.get(run_id, RunFacts())
        if event.event_type == kinds.PIPELINE_START or (not found.pipeline and "pipeline_name" in event.fields):
            own = event.fields
            found = RunFacts(*(str(own.get(name) or "") for name in ("pipeline_name", "host", "pid")))
            self._facts[run_id] = found
            while len(self._facts) > _MOST:
                self._facts.popitem(last=False)
        return found
