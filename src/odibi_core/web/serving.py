"""The connections of the server: uvicorn, with limits on connections and times."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from odibi_core.endpoint import server
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
        ConfigurationError: The host has no such address, or the port is in use.
    """
    try:
        return server.listen(host.strip("[]"), port, _BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be served: {error.strerror or error}; choose another with --port or --host"
        ) from error


def serve(app: Starlette, listener: socket.socket, started: Callable[[], object]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        app: The application.
        listener: The listening socket.
        started: Called before the first connection is accepted.
    """
    started()
    uvicorn_server: Any = server_for(app, connections=CONNECTIONS, answer_s=ANSWER_S)
    uvicorn_server.run(sockets=[listener])
