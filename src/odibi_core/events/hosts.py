"""Names and addresses of hosts: which of them only this machine can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address


def is_address(text: str) -> bool:
    """Return true for an IP address, which no name server can point elsewhere."""
    return _address(text) is not None


def is_loopback(host: str) -> bool:
    """Return true for `localhost` and for an address of the loopback, with or without the brackets of IPv6."""
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if host.lower() == "localhost" or name == "127.0.0.1":
        return True  # without `ipaddress`: every program that serves metrics comes here
    address = _address(name)
    return address is not None and address.is_loopback


def _address(text: str) -> IPv4Address | IPv6Address | None:
    import ipaddress  # here, because most programs need none

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
