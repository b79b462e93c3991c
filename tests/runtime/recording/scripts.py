"""Scripts as texts, recorded in this process."""

from __future__ import annotations

import textwrap
from typing import Any

from odibi_core.runtime.observer import Observer
from odibi_core.runtime.recording.recorder import Recorder
from odibi_core.runtime.recording.source import Script


class Recorded:
    """A script that ran: its variables, the exception that ended it, and the lineage of its run."""

    def __init__(self, source: str, *, is_readable: bool = True, **variables: Any) -> None:
        self.variables: dict[str, Any] = {"__name__": "__main__", **variables}
        self.events: list[Any] = []
        observer = Observer("script", store=False)
        observer.bus.subscribe(self.events.append, name="all")
        with observer:
            script = Script(textwrap.dedent(source), "script.py", self.variables)
            self.error = Recorder(observer, script).execute()
        assert (script.problem is None) == is_readable
        self.lineage = observer.tracker.export_lineage()

    @property
    def steps(self) -> dict[str, Any]:
        """The steps by name."""
        return {step["step_name"]: step for step in self.lineage["steps"]}

    @property
    def names(self) -> list[str]:
        """The names of the steps in their order."""
        return list(self.steps)

    @property
    def edges(self) -> list[tuple[str, str]]:
        """The edges between steps."""
        return [(edge["source"], edge["target"]) for edge in self.lineage["edges"]]

    def of(self, kind: str) -> list[Any]:
        """The events of a kind."""
        return [event for event in self.events if event.event_type == kind]
