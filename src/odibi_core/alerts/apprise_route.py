"""The receivers of Apprise: chats, e-mail, services of incidents and a hundred more, by one address each."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from threading import Thread, get_ident
from typing import Any, Final

from odibi_core.alerts.messages import Payload, title_and_body
from odibi_core.alerts.neutral import Neutral, chat, plain
from odibi_core.alerts.routes import Route
from odibi_core.delivery import SENT, Outcome, refused, try_again
from odibi_core.errors import ConfigurationError, first_line
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
    return _Sender(route, receiver(address, route.name)).send


class _Sender:
    """Sends by one object of Apprise, whose calls have a timeout for each read and none for a whole answer.

    A call is therefore made in a thread of its own, and the next one waits until that thread has ended: a server that
    sends a byte a second holds up one thread, and the route.
    """

    def __init__(self, route: Route, target: Any) -> None:
        self._route, self._target, self._neutral = route, target, neutral_of(target)
        self._service = f"{type(target).__name__.removeprefix('Notify')} of route {route.name!r}"
        self._thread: Thread | None = None

    def send(self, payload: Payload, within_s: float) -> Outcome:
        """Send a payload within so many seconds."""
        results: list[Outcome] = []
        late = try_again("timeout", f"{self._service} did not answer within {within_s:.3g} s")
        if self._thread is not None and self._thread.is_alive():
            return late
        self._thread = Thread(target=lambda: results.append(self._notify(payload, within_s)), daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # from Python 3.12 on, no thread starts at the end of the program
            self._thread = None
            return self._notify(payload, within_s)
        self._thread.join(within_s)
        return results[0] if results else late

    def _notify(self, payload: Payload, within_s: float) -> Outcome:
        target = self._target
        try:
            title, body = title_and_body(payload, self._route, self._neutral)
            kind = "success" if payload["reason"] == "resolved" else _TYPES.get(payload["severity"], "warning")
            target.socket_connect_timeout = min(_SLOW_S, within_s)
            target.socket_read_timeout = within_s
            with _Lines() as lines:
                if target.notify(title=title, body=body, notify_type=kind, body_format="text"):
                    return SENT
        except Exception as error:  # of a library: the alert is not lost by that
            return try_again(type(error).__name__, f"{self._service}: {type(error).__name__}: {first_line(error)}")
        return _failed(self._service, lines.text)


def _failed(service: str, said: str) -> Outcome:
    """Return the outcome of a failure, by the status that Apprise logged; its lines may hold secrets."""
    found = _STATUS.search(said)
    if found is None:
        return try_again("not_delivered", f"{service} was not reached{_last(said)}")
    status = int(found[1])
    detail = f"{service} answered {status}; check the address of the route"
    if status >= 500 or status in _RETRIED:
        return try_again(f"http_{status}", detail)
    return refused(1, f"http_{status}", detail)


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and "://" not in line]
    return f": {sanitize_text(lines[-1])[:150]}" if lines else ""
