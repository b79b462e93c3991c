"""A server for `/metrics` and `/health` inside the program that is observed, which costs nothing until somebody asks.

`start()` binds the port, so that one in use is known at once; the web server itself is loaded when the first connection
comes in. With `SharedMetrics`, several processes are one endpoint: whoever has the port answers for all, and when it is
gone another takes the port over.
"""

from __future__ import annotations

import atexit
import errno
import logging
import socket
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from odibi_core import _fork
from odibi_core.endpoint.access_policy import AccessPolicy
from odibi_core.endpoint.shared_metrics import Metrics, SharedMetrics
from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.events.hosts import is_loopback

if TYPE_CHECKING:
    import uvicorn

    from odibi_core.endpoint.app import Collect, Health
    from odibi_core.endpoint.process_group import ProcessGroup

__all__ = ["MetricsEndpoint", "serve_metrics"]

_log = logging.getLogger("odibi_core")
_TICK_S: Final = 1.0
_CLOSE_S: Final = 1.0
_BACKLOG: Final = 64
_FIRST_WAIT_S: Final = 0.05
"""A program that ends sooner waits for no connection, and loads nothing for it (benchmark: three lines)."""


class _CannotBind(Exception):
    """Why a port is not to be had."""


class MetricsEndpoint:
    """Serves what `collect` gives at `/metrics`, and what `health` gives at `/health`.

    `MetricsEndpoint(shared.collect, shared=shared)` serves all processes that share a port and `shared.root` as one.
    `port=0` takes a free one; `.port` is the one that it got. Raises `ConfigurationError` for a port that is none, and
    for a host that other machines can reach without a token: whoever can read metrics learns a lot about a program.
    """

    def __init__(
        self,
        collect: Collect,
        health: Health | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        token: str = "",
        shared: SharedMetrics | None = None,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ConfigurationError(f"PROMETHEUS_PORT is {port}; a port is a number from 0 to 65535")
        if not token and not is_loopback(host):
            raise ConfigurationError(
                f"metrics would be served on {host!r}, which other machines can reach, to everybody: "
                "give a token (ODIBI_METRICS__TOKEN), or serve on 127.0.0.1"
            )
        self.host = host
        self.port = port
        self._wanted_port = port
        self._collect = collect
        self._health = health
        self._policy = AccessPolicy(host, token)
        self._sharing = shared
        self._begin()
        _fork.in_child(self._after_fork)

    def _begin(self) -> None:
        self._shared: SharedMetrics | None = None
        self._listener: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._server_thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._troubled = False

    @property
    def serving(self) -> bool:
        """Whether it is this process that has the port."""
        return self._listener is not None

    def start(self) -> bool:
        """Serve from now on; False, after a warning that says why, when the port is not to be had."""
        try:
            self.open()
        except ConfigurationError as error:
            _log.warning("%s", error)
            return False
        return True

    def open(self) -> None:
        """As `start`, but raises `ConfigurationError`. Where a process of ours serves, this one stands by."""
        if self in _started:
            return
        try:
            self._take_place()
        except _CannotBind as trouble:
            self._retire()
            raise ConfigurationError(
                f"metrics cannot be served on port {self._wanted_port}: {trouble}; "
                "set PROMETHEUS_PORT to a free port, or METRICS_ENABLED=false"
            ) from trouble
        self._run()

    def close(self, timeout: float = _CLOSE_S) -> None:
        """Serve no longer, within `timeout` seconds; the numbers are kept for the other processes."""
        thread = self._server_thread
        self._end()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def __enter__(self) -> MetricsEndpoint:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _take_place(self) -> None:
        """Bind the port; or, when a process of ours has it, join that one."""
        if self._wanted_port and any(each.port == self._wanted_port for each in _started):
            raise _CannotBind("this process serves its metrics there already")
        if self._sharing is not None and self._wanted_port and self._join(self._sharing):
            return
        self._listener = self._listener or self._bound(self._wanted_port)
        self.port = self._listener.getsockname()[1]
        if self._sharing is not None and not self._wanted_port:
            self._join(self._sharing)

    def _join(self, shared: SharedMetrics) -> bool:
        """Become one of the processes of a port; False when there is no folder to meet in, and one must do alone."""
        group = shared.open(self.port)
        try:
            with group.locked():
                self._stand_in(group)
        except OSError as error:
            _log.warning(
                "processes cannot share the port %s: %s; this one serves only itself", self.port, error
            )
            shared.group = None
            return False
        self._shared = shared
        return True

    def _stand_in(self, group: ProcessGroup) -> None:
        """Alone with the group: be seen in it, and serve for it where nobody does."""
        if not group.joined:
            group.join()
        if self._listener is None and not group.is_held():
            self._listener = self._bound(self.port)
        if self._listener is not None:
            group.hold()

    def _bound(self, port: int) -> socket.socket:
        """A listening socket: from here on the port is ours, and connections wait."""
        try:
            # As bytes: a text would load the codec of international names.
            host = self.host.encode() if self.host.isascii() else self.host
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
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
            taken = error.errno == errno.EADDRINUSE
            raise _CannotBind("another program has it" if taken else f"{self.host}: {error}") from error
        return listener

    def _run(self) -> None:
        _started.add(self)
        atexit.register(self._end)
        _leave_with_multiprocessing(self)
        threading.Thread(target=self._keep, args=(self._stop,), name="odibi-endpoint", daemon=True).start()

    def _end(self) -> None:
        """Stop, and wait for nobody: all that a program does at its exit."""
        if self in _started:
            _started.discard(self)
            atexit.unregister(self._end)
            self._retire()

    def _retire(self) -> None:
        """Let go of all that there is; the server closes the socket that it has."""
        self._stop.set()
        if self._sharing is not None:
            with suppress(Exception):  # a full disk, numbers that cannot be had: nobody to tell at an exit
                self._sharing.leave()
        if self._server is not None:
            self._server.should_exit = True
        elif self._listener is not None:
            with suppress(OSError):  # closing alone would leave it listening while our thread waits on it
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._begin()

    def _keep(self, stop: threading.Event) -> None:
        """The thread that waits: for the first connection, for the port to come free, and for the time to write."""
        stop.wait(_FIRST_WAIT_S)
        while not stop.is_set():
            try:
                waiting = self._listener if self._server_thread is None else None
                if waiting is None:
                    stop.wait(_TICK_S)
                elif _is_called(waiting) and not stop.is_set():
                    self._serve(waiting)
                if self._shared is not None and not stop.is_set():
                    self._tick(self._shared, stop)
            except STOPS:
                raise
            except BaseException:
                if not stop.is_set():
                    self._tell_trouble()
                    stop.wait(_TICK_S)

    def _tell_trouble(self) -> None:
        """The first one is worth a warning; it is tried again all the time, so the others are not."""
        level = logging.DEBUG if self._troubled else logging.WARNING
        self._troubled = True
        _log.log(level, "metrics cannot be served just now", exc_info=True)

    def _tick(self, shared: SharedMetrics, stop: threading.Event) -> None:
        group = shared.group
        assert group is not None  # it was opened by what made it ours
        if not group.joined or not self.serving:
            with group.locked():
                if stop.is_set():
                    return
                with suppress(_CannotBind):  # a stranger was faster: the next tick tries again
                    self._stand_in(group)
        if not group.is_alone():
            shared.write()

    def _serve(self, listener: socket.socket) -> None:
        from odibi_core.endpoint.app import application
        from odibi_core.endpoint.protocol import server_for

        self._server = server = server_for(application(self._collect, self._health, self._policy))
        self._server_thread = threading.Thread(
            target=server.run, args=([listener],), name="odibi-endpoint-server", daemon=True
        )
        self._server_thread.start()

    def _after_fork(self) -> None:
        """In the child: the parent serves. What the child measures is told by the one who has the port."""
        if self not in _started:
            return
        shared, listener = self._shared, self._listener
        self._abandoned = self._server  # a loop that is collected here would unregister the parent's sockets
        self._begin()
        if listener is not None:
            listener.close()
        if shared is not None and shared.group is not None:
            shared.begin()
            self._shared = shared
            self._run()
        else:
            _started.discard(self)


def _is_called(listener: socket.socket) -> bool:
    """Whether somebody wants to connect, or does so within a tick. (`select` takes no descriptor past 1023.)"""
    import selectors

    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        return bool(selector.select(_TICK_S))


def serve_metrics(
    metrics: Metrics,
    root: str | Path,
    health: Health | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str = "",
) -> MetricsEndpoint:
    """Serve what a `MetricsManager` knows, with all processes that share `root`, a folder, and the port.

    Raises `ConfigurationError` when the port is not to be had.
    """
    shared = SharedMetrics(metrics, root)
    endpoint = MetricsEndpoint(shared.collect, health, host=host, port=port, token=token, shared=shared)
    endpoint.open()
    return endpoint


_started: weakref.WeakSet[MetricsEndpoint] = weakref.WeakSet()


def _leave_with_multiprocessing(endpoint: MetricsEndpoint) -> None:
    """Processes of `multiprocessing` end without `atexit`: they have their own way to say that it is over."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(endpoint, _finalize)
        _finalize(endpoint)


def _finalize(endpoint: MetricsEndpoint) -> None:
    util = sys.modules["multiprocessing.util"]
    util.Finalize(None, endpoint._end, exitpriority=0)
