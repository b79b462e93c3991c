"""The connection to a shared store in a bucket of S3, or anywhere else that a shared store may be."""

from __future__ import annotations

from odibi_core.connections.base import Proof, Question
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.events.clock import new_id
from odibi_core.history.remote.address import read_address
from odibi_core.history.remote.objects import open_objects
from odibi_core.settings import ObservabilityConfig


class S3Connection(SettingsConnection):
    """The record of many hosts in one bucket."""

    title = "the record of many hosts to a bucket of S3 (shared history)"
    questions = (
        Question("url", "s3://bucket/prefix (or gs://…, az://…, file:///folder)", "store_url", is_required=True),
    )

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether there is a shared store."""
        return bool(config.store_url)

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Write, read and remove one object. The library of the store has its own timeouts."""
        address = read_address(config.store_url)
        objects = open_objects(address)
        name, content = f"connect/{new_id(12)}", new_id(16).encode()
        objects.write(name, content)
        try:
            is_same = objects.read(name) == content
        finally:
            objects.remove([name])
        if not is_same:
            return Proof("failed", f"{address} returned another content than was written")
        return Proof("arrived", f"an object was written to {address}, read and removed")
