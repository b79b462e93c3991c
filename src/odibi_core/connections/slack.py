"""The connection to Slack, as a route of alerts."""

from __future__ import annotations

from odibi_core.alerts.receivers import address_of
from odibi_core.alerts.routes import Route
from odibi_core.connections.base import Question, Values
from odibi_core.connections.by_route import NAME, RouteConnection
from odibi_core.errors import OdibiError


class SlackConnection(RouteConnection):
    """Alerts to a channel of Slack."""

    title = "alerts to a channel of Slack"
    name = "slack"
    variable = "ALERTS_SLACK_URL"
    form = "https://hooks.slack.com/services/…, the incoming webhook"
    questions = (
        Question("url", "Incoming webhook, https://hooks.slack.com/services/…", is_required=True, is_secret=True),
        NAME,
    )

    def address(self, values: Values) -> str:
        """Return the webhook, which Apprise takes as it is."""
        return values["url"]

    def is_own(self, route: Route) -> bool:
        """Return whether the address of the route is one of Slack; one whose variable is not set, by its name."""
        try:
            address = address_of(route, "url")
        except OdibiError:
            return route.url == f"env:{self.variable}"
        return address.startswith(("slack://", "https://hooks.slack.com/")) or route.url == f"env:{self.variable}"
