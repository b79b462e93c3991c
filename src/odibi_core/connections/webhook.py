"""The connection to an address of the user's own, which gets alerts as JSON."""

from __future__ import annotations

from urllib.parse import urlsplit

from odibi_core.alerts.routes import Route
from odibi_core.connections.base import Question, Values
from odibi_core.connections.by_route import NAME, RouteConnection
from odibi_core.errors import ConfigurationError


class WebhookConnection(RouteConnection):
    """Alerts as JSON."""

    title = "alerts as JSON to an address of your own"
    name = "webhook"
    target = "webhook"
    questions = (Question("url", "Address, https://…, or env:NAME for a variable", is_required=True), NAME)

    def address(self, values: Values) -> str:
        """Return the address, which holds no login: it is written into a file."""
        if not values["url"].startswith("env:") and urlsplit(values["url"]).username:
            raise ConfigurationError("--set url must not hold a login, which would be in the file; give it as env:NAME")
        return values["url"]

    def is_own(self, route: Route) -> bool:
        """Return whether the route has a webhook."""
        return bool(route.webhook)
