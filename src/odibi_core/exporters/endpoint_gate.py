"""Whom the endpoint answers."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass

from odibi_core.events.clock import host_name


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass(frozen=True)
class Gate:
    """Who comes in: the holder of the token; without a token, whoever calls the server by a name of its own.

    A web page that has its own name point to this machine (DNS rebinding) sends that name as `Host`, and stays outside.
    """

    host: str
    token: str

    def refusal(self, host: str, authorization: str) -> tuple[int, str] | None:
        """The status and sentence to send away with; None for who may come in."""
        if self.token:
            scheme, _, given = authorization.partition(" ")
            right = hmac.compare_digest(given.strip().encode("latin-1"), self.token.encode())
            if right and scheme.lower() == "bearer":
                return None
            return 401, "the header Authorization must be: Bearer <token>"
        return None if self._is_our_name(host) else (400, "the header Host is not a name of this server")

    def _is_our_name(self, host: str) -> bool:
        name = (host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]).lower()
        if name in ("localhost", self.host.lower(), host_name().lower()):
            return bool(name)
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
