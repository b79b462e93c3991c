"""Ship what is left in a store, now: `odibi store ship`."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from odibi_core.history.remote.address import Address
from odibi_core.history.remote.objects import open_objects
from odibi_core.history.remote.shipment import Shipment
from odibi_core.history.remote.shipped import ShippedNames


class Shipped(Struct, frozen=True):
    """The result of a shipment."""

    objects: int
    bytes: int
    """Their size, compressed."""


def ship(root: Path, address: Address) -> Shipped:
    """Ship everything that a store has and its shared store lacks.

    Of runs that last, in this process or another, the whole lines so far are shipped.

    Raises:
        RemoteStoreError: The shared store cannot be reached; what was not shipped stays for the next time.
    """
    shipment = Shipment(root, open_objects(address), ShippedNames(root, address))
    shipment.all()
    return Shipped(shipment.shipped, shipment.bytes)
