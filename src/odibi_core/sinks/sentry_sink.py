"""Telling Sentry: errors that were captured, and what failed a run, through `sentry-sdk`'s own transport."""

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
"""Failures of one fingerprint that are sent within a minute."""
ALL_A_MINUTE: Final = 100
_WINDOW_S: Final = 60.0
_MARKS_KEPT: Final = 1000
_IDS_KEPT: Final = 10_000
_QUEUE: Final = 100
_IN_CHILD_S: Final = 2.0
"""How long a forked child waits for an error that it captured to be sent."""
_HOOKS: Final = {"the program": "excepthook", "a thread": "threading", "an asyncio loop": "logging"}
"""The SDK's integrations that hear of what nobody caught, by where `setup_exception_hook` says that it was."""
_SAID: Final = 300
"""Characters of a reason."""

Tell = Callable[[str], None]


class _Client(Protocol):
    def capture_event(self, event: Any, /) -> str | None: ...


class SentrySink:
    """Sends each captured error and message, each failed node, and the end of a run that failed with no failed node.

    `SentrySink()` speaks through the program's own `sentry_sdk.init`; `connect(dsn)` makes one with a client of its
    own. An exception is sent once; of one fingerprint at most ten a minute, of all at most a hundred, and the next
    one that is sent says how many were not. Sending is the transport's, on a thread with a bounded queue.
    """

    def __init__(self, client: _Client | None = None, *, clock: Clock = SYSTEM) -> None:
        self.sent = self.held_back = 0
        self._client: _Client = sentry_sdk if client is None else client
        self._transport = getattr(client, "transport", None)  # the client forgets it when it is closed
        self._clock = clock
        self._renew: Callable[[], _Client] | None = None
        self._process = process_id()
        self._patience_s = 0.0
        self._quota = _Quota()
        self._ids: dict[str, None] = {}
        self._failed_inside: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        """Send it, if it is for Sentry."""
        if not self._is_wanted(event) or self._is_told_already(event):
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
        """A fork has neither the client's thread nor connections of its own, and its parent sends what waited."""
        self._process, self._patience_s = process_id(), _IN_CHILD_S
        if self._renew is not None:
            self._client = self._renew()
            self._transport = getattr(self._client, "transport", None)

    def _wait_in_child(self) -> None:
        """A child may leave by `os._exit` right away; one that Sentry let wait once waits no more."""
        if self._patience_s:
            begun = self._clock.monotonic()
            getattr(self._client, "flush", _no_flush)(timeout=self._patience_s)
            if self._clock.monotonic() - begun >= self._patience_s:
                self._patience_s = 0.0

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

    def _is_told_already(self, event: Event) -> bool:
        """Of what nobody caught the program's own Sentry is told by a hook of its own, where it has that one."""
        if self._client is not sentry_sdk or flag(event.fields.get("handled")) is not False:
            return False
        hook = _HOOKS.get(str(record(event.fields.get("context")).get("uncaught_in")))
        return hook is not None and sentry_sdk.get_client().get_integration(hook) is not None

    @property
    def dropped(self) -> int:
        """Errors that were given to the transport and did not get through, as far as that is known by now."""
        return self._transport.dropped.total() if isinstance(self._transport, _Transport) else 0

    def close(self, timeout: float = 1.5) -> None:
        """Wait, for at most `timeout` seconds, until what was sent is gone; a client of its own is closed."""
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
        tell: Tell | None = None,
    ) -> SentrySink:
        """A sink with a Sentry client of its own, which touches neither `sentry_sdk`'s global one nor `logging`.

        Where the program initialised `sentry_sdk` itself, that one is used, and `tell` is told so; it also hears, once,
        why Sentry took no event. Raises `ConfigurationError` when the DSN cannot be one.
        """
        if sentry_sdk.get_client().is_active():
            if tell is not None and dsn:
                tell("sentry_sdk is initialised by the program: its client is used, and SENTRY_DSN is not")
            return cls()
        if not dsn:
            raise ConfigurationError(
                "SENTRY_ENABLED is true and SENTRY_DSN is not set, so errors are in the log alone: "
                "set it to the DSN of your Sentry project, or SENTRY_ENABLED to false"
            )
        renew = partial(_client, _options(dsn, environment, release), traces_sample_rate, tell)
        try:
            sink = cls(renew())
        except STOPS:
            raise
        except BaseException as error:
            raise ConfigurationError(
                f"SENTRY_DSN cannot be right, so errors are in the log alone: {sanitize_text(to_text(error, _SAID))}; "
                "it looks like https://<key>@<host>/<project number>"
            ) from None
        sink._renew = renew
        return sink


def _client(options: dict[str, Any], traces_sample_rate: float | None, tell: Tell | None) -> sentry_sdk.Client:
    # fork: the transport's thread would import it at its first connection, and a child that is forked meanwhile
    # would wait for the lock of that import for ever.
    import_module("encodings.idna")
    client = sentry_sdk.Client(**options, traces_sample_rate=traces_sample_rate)
    if isinstance(client.transport, _Transport):
        client.transport.tell = tell
        client.flush(0.01)  # begins its thread: Python 3.12 begins none at the end, where the last error is told
    return client


def _no_flush(*, timeout: float) -> None:
    """Of a client that sends at once."""


def _options(dsn: str, environment: str, release: str) -> dict[str, Any]:
    """All that the SDK would find out, hook into or send by itself is off; what is left out has that as its default."""
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
    """All that is about to leave, redacted once more, with what the SDK added; where that fails, nothing goes."""
    try:
        scrubbed = {name: sanitize_value(value) for name, value in payload.items() if value not in (None, "", {}, [])}
        if payload.get("release"):  # `name@1.2.3` by custom, which is no address; it comes from the settings
            scrubbed["release"] = payload["release"]
        if "exception" in payload:
            scrubbed["exception"] = {"values": [sanitize_value(each) for each in payload["exception"]["values"]]}
        return scrubbed
    except STOPS:
        raise
    except BaseException:
        return None


class _Transport(HttpTransport):
    """The SDK's, which counts what it could not send, and says why the first time."""

    TIMEOUT = 10

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.tell: Tell | None = None
        self.dropped: Counter[str] = Counter()

    def on_dropped_event(self, _reason: str) -> None:
        """Called by the transport, on its thread, where the exception is being handled if there is one."""
        self.dropped[_reason] += 1
        if self.dropped.total() > 1 or self.tell is None:
            return
        raised = sys.exc_info()[1]
        error = getattr(raised, "reason", None) or raised  # urllib3 wraps what happened in what it tried
        why = _reason if error is None else to_text(error, _SAID)
        host = self.parsed_dsn.netloc if self.parsed_dsn else "?"
        self.tell(f"Sentry at {host} did not take an error ({why}); it is in the log, and this is said once")


class _Quota:
    """How many of each fingerprint, and of all, are let through in a minute."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self._all = _Window()

    def take(self, mark: str, now: float) -> int | None:
        """How many like it were not sent since the last that was; None when this one is not to be sent either."""
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
