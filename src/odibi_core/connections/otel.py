"""The connection to a collector of OpenTelemetry."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

from odibi_core.connections.base import Proof, Question
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.delivery import Outcome
from odibi_core.events.clock import epoch_ns
from odibi_core.otlp.live import receiver_of
from odibi_core.otlp.model import LogRecord, Span
from odibi_core.otlp.targets import target_of
from odibi_core.settings import ObservabilityConfig


class OtelConnection(SettingsConnection):
    """Traces, logs and metrics by OTLP."""

    title = "traces, logs and metrics to a collector of OpenTelemetry"
    switches = {"tracing_enabled": True}  # noqa: RUF012 (a ClassVar of the base)
    questions = (
        Question(
            "endpoint", "Address of the collector, such as http://collector:4318", "otel_endpoint", is_required=True
        ),
        Question("protocol", "http/protobuf, http/json or grpc", "otel_protocol", "http/protobuf"),
        Question("headers", "Headers, name=value with commas between; empty for none", "otel_headers", is_secret=True),
    )

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether OTLP is on."""
        return config.tracing_enabled

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Send a span and a log record that belongs to it."""
        taken, trace, span = [], token_hex(16), token_hex(8)
        now = epoch_ns()
        about = {"odibi.test": True}
        items: dict[str, Any] = {
            "traces": Span(trace, span, "", "odibi connect", now, now + 1_000_000, about),
            "logs": LogRecord(now, 9, "INFO", "odibi.connect", "a test of odibi connect", about, trace, span, 1),
        }
        for signal, item in items.items():
            target = target_of(config, signal)
            if target is None:
                continue
            receiver = receiver_of(target, config)
            outcome: Outcome = receiver.send([item], within_s)
            if outcome.reason:
                return Proof("failed", f"{signal}: {outcome.detail or outcome.reason}")
            taken.append(f"{signal} at {target.url}")
        return Proof("arrived", f"the collector took {' and '.join(taken)}: trace {trace}, span 'odibi connect'")
