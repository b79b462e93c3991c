"""Ship what is left in a store, now: `odibi store ship`; and look whether anything is."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from odibi_core.history.remote.address import Address
from odibi_core.history.remote.objects import FolderObjects, open_objects
from odibi_core.history.remote.shipment import Shipment
from odibi_core.history.remote.shipped import ShippedNames


class Shipped(Struct, frozen=True):
    """The result of a shipment."""

    objects: int
    bytes: int
    """Their size, compressed."""


class _LeftError(Exception):
    """A shipment would write an object."""


class _NoObjects(FolderObjects):
    """Objects that are not written."""

    def write(self, name: str, content: bytes) -> None:
        raise _LeftError

    def upload(self, name: str, path: Path) -> None:
        raise _LeftError


def is_left(root: Path, address: Address) -> bool:
    """Return true if a store has anything that was not shipped; without a request."""
    try:
        Shipment(root, _NoObjects(root), ShippedNames(root, address)).all()
    except _LeftError:
        return True
    return False


def ship(root: Path, address: Address) -> Shipped:
    """Ship everything that a store has and its shared store lacks.

    Of runs that last, in this process or another, the whole lines so far are shipped.

    Raises:
        RemoteStoreError: The shared store cannot be reached; what was not shipped stays for the next time.
    """
    shipment = Shipment(root, open_objects(address), ShippedNames(root, address))
    shipment.all()
    return Shipped(shipment.shipped, shipment.bytes)
