"""The access policy of the metrics endpoint: a bearer token, or the check of the `Host` header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from odibi_core.events.clock import host_name
from odibi_core.events.hosts import is_address

_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*))(?::(?P<port>[0-9]{1,5}))?"
)
"""A `Host` header (RFC 9110): a name, or an IPv6 address in brackets, with an optional port."""
_LAST_PORT: Final = 65535


@dataclass(frozen=True)
class AccessPolicy:
    """The rule that accepts a request: its token or, if no token is set, a `Host` that names this server.

    The `Host` rule protects against DNS rebinding: a web page whose name points to this machine sends its own name.
    """

    host: str
    token: str

    def refusal(self, host: str, authorization: str) -> tuple[int, str] | None:
        """Return the HTTP status and message of a refused request; None for an accepted one."""
        if self.token:
            import hmac  # lazy: only a token needs it

            scheme, _, given = authorization.partition(" ")
            right = hmac.compare_digest(given.strip().encode("latin-1"), self.token.encode())
            if right and scheme.lower() == "bearer":
                return None
            return 401, "the header Authorization must be: Bearer <token>"
        return None if self._names_this_server(host) else (400, "the header Host is not a name of this server")

    def _names_this_server(self, host: str) -> bool:
        match = _AUTHORITY.fullmatch(host)
        if match is None or int(match["port"] or 0) > _LAST_PORT:
            return False
        if match["address"] is not None:
            return is_address(match["address"])
        name = match["name"].lower()
        return name.removesuffix(".") in ("localhost", self.host.lower(), host_name().lower()) or is_address(name)
