"""The HTTP connections of the endpoint: uvicorn without its log, with bounds on what a stranger may hold."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import uvicorn

CONNECTIONS: Final = 64
"""Open connections; while so many are being answered, as many again may wait."""
REQUEST_S: Final = 5.0
"""Seconds from the connection to the end of the request's headers."""
ANSWER_S: Final = 60.0
"""Seconds from the request to the end of the answer: a client that never takes it keeps a place."""
_log = logging.getLogger("odibi_core.endpoint")
"""Garbage sent to a port is no warning of the program: lower the level by hand to see it."""
_log.setLevel(logging.ERROR)


class Droppable(Protocol):
    """A connection as `Places` sees it."""

    @property
    def idle(self) -> bool:
        """Return true while it waits for its client: for a request, or to take an answer."""
        ...

    def drop(self) -> None:
        """Close the connection at once."""
        ...


class Places:
    """The open connections, oldest first: a new one takes the place of the oldest that waits for its client.

    So connections that never finish a request, or never take an answer, hold up no scrape, however many there are.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[Droppable, None] = {}

    def take(self, connection: Droppable) -> None:
        """Register a connection; drop the oldest idle ones if there is no room for it."""
        while len(self._open) >= self._limit:
            idle = next((each for each in self._open if each.idle), None)
            if idle is None:
                break  # each is being answered: uvicorn's own limit bounds what comes now
            self.leave(idle)
            idle.drop()
        self._open[connection] = None

    def leave(self, connection: Droppable) -> None:
        """Forget a connection."""
        self._open.pop(connection, None)


class _Bounded:
    """What a connection of uvicorn's does besides: it has a place, and a time for the request and for the answer."""

    loop: Any
    cycle: Any
    connections: Any
    transport: Any
    places: Places
    _limit: Any
    _asked = False

    def connection_made(self, transport: Any) -> None:
        """Take a place; the time of the request begins."""
        super().connection_made(transport)  # type: ignore[misc]
        self.places.take(self)
        self._limit = self.loop.call_later(REQUEST_S, self.drop)

    def handle_events(self) -> None:
        """Give a complete request the time of an answer."""
        super().handle_events()  # type: ignore[misc]
        if self.cycle is not None and not self._asked:
            self._asked = True
            self._limit.cancel()
            self._limit = self.loop.call_later(ANSWER_S, self.drop)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._limit.cancel()
        self.places.leave(self)
        super().connection_lost(exc)  # type: ignore[misc]

    @property
    def idle(self) -> bool:
        """Return true while it waits for its client: for a request, or to take an answer."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def drop(self) -> None:
        """Close at once. uvicorn counts a connection until the loop has heard of its end: this one no longer."""
        self.connections.discard(self)
        self.transport.abort()


def server_for(app: Any) -> uvicorn.Server:
    """Return the server of an application, not started; its log is quiet, and uvicorn's own is left alone."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Connection(_Bounded, H11Protocol):
        places = Places(CONNECTIONS)

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.access_log = False
            self.logger = _log

    class Config(uvicorn.Config):
        def configure_logging(self) -> None:
            """Configure nothing: the program may have a uvicorn of its own."""

    config = Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=2 * CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
