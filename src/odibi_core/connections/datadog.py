"""The connection to an agent of Datadog."""

from __future__ import annotations

import socket
from typing import Final

from odibi_core.connections.base import Proof, Question
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.events.clock import sleep
from odibi_core.plugins import missing_library
from odibi_core.settings import ObservabilityConfig

_SIGNAL: Final = b"odibi.connect:1|c|#source:odibi"
_REFUSED_AFTER_S: Final = 0.1
"""The kernel reports a closed port of this machine to the next call."""


class DatadogConnection(SettingsConnection):
    """Metrics to an agent of Datadog."""

    title = "metrics to an agent of Datadog"
    switches = {"datadog_enabled": True}  # noqa: RUF012 (a ClassVar of the base)
    questions = (
        Question("host", "Host of the agent", "datadog_host", "127.0.0.1"),
        Question("port", "Its port of DogStatsD", "datadog_port", "8125"),
    )

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether Datadog is on."""
        return config.datadog_enabled

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Send one count. UDP has no answer: only a closed port of the same machine is noticed."""
        if missing := missing_library("datadog", "sending metrics to Datadog"):
            return Proof("failed", missing[0])
        host, port = config.datadog_host, config.datadog_port
        where = f"udp://{host}:{port}"
        try:
            (family, kind, protocol, _, address), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            with socket.socket(family, kind, protocol) as sender:
                sender.settimeout(within_s)
                sender.connect(address)
                sender.send(_SIGNAL)
                sleep(_REFUSED_AFTER_S)
                sender.send(b"")
        except ConnectionRefusedError:
            return Proof("failed", f"no agent listens at {where}; start it, or set DD_AGENT_HOST and DD_DOGSTATSD_PORT")
        except OSError as error:
            return Proof("failed", f"{where} cannot be reached: {error.strerror or error}; check DD_AGENT_HOST")
        return Proof("sent", f"the metric odibi.connect was sent to {where}, by UDP; look for it in Datadog")
