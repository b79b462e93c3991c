"""The connection to a Prometheus Alertmanager, as a route of alerts."""

from __future__ import annotations

from odibi_core.alerts.routes import Route
from odibi_core.connections.base import Question, Values
from odibi_core.connections.by_route import NAME, RouteConnection


class AlertmanagerConnection(RouteConnection):
    """Alerts to an Alertmanager."""

    title = "alerts to a Prometheus Alertmanager"
    name = "alertmanager"
    target = "alertmanager"
    questions = (Question("url", "Address of the Alertmanager, such as http://host:9093", is_required=True), NAME)

    def address(self, values: Values) -> str:
        """Return the address as it was given."""
        return values["url"]

    def is_own(self, route: Route) -> bool:
        """Return whether the route has an Alertmanager."""
        return bool(route.alertmanager)
