"""`LogConnection`: a connection to a system that lines of the log are shipped to."""

from __future__ import annotations

from typing import ClassVar

from odibi_core.connections.base import Proof
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.events import Event
from odibi_core.events.clock import host_name, new_id, utc_now
from odibi_core.log_shipping.targets import TARGETS
from odibi_core.settings import ObservabilityConfig


class LogConnection(SettingsConnection):
    """A connection to a system of `log_shipping.targets`; a subclass has its name and the questions."""

    target: ClassVar[str]
    """Its name there."""

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether there is an address."""
        return bool(TARGETS[self.target].own_address(config))

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Send one line of level info."""
        system = TARGETS[self.target]
        address = system.address_in(config)
        mark = new_id(8)
        line = Event(
            timestamp=utc_now(), level="info", event_type="odibi_connect", writer_id=new_id(), seq=0,
            message=f"a test of odibi connect from {host_name()}: {mark}",
        )  # fmt: skip
        outcome = system.receiver(config, address).send([line], within_s)
        if outcome.reason:
            return Proof("failed", outcome.detail or outcome.reason)
        return Proof("arrived", f"{self.target} took the line “a test of odibi connect … {mark}”")
