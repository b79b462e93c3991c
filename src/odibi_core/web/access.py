"""Access to the server: the name that a request may use, its identity and role, and the origin of changes.

Every request passes `AccessRules.decide` before anything else. The rules for the headers `Host` and `Authorization`
are those of the metrics endpoint.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from odibi_core.endpoint.access_policy import is_token, names_server
from odibi_core.errors import ConfigurationError
from odibi_core.events.hosts import is_loopback

if TYPE_CHECKING:
    from odibi_core.settings.serve_section import Serve

Role = Literal["read", "operate"]
COOKIE: Final = "odibi_session"
SESSION_PATHS: Final = ("/login", "/logout")
_SAFE: Final = frozenset({"GET", "HEAD"})
_FOREIGN: Final = frozenset({"cross-site", "same-site"})
_DERIVED_FOR: Final = b"odibi serve: session cookie"


class Request(Struct, frozen=True):
    """The parts of a request that decide about its access."""

    method: str
    path: str
    peer: str
    """The address of the other end of the connection: a client, or a proxy."""
    headers: Mapping[str, str]
    """By lower-case name; one that came twice is empty, because proxies and servers disagree about which counts."""
    cookies: Mapping[str, str] = {}


class Access(Struct, frozen=True):
    """An accepted request: its role, and its user if a proxy names one."""

    role: Role
    user: str | None = None


class Refusal(Struct, frozen=True):
    """A refused request: the HTTP status and a message that states the fix."""

    status: int
    message: str


class AccessRules:
    """The rules of one server.

    Without a token and without a proxy, each client of the loopback may operate. Otherwise a request has a role by a
    token, in the header `Authorization` or the session cookie, or by the user that a trusted proxy names.

    Args:
        settings: The section `serve`.

    Raises:
        ConfigurationError: Other machines reach the host and nothing identifies them, or an address is none.
    """

    def __init__(self, settings: Serve) -> None:
        import ipaddress

        self._names = (settings.host, *settings.hosts)
        self._tokens: tuple[tuple[str, Role], ...] = tuple(
            (token, role) for token, role in _roles(settings) if token
        )  # fmt: skip
        self._header = settings.user_header.lower()
        self._operators = frozenset(settings.operators)
        try:
            self._proxies = tuple(ipaddress.ip_network(each, strict=False) for each in settings.proxies)
        except ValueError as error:
            raise ConfigurationError(
                f"ODIBI_SERVE__PROXIES must be addresses or networks such as 10.0.0.0/8, got {error}"
            ) from None
        if bool(self._proxies) != bool(self._header):
            raise ConfigurationError(
                "ODIBI_SERVE__PROXIES and ODIBI_SERVE__USER_HEADER must be set together: "
                "the addresses of the proxies, and the header in which they name the user"
            )
        if settings.token and settings.token == settings.read_token:
            raise ConfigurationError("ODIBI_SERVE__TOKEN and ODIBI_SERVE__READ_TOKEN must differ; set another token")
        self._is_open = not (self._tokens or self._proxies)
        if self._is_open and not is_loopback(settings.host):
            raise ConfigurationError(
                f"ODIBI_SERVE__HOST is {settings.host!r}, which other machines can reach: set ODIBI_SERVE__TOKEN, or "
                "ODIBI_SERVE__PROXIES and ODIBI_SERVE__USER_HEADER for a reverse proxy, or serve on 127.0.0.1"
            )

    @property
    def has_token(self) -> bool:
        """True if a client can sign in by a token."""
        return bool(self._tokens)

    def decide(self, request: Request) -> Access | Refusal:
        """Return the access of a request, or the refusal."""
        if not names_server(request.headers.get("host", ""), self._names):
            return Refusal(400, "the header Host is not a name of this server; add the name to ODIBI_SERVE__HOSTS")
        access, is_explicit = self._identify(request)
        if access is None:
            return Refusal(401, "a token is needed: sign in at /login, or send Authorization: Bearer <token>")
        if request.method not in _SAFE:
            if not is_explicit and not self._is_same_origin(request):
                return Refusal(403, "a change must come from a page of this server, or with Authorization: Bearer")
            if access.role != "operate" and request.path not in SESSION_PATHS:
                return Refusal(403, "this change needs the role operate; you have the role read")
        elif request.path.startswith("/api/") and request.headers.get("sec-fetch-site") in _FOREIGN:
            return Refusal(403, "the API answers no requests of pages of other sites")
        return access

    def sign_in(self, token: str) -> str | None:
        """Return the session cookie for a token; None for a wrong one."""
        return next((_session(known) for known, _ in self._tokens if is_token(token, known)), None)

    def is_change_allowed(self, request: Request) -> bool:
        """Return whether a request without an identity may change its own session: it comes from our page."""
        return names_server(request.headers.get("host", ""), self._names) and self._is_same_origin(request)

    def _identify(self, request: Request) -> tuple[Access | None, bool]:
        """Return the identity, and whether the request states it: a browser adds no `Authorization` by itself."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            role = next((role for token, role in self._tokens if is_token(given.strip(), token)), None)
            return (Access(role) if role else None), True
        if cookie := request.cookies.get(COOKIE):
            role = next((role for token, role in self._tokens if is_token(cookie, _session(token))), None)
            if role is not None:
                return Access(role), False
        if self._header and self._is_proxy(request.peer) and (user := request.headers.get(self._header, "").strip()):
            may_operate = bool(self._operators & {user, "*"})
            return Access("operate" if may_operate else "read", user), False
        return (Access("operate") if self._is_open else None), False

    def _is_proxy(self, peer: str) -> bool:
        import ipaddress

        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)

    @staticmethod
    def _is_same_origin(request: Request) -> bool:
        """Return whether the browser states that a page of this server sent the request."""
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        if site is None and origin is None:
            return False
        authority = request.headers.get("host", "").lower()
        return site in (None, "same-origin") and (
            origin is None or origin.lower() in (f"http://{authority}", f"https://{authority}")
        )


def _roles(settings: Serve) -> tuple[tuple[str, Role], ...]:
    return (settings.token, "operate"), (settings.read_token, "read")


def _session(token: str) -> str:
    """Return the value of the cookie of a token: a browser never holds the token itself."""
    return hmac.new(token.encode(), _DERIVED_FOR, hashlib.sha256).hexdigest()
