"""Whom the endpoint answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from odibi_core.events.clock import host_name
from odibi_core.events.hosts import is_address

_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*))(?::(?P<port>[0-9]{1,5}))?"
)
"""The whole of a `Host` header (RFC 9110): a name, or an address of IPv6 in brackets, and perhaps a port."""
_LAST_PORT: Final = 65535


@dataclass(frozen=True)
class AccessPolicy:
    """Who comes in: the holder of the token; without a token, whoever calls the server by a name of its own.

    A web page that has its own name point to this machine (DNS rebinding) sends that name as `Host`, and stays outside.
    """

    host: str
    token: str

    def refusal(self, host: str, authorization: str) -> tuple[int, str] | None:
        """The status and sentence to send away with; None for who may come in."""
        if self.token:
            import hmac  # here, since only a token needs it

            scheme, _, given = authorization.partition(" ")
            right = hmac.compare_digest(given.strip().encode("latin-1"), self.token.encode())
            if right and scheme.lower() == "bearer":
                return None
            return 401, "the header Authorization must be: Bearer <token>"
        return None if self._is_our_name(host) else (400, "the header Host is not a name of this server")

    def _is_our_name(self, host: str) -> bool:
        match = _AUTHORITY.fullmatch(host)
        if match is None or int(match["port"] or 0) > _LAST_PORT:
            return False
        if match["address"] is not None:
            return is_address(match["address"])
        name = match["name"].lower()
        return name.removesuffix(".") in ("localhost", self.host.lower(), host_name().lower()) or is_address(name)
