"""Ports of loopback that stay reserved for a test: no other program on the machine gets one meanwhile."""

from __future__ import annotations

import socket
import sys

_KEPT: list[socket.socket] = []


def kept_port() -> int:
    """Return a port on which no program listens, unless the test does.

    It is bound and does not listen: a connection is refused, and the system gives the port to no other program. On
    Linux a server that shares addresses may listen on it all the same; elsewhere the port is released first.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port: int = kept.getsockname()[1]
    if sys.platform == "linux":
        _KEPT.append(kept)
    else:
        kept.close()
    return port
