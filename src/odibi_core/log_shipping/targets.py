"""`TARGETS`: the systems that lines are shipped to, and the receiver of each by the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from odibi_core.delivery import HttpClient, Receiver
from odibi_core.delivery.http import Tls
from odibi_core.delivery.urls import shown_url
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, sanitize_text
from odibi_core.settings import ObservabilityConfig
from odibi_core.sinks.line_presets import Service

JOURNALD: Final = "journald"
"""The address in `syslog.address` that stands for the journal of systemd."""


class Target(NamedTuple):
    """A system: the settings that it has, and how its receiver is made."""

    name: str
    section: str
    variable: str
    """The variable with its address."""
    own_address: Callable[[ObservabilityConfig], str]
    level: Callable[[ObservabilityConfig], str]
    receiver: Callable[[ObservabilityConfig, str], Receiver[Event]]
    """Returns the receiver at an address."""
    is_spooled: Callable[[ObservabilityConfig], bool]
    """Returns true if lines are kept on disk until they are sent."""
    fallback: str = ""
    """The address if none is set."""

    def address_in(self, config: ObservabilityConfig, given: str | None = None) -> str:
        """Return the address that is given, or else that of the settings.

        Raises:
            ConfigurationError: There is none, or a setting of this system is invalid.
        """
        for problem in config.validate(self.section):
            raise ConfigurationError(problem)
        own = self.own_address(config)
        found = given or ("" if JOURNALD in (own, self.name) else own) or self.fallback
        if not found:
            raise ConfigurationError(f"{self.name} needs an address; set {self.variable}, or give it by --to")
        return found


def _loki(config: ObservabilityConfig, address: str) -> Receiver[Event]:
    from odibi_core.log_shipping.loki import PATH, LokiReceiver

    headers = {"Authorization": f"Bearer {config.loki_token}"} if config.loki_token else {}
    client = _client(address, "ODIBI_LOKI__URL", headers, config.loki_ca_file, PATH)
    return LokiReceiver(
        client, service=sanitize_text(config.service_name), tenant=config.loki_tenant,
        has_metadata=config.loki_structured_metadata,
    )  # fmt: skip


def _elastic(config: ObservabilityConfig, address: str) -> Receiver[Event]:
    from odibi_core.log_shipping.elastic import ElasticReceiver

    headers = {"Authorization": f"ApiKey {config.elastic_api_key}"} if config.elastic_api_key else {}
    client = _client(address, "ODIBI_ELASTIC__URL", headers, config.elastic_ca_file)
    texts = (config.service_name, config.environment, config.service_version)
    service = Service(*(sanitize_text(text) for text in texts))
    return ElasticReceiver(client, index=config.elastic_index, service=service)


def _syslog(config: ObservabilityConfig, address: str) -> Receiver[Event]:
    from odibi_core.log_shipping.syslog import SyslogReceiver

    return SyslogReceiver(address, service=sanitize_text(config.service_name), facility=config.syslog_facility)


def _journald(config: ObservabilityConfig, address: str) -> Receiver[Event]:
    from odibi_core.log_shipping.journald import JournaldReceiver

    return JournaldReceiver(address, service=sanitize_text(config.service_name))


def _client(address: str, setting: str, headers: dict[str, str], ca_file: str, path: str = "") -> HttpClient:
    scheme, found, rest = address.partition("://")
    if path and found and not rest.rstrip("/").count("/"):
        address = f"{scheme}://{rest.rstrip('/')}{path}"
    return HttpClient(address, setting=setting, headers=headers, tls=Tls(ca_file), compress=True)


TARGETS: Final = {
    target.name: target
    for target in (
        Target("loki", "loki", "ODIBI_LOKI__URL", lambda own: own.loki_url, lambda own: own.loki_level, _loki,
            lambda own: own.loki_spool,
        ),
        Target(
            "elastic", "elastic", "ODIBI_ELASTIC__URL", lambda own: own.elastic_url, lambda own: own.elastic_level,
            _elastic, lambda own: own.elastic_spool,
        ),
        Target(
            "syslog", "syslog", "ODIBI_SYSLOG__ADDRESS", lambda own: own.syslog_address, lambda own: own.syslog_level,
            _syslog, lambda own: own.syslog_spool,
        ),
        Target(
            JOURNALD, "syslog", "ODIBI_SYSLOG__ADDRESS", lambda own: own.syslog_address, lambda own: own.syslog_level,
            _journald, lambda own: own.syslog_spool, "/run/systemd/journal/socket",
        ),
    )
}  # fmt: skip


def shown(address: Any) -> str:
    """Return an address without credentials."""
    return shown_url(address) if "://" in address else str(address)
