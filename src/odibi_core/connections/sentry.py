"""The connection to Sentry."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import msgspec

from odibi_core.connections.base import Proof, Question
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.delivery import HttpClient, outcome_of
from odibi_core.events.clock import iso, new_id, utc_now
from odibi_core.plugins import missing_library
from odibi_core.settings import ObservabilityConfig

_CLIENT: Final = "odibi-core"


class SentryConnection(SettingsConnection):
    """Errors to Sentry."""

    title = "errors to Sentry"
    switches = {"sentry_enabled": True}  # noqa: RUF012 (a ClassVar of the base)
    questions = (
        Question(
            "dsn", "DSN of the project, https://<key>@<host>/<project>", "sentry_dsn", is_required=True, is_secret=True
        ),
        Question("environment", "Environment, such as prod; empty for that of the program", "sentry_environment"),
    )

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether Sentry is on."""
        return config.sentry_enabled

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Send one message of level info, as the SDK would."""
        if missing := missing_library("sentry_sdk", "error reports to Sentry"):
            return Proof("failed", missing[0])
        if not config.sentry_dsn:
            return Proof("failed", "SENTRY_DSN is not set; Sentry is on without an address")
        dsn = urlsplit(config.sentry_dsn)
        before, _, project = dsn.path.rpartition("/")
        netloc = dsn.netloc.rpartition("@")[2]
        auth = f"Sentry sentry_version=7, sentry_client={_CLIENT}/1, sentry_key={dsn.username}"
        client = HttpClient(
            f"{dsn.scheme}://{netloc}{before}/api/{project}/envelope/",
            setting="SENTRY_DSN",
            headers={"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": auth},
        )
        event_id = new_id(32)
        event = {
            "event_id": event_id, "timestamp": iso(utc_now()), "level": "info", "platform": "python", "logger": _CLIENT,
            "message": "a test of odibi connect", "environment": config.sentry_environment,
        }  # fmt: skip
        parts = ({"event_id": event_id}, {"type": "event"}, event)
        body = b"\n".join(map(msgspec.json.encode, parts)) + b"\n"
        outcome, _ = outcome_of(client, 1, body, within_s=within_s)
        if outcome.reason:
            return Proof("failed", outcome.detail)
        return Proof("arrived", f"{netloc} took the message 'a test of odibi connect' as event {event_id}")
