"""The HTTP connections of the endpoint: uvicorn without its log, with limits on connections and times."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import uvicorn

CONNECTIONS: Final = 64
"""Open connections; while all are being answered, the same number may wait."""
REQUEST_S: Final = 5.0
"""Seconds from the connection to the end of the request's headers."""
ANSWER_S: Final = 60.0
"""Seconds from the request to the end of the response, which a slow client must read within this time."""
_log = logging.getLogger("odibi_core.endpoint")
"""ERROR by default, because invalid requests of strangers are not warnings of the program."""
_log.setLevel(logging.ERROR)


class Droppable(Protocol):
    """A connection that `ConnectionLimit` can close."""

    @property
    def idle(self) -> bool:
        """True while the connection waits for its client: for a request, or for the client to read."""
        ...

    def drop(self) -> None:
        """Close the connection at once."""
        ...


class ConnectionLimit:
    """The open connections, oldest first; at the limit, a new one replaces the oldest that waits for its client.

    So connections that never finish a request, or never read a response, cannot block a scrape.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[Droppable, None] = {}

    def add(self, connection: Droppable) -> None:
        """Register a connection; at the limit, drop the oldest idle ones first."""
        while len(self._open) >= self._limit:
            idle = next((each for each in self._open if each.idle), None)
            if idle is None:
                break  # all are being answered: uvicorn's own limit applies
            self.remove(idle)
            idle.drop()
        self._open[connection] = None

    def remove(self, connection: Droppable) -> None:
        """Unregister a connection."""
        self._open.pop(connection, None)


class _LimitedConnection:
    """Mixin for a connection of uvicorn: it is registered, and has time limits for request and response."""

    loop: Any
    cycle: Any
    connections: Any
    transport: Any
    open_connections: ConnectionLimit
    answer_s: float
    _limit: Any
    _asked = False

    def connection_made(self, transport: Any) -> None:
        """Register the connection, and start the time limit of the request."""
        super().connection_made(transport)  # type: ignore[misc]
        self.open_connections.add(self)
        self._limit = self.loop.call_later(REQUEST_S, self.drop)

    def handle_events(self) -> None:
        """Replace the time limit of a complete request by that of the response."""
        super().handle_events()  # type: ignore[misc]
        if self.cycle is not None and not self._asked:
            self._asked = True
            self._limit.cancel()
            self._limit = self.loop.call_later(self.answer_s, self.drop)

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the connection."""
        self._limit.cancel()
        self.open_connections.remove(self)
        super().connection_lost(exc)  # type: ignore[misc]

    @property
    def idle(self) -> bool:
        """True while the connection waits for its client: for a request, or for the client to read."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def drop(self) -> None:
        """Close at once, and remove the connection from those that uvicorn counts until the loop reports its end."""
        self.connections.discard(self)
        self.transport.abort()


def server_for(app: Any, *, connections: int = CONNECTIONS, answer_s: float = ANSWER_S) -> uvicorn.Server:
    """Return the server of an application, not started; uvicorn's own logging stays unconfigured.

    Args:
        app: The application.
        connections: Open connections; while all are being answered, the same number may wait.
        answer_s: Seconds from the first request of a connection to its end.
    """
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    limit_s = answer_s

    class Connection(_LimitedConnection, H11Protocol):
        open_connections = ConnectionLimit(connections)
        answer_s = limit_s

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.access_log = False
            self.logger = _log

    class Config(uvicorn.Config):
        def configure_logging(self) -> None:
            """Configure nothing, because the program may use uvicorn itself."""

    config = Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=2 * connections,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
