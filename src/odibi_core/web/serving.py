"""The connections of the server: uvicorn, with limits on connections and times."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from odibi_core.endpoint.protocol import server_for
from odibi_core.errors import ConfigurationError

if TYPE_CHECKING:
    from starlette.applications import Starlette

CONNECTIONS: Final = 512
"""Open connections, each a page or a followed run."""
ANSWER_S: Final = 3_600.0
"""Seconds of a connection: a page that follows a run connects again and goes on where it was."""
_BACKLOG: Final = 128


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ConfigurationError: The address cannot be had.
    """
    try:
        family, *_, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be served: {error.strerror or error}; choose another with --port or --host"
        ) from error
    return listener


def serve(app: Starlette, listener: socket.socket, started: Callable[[], object]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        app: The application.
        listener: The listening socket.
        started: Called before the first connection is accepted.
    """
    started()
    server: Any = server_for(app, connections=CONNECTIONS, answer_s=ANSWER_S)
    server.run(sockets=[listener])
