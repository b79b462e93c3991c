"""Ports of loopback that stay as a test has them: nobody else on the machine gets one meanwhile."""

from __future__ import annotations

import socket
import sys

_KEPT: list[socket.socket] = []


def kept_port() -> int:
    """A port that nobody listens on, unless who is given its number does.

    It is bound and does not listen: who connects is refused, and the system gives it to no other program. On Linux who
    shares addresses, as servers do, may listen on it all the same; elsewhere it has to be let go.
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
