"""`RunSummary`: the summary of a run, with the step to blame, the findings and the alerts that its end publishes."""

from __future__ import annotations

from typing import Any

from odibi_core.bus.bus import EventBus
from odibi_core.cli import output, summary
from odibi_core.cli.blamed import BlamedStep
from odibi_core.cli.raised import RaisedAlerts
from odibi_core.cli.unusual import Findings
from odibi_core.views.answers import Lineage


class RunSummary:
    """Collects the events about a run from its bus, from before the run until its end.

    Args:
        bus: The bus of the run.
    """

    def __init__(self, bus: EventBus) -> None:
        self._blamed, self._unusual, self._alerts = BlamedStep(), Findings(), RaisedAlerts()
        bus.subscribe(self._blamed, BlamedStep.kinds, name="blame")
        bus.subscribe(self._unusual, Findings.kinds, name="findings")
        bus.subscribe(self._alerts, RaisedAlerts.kinds, name="alerts of rules")

    def document(self, lineage: Lineage, files: dict[str, str]) -> dict[str, Any]:
        """Return the summary as one JSON document."""
        blame = self._blamed.found
        about = {"blame": blame and blame.as_dict(), "alerts": self._alerts.found}
        return {**summary.document(lineage, files, self._unusual), **about}

    def show(self, lineage: Lineage, files: dict[str, str]) -> None:
        """Write the summary as text."""
        on = output.console()
        about = [*self._unusual.lines(on), *self._alerts.lines(on)]
        summary.show(lineage, files, about, self._blamed)
