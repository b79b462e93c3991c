"""The receivers of routes: a webhook, Alertmanager and a command. Apprise has a module of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from odibi_core.alerts.messages import Payload, alertmanager_alerts
from odibi_core.alerts.routes import Route
from odibi_core.delivery import SENT, HttpClient, Outcome, outcome_of, refused, try_again
from odibi_core.delivery.http import WEB_PAGE
from odibi_core.errors import ConfigurationError
from odibi_core.settings import environment_value

Send = Callable[[Payload, float], Outcome]
"""A function that sends one payload within so many seconds."""
_REFUSED: Final = (64, 65)
"""Exit codes of a command that cannot use its input: EX_USAGE and EX_DATAERR."""
_JSON: Final = {"Content-Type": "application/json"}
_API: Final = "/api/v2/alerts"


class NotConfiguredError(ConfigurationError):
    """A variable that a route names is not set; what waits is sent when it is."""


def send_of(route: Route) -> Send:
    """Return the function that sends to the receiver of a route.

    Raises:
        NotConfiguredError: A variable of the route is not set.
        ConfigurationError: Its address is none.
        MissingExtraError: Apprise is not installed.
    """
    if route.url:
        from odibi_core.alerts.apprise_route import sender

        return sender(route, address_of(route, "url"))
    if route.command:
        return _command(route)
    if route.webhook_tag:
        return _of_tag(route)
    if route.webhook:
        return _http(route, address_of(route, "webhook"), lambda payload: payload, takes_pages=True)
    return _http(route, f"{address_of(route, 'alertmanager').rstrip('/')}{_API}", alertmanager_alerts)


def prepare(route: Route) -> None:
    """Load what cannot be loaded while the interpreter ends, when the thread of the delivery may need it."""
    if route.url:
        import concurrent.futures.thread  # noqa: F401


def address_of(route: Route, name: str) -> str:
    """Return an address of a route, from its variable if it names one.

    Raises:
        NotConfiguredError: The variable is not set.
    """
    return _resolved(getattr(route, name), f"route {route.name!r}: {name}")


def headers_of(route: Route) -> dict[str, str]:
    """Return the headers of a route, with the values of their variables.

    Raises:
        NotConfiguredError: A variable is not set.
    """
    return {name: _resolved(value, f"route {route.name!r}: header {name}") for name, value in route.headers.items()}


def _resolved(value: str, where: str) -> str:
    if not value.startswith("env:"):
        return value
    variable = value.removeprefix("env:")
    found = environment_value(variable)
    if not found:
        raise NotConfiguredError(f"{where} is env:{variable}, and the variable {variable} is not set")
    return found


def _http(route: Route, url: str, body: Callable[[Payload], Any], *, takes_pages: bool = False) -> Send:
    """Return a function that sends to a URL; a web page may be the answer of a webhook, and of no other receiver."""
    headers = headers_of(route)
    setting = f"the route {route.name!r}"
    client = HttpClient(url, setting=setting, headers={**_JSON, **headers})

    def send(payload: Payload, within_s: float) -> Outcome:
        outcome = outcome_of(client, 1, msgspec.json.encode(body(payload)), within_s=within_s)[0]
        return _of_webhook(outcome) if takes_pages else outcome

    return send


def _of_webhook(outcome: Outcome) -> Outcome:
    """Return the outcome of a webhook, which may answer with any text."""
    return SENT if outcome.reason == WEB_PAGE else outcome


def _of_tag(route: Route) -> Send:
    """Return a function that sends to the address in a tag of the run, if it is a public one."""
    clients: dict[str, HttpClient] = {}

    def send(payload: Payload, within_s: float) -> Outcome:
        address = str(payload["alerts"][0]["tags"].get(route.webhook_tag, ""))
        setting = f"the tag {route.webhook_tag!r} of the run"
        try:
            if address not in clients:
                clients[address] = HttpClient(address, setting=setting, headers=_JSON, public_only=True)
        except ConfigurationError as error:
            return refused(1, "invalid", str(error))
        return _of_webhook(outcome_of(clients[address], 1, msgspec.json.encode(payload), within_s=within_s)[0])

    return send


def _command(route: Route) -> Send:
    """Return a function that runs the command of a route, without a shell, with the payload as JSON on its input."""

    def send(payload: Payload, within_s: float) -> Outcome:
        import subprocess

        where = f"the command of route {route.name!r}"
        try:
            done = subprocess.run(
                route.command, input=msgspec.json.encode(payload), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                timeout=within_s, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return try_again("timeout", f"{where} did not end within {within_s:.3g} s")
        except OSError as error:
            return try_again("not_started", f"{where} cannot be started: {error.strerror or error}")
        if done.returncode == 0:
            return SENT
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[:200]
        detail = f"{where} ended with {done.returncode}{f': {said}' if said else ''}"
        reason = f"exit_{done.returncode}"
        return refused(1, reason, detail) if done.returncode in _REFUSED else try_again(reason, detail)

    return send
