"""`SocketSender`: messages by UDP, TCP or a socket of the file system, with errors as outcomes."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from odibi_core import _fork
from odibi_core.delivery import SENT, Outcome, refused, try_again
from odibi_core.errors import ConfigurationError

_REASONS: Final = {
    errno.ENOENT: "no_socket",
    errno.ECONNREFUSED: "connection_refused",
    errno.EACCES: "not_allowed",
    errno.ENOBUFS: "busy",
    errno.EAGAIN: "busy",
}


class SocketSender:
    """The way to one address, with a connection that is kept open.

    Args:
        kind: `udp`, `tcp` or `unix`.
        host: The host, or the path of a socket.
        port: The port; 0 for a path.
        setting: The setting that has the address, for messages.

    Raises:
        ConfigurationError: This system has no sockets in the file system.
    """

    def __init__(self, kind: str, host: str, port: int = 0, *, setting: str) -> None:
        if kind == "unix" and not hasattr(socket, "AF_UNIX"):
            raise ConfigurationError(f"{setting} must be udp://host or tcp://host here: this system has no {host}")
        self.kind, self.host, self.port, self.setting = kind, host, port, setting
        self.shown = host if kind == "unix" else f"{kind}://{host}:{port}"
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Begin without a connection; fork: the parent's belongs to the parent."""
        self._socket: Any = None

    def send(self, messages: Sequence[bytes], within_s: float, shorter: Callable[[int], bytes]) -> Outcome:
        """Send messages; `shorter` returns the short form of one, by its place, for a socket that takes no long one."""
        lost = 0
        try:
            own = self._socket = self._socket or self._connected(within_s)
            own.settimeout(within_s)
            if self.kind == "tcp":
                own.sendall(b"".join(b"%d %b" % (len(message), message) for message in messages))  # RFC 6587, 3.4.1
                return SENT
            for place, message in enumerate(messages):
                lost += not (_sent(own, message) or _sent(own, shorter(place)))
        except OSError as error:
            self.close()
            reason = "timeout" if isinstance(error, TimeoutError) else _REASONS.get(error.errno or 0, "not_sent")
            return try_again(reason, f"{self.shown} takes nothing ({error}); check {self.setting}")
        return refused(lost, "too_long", f"{lost} messages are too long for {self.shown}") if lost else SENT

    def _connected(self, within_s: float) -> socket.socket:
        if self.kind == "tcp":
            return socket.create_connection((self.host, self.port), within_s)
        if self.kind == "unix":
            found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            address: Any = self.host
        else:
            family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
            found = socket.socket(family, kind, protocol)
        try:
            found.connect(address)
        except BaseException:
            found.close()
            raise
        return found

    def close(self) -> None:
        """Close the connection; the next message opens it again."""
        own, self._socket = self._socket, None
        if own is not None:
            with suppress(OSError):
                own.close()


def _sent(own: socket.socket, message: bytes) -> bool:
    """Send a datagram; return False if it is too long."""
    try:
        own.send(message)
    except OSError as error:
        if error.errno != errno.EMSGSIZE:
            raise
        return False
    return True
