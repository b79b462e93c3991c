"""The receivers of Apprise: chats, e-mail, services of incidents and a hundred more, by one address each."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from threading import get_ident
from typing import Any, Final

from odibi_core.alerts.messages import Payload, title_and_body
from odibi_core.alerts.neutral import Neutral, chat, plain
from odibi_core.alerts.routes import Route
from odibi_core.delivery import SENT, Outcome, refused, try_again
from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_text
from odibi_core.plugins import missing_extra

_PLAIN: Final = frozenset(
    {"NotifyEmail", "NotifyJSON", "NotifyXML", "NotifyForm", "NotifyPagerDuty", "NotifyOpsgenie", "NotifySyslog"}
)
"""Receivers that show a text as it is, or to which Apprise escapes it; every other one may be a chat."""
_STATUS: Final = re.compile(r"\berror=(\d{3})\b")
_RETRIED: Final = frozenset({408, 425, 429})
_TYPES: Final = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}
_SLOW_S: Final = 3.0
_log: Final = logging.getLogger("apprise")


def receiver(address: str, route: str) -> Any:
    """Return Apprise's object for an address, which follows no redirect.

    Raises:
        ConfigurationError: The address is none of Apprise.
        MissingExtraError: Apprise is not installed.
    """
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise missing_extra("apprise", f"route {route!r}") from error
    with _Lines():
        found = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if found is None:
        schema = address.partition("://")[0][:40]
        raise ConfigurationError(
            f"route {route!r}: url must be an address of Apprise, got {schema}://…, which it cannot read; "
            "https://github.com/caronc/apprise/wiki has the form of each service"
        )
    found.redirects = False
    return found


class _Lines(logging.Filter):
    """Keeps the lines that Apprise logs in this thread, inside the block, and shows them nowhere: they hold tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._thread = get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line of this thread; return whether it is logged."""
        if get_ident() != self._thread:
            return True
        self.text += f"{record.getMessage()}\n"
        return False

    def __enter__(self) -> _Lines:
        _log.addFilter(self)
        return self

    def __exit__(self, *_: object) -> None:
        _log.removeFilter(self)


def neutral_of(target: Any) -> Neutral:
    """Return the function that makes values inert for a receiver."""
    return plain if type(target).__name__ in _PLAIN else chat


def sender(route: Route, address: str) -> Callable[[Payload, float], Outcome]:
    """Return a function that sends a payload to an address of Apprise."""
    target = receiver(address, route.name)
    neutral = neutral_of(target)

    def send(payload: Payload, within_s: float) -> Outcome:
        title, body = title_and_body(payload, route, neutral)
        kind = "success" if payload["reason"] == "resolved" else _TYPES.get(payload["severity"], "warning")
        target.socket_connect_timeout = min(_SLOW_S, within_s)
        target.socket_read_timeout = within_s
        with _Lines() as lines:
            if target.notify(title=title, body=body, notify_type=kind, body_format="text"):
                return SENT
            said = lines.text
        return _failed(route.name, type(target).__name__.removeprefix("Notify"), said)

    return send


def _failed(route: str, service: str, said: str) -> Outcome:
    """Return the outcome of a failure, by the status that Apprise logged; its lines may hold secrets."""
    found = _STATUS.search(said)
    where = f"{service} of route {route!r}"
    if found is None:
        return try_again("not_delivered", f"{where} was not reached{_last(said)}")
    status = int(found[1])
    detail = f"{where} answered {status}; check the address of the route"
    if status >= 500 or status in _RETRIED:
        return try_again(f"http_{status}", detail)
    return refused(1, f"http_{status}", detail)


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and "://" not in line]
    return f": {sanitize_text(lines[-1])[:150]}" if lines else ""
