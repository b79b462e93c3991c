"""`MetricsEndpoint`: an HTTP server for `/metrics` and `/health` inside the observed program.

`start()` binds the port, so that a port in use is reported at once. The web server is loaded by the first connection.
With `SharedMetrics`, several processes are one endpoint: the process that has the port answers for all, and if it ends,
another one takes the port over.
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

__all__ = ["MetricsEndpoint", "listen", "serve_metrics"]

_log = logging.getLogger("odibi_core")
_TICK_S: Final = 1.0
_CLOSE_S: Final = 1.0
_BACKLOG: Final = 64
_FIRST_WAIT_S: Final = 0.05
"""Delay before the first wait for connections: a shorter program loads no selector (benchmark: three lines)."""


class _BindError(Exception):
    """The reason why a port is not available."""


class MetricsEndpoint:
    """Server of the results of `collect` at `/metrics`, and of `health` at `/health`.

    `MetricsEndpoint(shared.collect, shared=shared)` serves all processes that share a port and `shared.root` as one.

    Args:
        collect: Returns the text and its media type for the `Accept` header of a request.
        health: Returns the HTTP status and the report of the checks; without it the status is unknown.
        host: Address to serve on.
        port: 0 for any free port; `.port` is the actual one.
        token: Bearer token that a scraper must send.
        shared: The metrics that several processes share.

    Raises:
        ConfigurationError: If the port is out of range, or if other machines can reach the host and no token is given.
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
            raise ConfigurationError(f"PROMETHEUS_PORT must be a number from 0 to 65535, got {port}")
        if not token and not is_loopback(host):
            raise ConfigurationError(
                f"metrics on {host!r}, which other machines can reach, must have a token: "
                "set ODIBI_METRICS__TOKEN, or serve on 127.0.0.1"
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
        self._failed_before = False

    @property
    def serving(self) -> bool:
        """True while this process has the port."""
        return self._listener is not None

    def start(self) -> bool:
        """Serve from now on; return False, after a warning with the reason, if the port is not available."""
        try:
            self.open()
        except ConfigurationError as error:
            _log.warning("%s", error)
            return False
        return True

    def open(self) -> None:
        """Serve as `start` does, or stand by for a process of the same group.

        Raises:
            ConfigurationError: If the port is not available.
        """
        if self in _started:
            return
        try:
            self._bind_or_join()
        except _BindError as reason:
            self._release()
            raise ConfigurationError(
                f"metrics cannot be served on port {self._wanted_port}: {reason}; "
                "set PROMETHEUS_PORT to a free port, or METRICS_ENABLED=false"
            ) from reason
        self._run()

    def close(self, timeout: float = _CLOSE_S) -> None:
        """Stop within `timeout` seconds; the metrics are kept for the other processes."""
        thread = self._server_thread
        self._end()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def __enter__(self) -> MetricsEndpoint:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _bind_or_join(self) -> None:
        """Bind the port or, if a process of the group has it, join the group."""
        if self._wanted_port and any(each.port == self._wanted_port for each in _started):
            raise _BindError("this process serves metrics on it already")
        if self._sharing is not None and self._wanted_port and self._join(self._sharing):
            return
        self._listener = self._listener or self._listen(self._wanted_port)
        self.port = self._listener.getsockname()[1]
        if self._sharing is not None and not self._wanted_port:
            self._join(self._sharing)

    def _join(self, shared: SharedMetrics) -> bool:
        """Join the processes of a port; return False if the folder cannot be used, so that this process is alone."""
        group = shared.open(self.port)
        try:
            with group.locked():
                self._serve_group(group)
        except OSError as error:
            _log.warning("processes cannot share port %s: %s; this process serves only itself", self.port, error)
            shared.group = None
            return False
        self._shared = shared
        return True

    def _serve_group(self, group: ProcessGroup) -> None:
        """Join the locked group, and serve it if no process does."""
        if not group.joined:
            group.join()
        if self._listener is None and not group.is_held():
            self._listener = self._listen(self.port)
        if self._listener is not None:
            group.hold()

    def _listen(self, port: int) -> socket.socket:
        """Return a listening socket, on which connections wait from now on."""
        try:
            return listen(self.host, port, _BACKLOG)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise _BindError("another program uses it" if taken else f"{self.host}: {error}") from error

    def _run(self) -> None:
        _started.add(self)
        atexit.register(self._end)
        _register_finalizer(self)
        threading.Thread(target=self._watch, args=(self._stop,), name="odibi-endpoint", daemon=True).start()

    def _end(self) -> None:
        """Stop without waiting, as at the exit of the program."""
        if self in _started:
            _started.discard(self)
            atexit.unregister(self._end)
            self._release()

    def _release(self) -> None:
        """Leave the group, and close the server or the socket."""
        self._stop.set()
        if self._sharing is not None:
            with suppress(Exception):  # a full disk, unreadable metrics: an exit has no caller to inform
                self._sharing.leave()
        if self._server is not None:
            self._server.should_exit = True
        elif self._listener is not None:
            with suppress(OSError):  # close() alone would leave it listening while the thread waits on it
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self._begin()

    def _watch(self, stop: threading.Event) -> None:
        """Wait for the first connection, for the port, and for the time to write (body of the thread)."""
        stop.wait(_FIRST_WAIT_S)
        while not stop.is_set():
            try:
                listener = self._listener if self._server_thread is None else None
                if listener is None:
                    stop.wait(_TICK_S)
                elif _has_connection(listener) and not stop.is_set():
                    self._serve(listener)
                if self._shared is not None and not stop.is_set():
                    self._tick(self._shared, stop)
            except STOPS:
                raise
            except BaseException:
                if not stop.is_set():
                    self._log_failure()
                    stop.wait(_TICK_S)

    def _log_failure(self) -> None:
        """Log the first failure as a warning, and those of the repeated attempts at debug level."""
        level = logging.DEBUG if self._failed_before else logging.WARNING
        self._failed_before = True
        _log.log(level, "metrics cannot be served at the moment", exc_info=True)

    def _tick(self, shared: SharedMetrics, stop: threading.Event) -> None:
        group = shared.group
        assert group is not None  # opened by `_join`
        if not group.joined or not self.serving:
            with group.locked():
                if stop.is_set():
                    return
                with suppress(_BindError):  # another program was faster: the next tick tries again
                    self._serve_group(group)
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
        """Stand by in a forked child: the parent serves, and includes the metrics of its group."""
        if self not in _started:
            return
        shared, listener = self._shared, self._listener
        self._abandoned = self._server  # kept alive: collecting its loop would unregister the parent's sockets
        self._begin()
        if listener is not None:
            listener.close()
        if shared is not None and shared.group is not None:
            shared.begin()
            self._shared = shared
            self._run()
        else:
            _started.discard(self)


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """Return a listening socket that does not block, with room for so many waiting connections.

    Raises:
        OSError: The host has no such address, or the port is in use.
    """
    # Bytes: a text would load the codec of international names (benchmark: three lines).
    name = host.encode() if host.isascii() else host
    family, *_, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _has_connection(listener: socket.socket) -> bool:
    """Return true if a client connects within a tick. (`select.select` takes no descriptor above 1023.)"""
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
    """Serve the metrics of a `MetricsManager`, as one endpoint with all processes of the same port and folder.

    Args:
        metrics: The manager.
        root: Folder that the processes share.
        health: Returns the HTTP status and the report of the checks.
        host: Address to serve on.
        port: 0 for any free port.
        token: Bearer token that a scraper must send.

    Raises:
        ConfigurationError: If the port is not available, or as by `MetricsEndpoint`.
    """
    shared = SharedMetrics(metrics, root)
    endpoint = MetricsEndpoint(shared.collect, health, host=host, port=port, token=token, shared=shared)
    endpoint.open()
    return endpoint


_started: weakref.WeakSet[MetricsEndpoint] = weakref.WeakSet()


def _register_finalizer(endpoint: MetricsEndpoint) -> None:
    """Stop the endpoint at the end of a process of `multiprocessing`, which does not run `atexit`."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(endpoint, _finalize)
        _finalize(endpoint)


def _finalize(endpoint: MetricsEndpoint) -> None:
    util = sys.modules["multiprocessing.util"]
    util.Finalize(None, endpoint._end, exitpriority=0)
