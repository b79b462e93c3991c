"""The connection to a mail server, as a route of alerts."""

from __future__ import annotations

from urllib.parse import quote

from odibi_core.alerts.receivers import address_of
from odibi_core.alerts.routes import Route
from odibi_core.connections.base import Question, Values
from odibi_core.connections.by_route import NAME, RouteConnection
from odibi_core.errors import ConfigurationError, OdibiError

_ENCRYPTED = {"yes": "mailtos", "no": "mailto"}


class EmailConnection(RouteConnection):
    """Alerts by e-mail."""

    title = "alerts by e-mail"
    name = "email"
    variable = "ALERTS_EMAIL_URL"
    form = "mailtos://user:password@server:port?from=…&to=…"
    questions = (
        Question("server", "Mail server (SMTP)", is_required=True),
        Question("port", "Its port", default="587"),
        Question("encrypted", "Encrypted (STARTTLS): yes or no", default="yes"),
        Question("from", "Sender, such as odibi@example.com", is_required=True),
        Question("to", "Receiver; several with commas between", is_required=True),
        Question("user", "User of the mail server; empty for none"),
        Question("password", "Its password", is_secret=True),
        NAME,
    )

    def address(self, values: Values) -> str:
        """Return the address as Apprise has it."""
        encrypted, port = values.get("encrypted") or "yes", values.get("port") or "587"
        if encrypted not in _ENCRYPTED:
            raise ConfigurationError(f"encrypted must be yes or no, got {encrypted!r}")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ConfigurationError(f"port must be a number from 1 to 65535, got {port!r}")
        login = quote(values.get("user", ""), safe="")
        if values.get("password"):
            login += f":{quote(values['password'], safe='')}"
        to, sender = quote(values["to"], safe="@,"), quote(values["from"], safe="@")
        query = f"smtp={values['server']}&from={sender}&to={to}"
        return f"{_ENCRYPTED[encrypted]}://{login}{'@' if login else ''}{values['server']}:{port}?{query}"

    def is_own(self, route: Route) -> bool:
        """Return whether the address of the route is one of a mail server; without its variable, by its name."""
        try:
            return address_of(route, "url").startswith(("mailto://", "mailtos://"))
        except OdibiError:
            return route.url == f"env:{self.variable}"
