"""Where each signal goes, by OpenTelemetry's standard variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from odibi_core.delivery import HttpClient
from odibi_core.delivery.http import NO_TLS, Tls
from odibi_core.events import sanitize_text
from odibi_core.events.sanitize import sanitize_field
from odibi_core.otlp.model import Resource, resource
from odibi_core.otlp.receiver import has_protobuf
from odibi_core.settings import ObservabilityConfig
from odibi_core.settings.lists import pairs, resource_attributes
from odibi_core.settings.sections import OtlpSignal

HTTP_DEFAULT: Final = "http://localhost:4318"
GRPC_DEFAULT: Final = "http://localhost:4317"
_GENERAL: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass(frozen=True, slots=True)
class Target:
    """The receiver of one signal, as the settings describe it."""

    signal: str
    url: str
    setting: str
    """The variable to change if the address is wrong."""
    protocol: str
    headers: Mapping[str, str] = field(default_factory=dict)
    compress: bool = False
    timeout_s: float = 10.0
    tls: Tls = NO_TLS

    def client(self) -> HttpClient:
        """Return the HTTP client. Raises `ConfigurationError`."""
        return HttpClient(
            self.url, setting=self.setting, headers=self.headers, tls=self.tls, compress=self.compress
        )  # fmt: skip


def target_of(config: ObservabilityConfig, signal: str) -> Target | None:
    """Return the receiver of a signal; None if `OTEL_<SIGNAL>_EXPORTER` leaves it out."""
    own: OtlpSignal = config.section(f"otel_{signal}")
    if "otlp" not in {part.strip() for part in own.exporter.split(",")}:
        return None
    protocol: str = own.protocol
    is_chosen = (
        config.source(f"otel_{signal}_protocol") != "otel_protocol" or config.source("otel_protocol") != "default"
    )
    if not is_chosen and not has_protobuf():
        protocol = "http/json"
    base = own.endpoint or config.otel_endpoint or (GRPC_DEFAULT if protocol == "grpc" else HTTP_DEFAULT)
    path = "" if own.endpoint or protocol == "grpc" else f"/v1/{signal}"
    return Target(
        signal,
        base if not path else base.rstrip("/") + path,
        f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT" if own.endpoint else _GENERAL,
        protocol,
        {name: unquote(value) for name, value in pairs(own.headers).items()},
        own.compression == "gzip",
        own.timeout / 1000,
        Tls(own.certificate, own.client_certificate, own.client_key),
    )


def resource_of(config: ObservabilityConfig) -> Resource:
    """Return the resource of this program, without secrets: settings never passed the event bus."""
    given = resource_attributes(config.otel_resource_attributes)
    others = {sanitize_text(name): sanitize_field(name, value) for name, value in given.items()}
    name, environment, version = config.service_name, config.environment, config.service_version
    return resource(sanitize_text(name), sanitize_text(environment), sanitize_text(version), others)
