"""`SentrySink`: captured errors and failed runs for Sentry, through the transport of `sentry-sdk`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final, Protocol

import sentry_sdk
from sentry_sdk.transport import HttpTransport

from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.events import Event, kinds, sanitize_text, sanitize_value
from odibi_core.events.clock import SYSTEM, Clock, process_id
from odibi_core.events.normalize import to_text
from odibi_core.events.recent import remember
from odibi_core.sinks.sentry_event import sentry_event
from odibi_core.views.errors import fingerprint_of
from odibi_core.views.values import flag, record

ALIKE_A_MINUTE: Final = 10
"""Failures of one fingerprint that are sent in a minute."""
ALL_A_MINUTE: Final = 100
_WINDOW_S: Final = 60.0
_MARKS_KEPT: Final = 1000
_IDS_KEPT: Final = 10_000
_QUEUE: Final = 100
_IN_CHILD_S: Final = 2.0
"""Longest wait of a forked child until a captured error is sent."""
_HOOKS: Final = {"the program": "excepthook", "a thread": "threading", "an asyncio loop": "logging"}
"""Integrations of the SDK that report uncaught exceptions, by the place that `setup_exception_hook` records."""
_LONGEST_REASON: Final = 300
"""Characters of a reason."""

Report = Callable[[str], None]


class _Client(Protocol):
    def capture_event(self, event: Any, /) -> str | None: ...


class SentrySink:
    """Sink that sends captured errors and messages, failed nodes, and failed runs without a failed node.

    `SentrySink()` uses the program's own `sentry_sdk.init`; `connect(dsn)` creates a separate client. An exception is
    sent once. The limit is ten failures of one fingerprint, and a hundred in total, each minute; the next payload has
    the number of failures held back. The transport sends on its thread, with a bounded queue.
    """

    def __init__(self, client: _Client | None = None, *, clock: Clock = SYSTEM) -> None:
        self.sent = self.held_back = 0
        self._client: _Client = sentry_sdk if client is None else client
        self._transport = getattr(client, "transport", None)  # a closed client has none
        self._clock = clock
        self._renew: Callable[[], _Client] | None = None
        self._process = process_id()
        self._child_timeout_s = 0.0
        self._quota = _Quota()
        self._ids: dict[str, None] = {}
        self._failed_inside: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        """Send an event if it is for Sentry."""
        if not self._is_wanted(event) or self._is_sent_by_sdk(event):
            return
        identity = event.fields.get("error_id")
        if isinstance(identity, str):
            if identity in self._ids:
                return
            remember(self._ids, identity, None, _IDS_KEPT)
        not_sent = self._quota.take(fingerprint_of(event), self._clock.monotonic())
        if not_sent is None:
            self.held_back += 1
            return
        self.sent += 1
        if self._process != process_id():
            self._begin_in_child()
        self._client.capture_event(sentry_event(event, not_sent))
        self._wait_in_child()

    def _begin_in_child(self) -> None:
        """Renew the client in a forked child, which has no transport thread; the parent sends the queue."""
        self._process, self._child_timeout_s = process_id(), _IN_CHILD_S
        if self._renew is not None:
            self._client = self._renew()
            self._transport = getattr(self._client, "transport", None)

    def _wait_in_child(self) -> None:
        """Wait in a forked child, which may leave by `os._exit` at once; after one timeout it waits no more."""
        if self._child_timeout_s:
            begun = self._clock.monotonic()
            getattr(self._client, "flush", _no_flush)(timeout=self._child_timeout_s)
            if self._clock.monotonic() - begun >= self._child_timeout_s:
                self._child_timeout_s = 0.0

    def _is_wanted(self, event: Event) -> bool:
        kind = event.event_type
        if kind == kinds.ERROR:
            return True
        if kind == kinds.MESSAGE:
            return "message_id" in event.fields
        if kind not in (kinds.NODE_FAILED, kinds.PIPELINE_ERROR) or event.status == "cancelled":
            return False
        if kind == kinds.NODE_FAILED:
            remember(self._failed_inside, str(event.run_id), None, _IDS_KEPT)
            return True
        return str(event.run_id) not in self._failed_inside

    def _is_sent_by_sdk(self, event: Event) -> bool:
        """Return true for an uncaught exception that the program's own Sentry integration reports."""
        if self._client is not sentry_sdk or flag(event.fields.get("handled")) is not False:
            return False
        hook = _HOOKS.get(str(record(event.fields.get("context")).get("uncaught_in")))
        return hook is not None and sentry_sdk.get_client().get_integration(hook) is not None

    @property
    def dropped(self) -> int:
        """Errors that the transport could not send, as far as known."""
        return self._transport.dropped.total() if isinstance(self._transport, _Transport) else 0

    def close(self, timeout: float = 1.5) -> None:
        """Wait up to `timeout` seconds until the queue is sent, and close a client that `connect` created."""
        if isinstance(self._client, sentry_sdk.Client):
            self._client.close(timeout=timeout)

    @classmethod
    def connect(
        cls,
        dsn: str,
        *,
        environment: str = "",
        release: str = "",
        traces_sample_rate: float | None = None,
        report: Report | None = None,
    ) -> SentrySink:
        """Create a sink with its own Sentry client, which changes neither the global one of `sentry_sdk` nor `logging`.

        If the program initialised `sentry_sdk` itself, its client is used.

        Args:
            dsn: `https://<key>@<host>/<project number>`.
            environment: Environment of the events; "production" by default.
            release: Release of the events.
            traces_sample_rate: As in `sentry_sdk.init`.
            report: Called with a message if the program's client is used, and with the first reason why an event was
                not sent.

        Raises:
            ConfigurationError: If the DSN is missing or invalid.
        """
        if sentry_sdk.get_client().is_active():
            if report is not None and dsn:
                report("sentry_sdk is initialised by the program: its client is used, and SENTRY_DSN is ignored")
            return cls()
        if not dsn:
            raise ConfigurationError(
                "SENTRY_DSN must be set if SENTRY_ENABLED is true; errors are only in the log: "
                "set it to the DSN of the Sentry project, or SENTRY_ENABLED to false"
            )
        renew = partial(_client, _options(dsn, environment, release), traces_sample_rate, report)
        try:
            sink = cls(renew())
        except STOPS:
            raise
        except BaseException as error:
            raise ConfigurationError(
                "SENTRY_DSN must be https://<key>@<host>/<project number>, got an invalid one "
                f"({sanitize_text(to_text(error, _LONGEST_REASON))}); errors are only in the log"
            ) from None
        sink._renew = renew
        return sink


def _client(options: dict[str, Any], traces_sample_rate: float | None, report: Report | None) -> sentry_sdk.Client:
    # fork: the transport's thread would import it at its first connection, and a child forked meanwhile would wait
    # for the lock of that import forever.
    import_module("encodings.idna")
    client = sentry_sdk.Client(**options, traces_sample_rate=traces_sample_rate)
    if isinstance(client.transport, _Transport):
        client.transport.report = report
        client.flush(0.01)  # starts its thread: Python 3.12 starts none at exit, when the last error is sent
    return client


def _no_flush(*, timeout: float) -> None:
    """Do nothing: the client has no queue."""


def _options(dsn: str, environment: str, release: str) -> dict[str, Any]:
    """Return the options of a client without integrations, sessions, local variables and source lines."""
    return {
        "dsn": dsn,
        "environment": environment or "production",
        "release": release,
        "transport": _Transport,
        "transport_queue_size": _QUEUE,
        "before_send": scrub,
        "default_integrations": False,
        "auto_enabling_integrations": False,
        "auto_session_tracking": False,
        "enable_backpressure_handling": False,
        "include_local_variables": False,
        "include_source_context": False,
        "send_client_reports": False,
        "max_value_length": 16 * 1024,
    }


def scrub(payload: Any, hint: Any = None) -> Any:
    """Redact a payload once more, with the additions of the SDK; return None, which drops it, if that fails."""
    try:
        scrubbed = {name: sanitize_value(value) for name, value in payload.items() if value not in (None, "", {}, [])}
        if payload.get("release"):  # usually `name@1.2.3`, which is not an address; it comes from the settings
            scrubbed["release"] = payload["release"]
        if "exception" in payload:
            scrubbed["exception"] = {"values": [sanitize_value(each) for each in payload["exception"]["values"]]}
        return scrubbed
    except STOPS:
        raise
    except BaseException:
        return None


class _Transport(HttpTransport):
    """Transport of the SDK that counts dropped events, and reports the first reason."""

    TIMEOUT = 10

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.report: Report | None = None
        self.dropped: Counter[str] = Counter()

    def on_dropped_event(self, _reason: str) -> None:
        """Count a dropped event; called on the thread of the transport, which may be handling the exception."""
        self.dropped[_reason] += 1
        if self.dropped.total() > 1 or self.report is None:
            return
        raised = sys.exc_info()[1]
        error = getattr(raised, "reason", None) or raised  # urllib3 wraps the original error
        why = _reason if error is None else to_text(error, _LONGEST_REASON)
        host = self.parsed_dsn.netloc if self.parsed_dsn else "?"
        self.report(f"Sentry at {host} did not accept an error ({why}); it is in the log, and further ones are counted")


class _Quota:
    """Limits of events in a minute: for each fingerprint, and in total."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._all = _Window()

    def take(self, mark: str, now: float) -> int | None:
        """Return the number of similar events held back since the last one; None if this one is held back too."""
        window = self._windows.get(mark) or _Window()
        remember(self._windows, mark, window, _MARKS_KEPT)
        if not (window.has_room(ALIKE_A_MINUTE, now) and self._all.has_room(ALL_A_MINUTE, now)):
            window.not_sent += 1
            return None
        window.used += 1
        self._all.used += 1
        not_sent, window.not_sent = window.not_sent, 0
        return not_sent


class _Window:
    __slots__ = ("begun", "not_sent", "used")

    def __init__(self) -> None:
        self.begun = float("-inf")
        self.used = self.not_sent = 0

    def has_room(self, allowed: int, now: float) -> bool:
        if now - self.begun >= _WINDOW_S:
            self.begun, self.used = now, 0
        return self.used < allowed
