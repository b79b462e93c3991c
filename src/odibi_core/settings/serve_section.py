"""The settings of `odibi serve`.

Annotations are objects and not texts here (no `from __future__ import annotations`), as in `sections`.
"""

from typing import Annotated, Final

from msgspec import Meta

from odibi_core.settings.field_types import Host, Port, Section, Source

_HEADER: Final = r"^(?:[A-Za-z0-9!#$%&'*+.^_`|~-]+)?\Z"
HeaderName = Annotated[str, Meta(pattern=_HEADER, description="it is the name of an HTTP header: X-Forwarded-User")]


class Serve(Section, frozen=True):
    """The server of the pages, by default on loopback."""

    host: Host = "127.0.0.1"
    port: Port = 7171
    """0 takes any free port."""
    hosts: tuple[str, ...] = ()
    """Further names of the server that a browser may use, such as that of a reverse proxy."""
    token: Annotated[str, Source(is_secret=True)] = ""
    """The token with which a client may read, acknowledge and mute."""
    read_token: Annotated[str, Source(is_secret=True)] = ""
    """The token with which a client may read."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of reverse proxies whose `user_header` is trusted."""
    user_header: HeaderName = ""
    """The header in which these proxies send the name of the user; empty for none."""
    operators: tuple[str, ...] = ()
    """Users of the proxy that may acknowledge and mute; `*` for all. The others may read."""
