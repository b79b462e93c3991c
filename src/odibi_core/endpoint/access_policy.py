"""The access policy of the metrics endpoint: a bearer token, or the check of the `Host` header.

`names_server` and `is_token` are the rules for one header each, which the server of the pages has in common with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
            scheme, _, given = authorization.partition(" ")
            if is_token(given.strip(), self.token) and scheme.lower() == "bearer":
                return None
            return 401, "the header Authorization must be: Bearer <token>"
        return None if names_server(host, [self.host]) else (400, "the header Host is not a name of this server")


def is_token(given: str, token: str) -> bool:
    """Return whether a text of a header is this token; the time that it takes does not depend on the text."""
    import hmac  # lazy: only a token needs it

    return hmac.compare_digest(given.encode("latin-1", "replace"), token.encode())


def names_server(host: str, names: Iterable[str]) -> bool:
    """Return whether a `Host` header is an address, or a name of this machine or of these."""
    match = _AUTHORITY.fullmatch(host)
    if match is None or int(match["port"] or 0) > _LAST_PORT:
        return False
    if match["address"] is not None:
        return is_address(match["address"])
    name = match["name"].lower()
    known = {"localhost", host_name().lower(), *map(str.lower, names)}
    return name.removesuffix(".") in known or is_address(name)
