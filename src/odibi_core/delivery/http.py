"""`HttpClient`: the one HTTP client of all exporters, on urllib3.

urllib3 has no dependency of its own, and `sentry-sdk`, `requests` and the object stores bring it already. Its import
takes two thirds of the time of httpx and half of that of requests (benchmarks/outside.py). It has a timeout for each
read and none for a whole answer: a server that sends a byte a second would hold its client for hours. So a timer ends
the connection at the deadline.

Redirects are refused, answers are read up to a bound, and credentials of a URL go into a header and into no message.
"""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from odibi_core import _fork
from odibi_core.delivery.base import SENT, Outcome, refused, try_again
from odibi_core.delivery.urls import shown_url, split_url
from odibi_core.errors import ConfigurationError
from odibi_core.events.clock import utc_now

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

LONGEST_ANSWER: Final = 64 << 10
"""Bytes of an answer that are read."""
RETRIED: Final = frozenset({429, 502, 503, 504})
"""Answers after which the same request may be sent again, as OTLP and most others have it."""
WEB_PAGE: Final = "web_page"
"""The reason of a success whose answer is a web page."""
_CONNECT_S: Final = 3.0
_GZIP_FROM: Final = 512
"""Bytes below which compression saves nothing."""


class HttpError(Exception):
    """No answer came. `reason` is one of a few words; the message names the address, the setting and the fix."""

    def __init__(self, reason: str, message: str, *, is_retryable: bool = True) -> None:
        super().__init__(message)
        self.reason = reason
        self.is_retryable = is_retryable


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a server, up to the bound."""

    status: int
    body: bytes
    content_type: str
    retry_after_s: float | None

    @property
    def is_page(self) -> bool:
        """True for HTML: by its type, or by its first characters."""
        return "html" in self.content_type.lower() or self.body.lstrip()[:1] == b"<"


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates: each a path of a PEM file; empty for the system's."""

    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""


NO_TLS: Final = Tls()


class _Deadline:
    """Ends the connection of a request when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.connection: Any = None
        self.is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        with suppress(RuntimeError):  # at the end of the interpreter no thread starts: the delivery has its own bound
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        sock = getattr(self.connection, "sock", None)
        if isinstance(sock, socket.socket):
            with suppress(OSError):  # not the method of `SSLSocket`, which changes what the other thread reads from
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


_deadline: ContextVar[_Deadline | None] = ContextVar("odibi_core_deadline", default=None)


class _PrivateAddressError(Exception):
    """The address of a server that must be a public one is not."""


def _refuse_private(addresses: Iterable[str]) -> None:
    """Raise `_PrivateAddressError` unless every address can be reached from everywhere."""
    import ipaddress

    for address in addresses:
        if not ipaddress.ip_address(address.partition("%")[0]).is_global:
            raise _PrivateAddressError(address)


class _Watched:
    """The part of a connection that makes itself known to the deadline of its request."""

    public_only = False

    def connect(self) -> None:
        self._watch()
        super().connect()  # type: ignore[misc]

    def _new_conn(self) -> socket.socket:
        """Open the socket; of a public server, look at its address before and after: a name may change in between."""
        if self.public_only:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)  # type: ignore[attr-defined]
            _refuse_private(str(each[4][0]) for each in found)
        opened: socket.socket = super()._new_conn()  # type: ignore[misc]
        if self.public_only:
            try:
                _refuse_private([opened.getpeername()[0]])
            except _PrivateAddressError:
                opened.close()
                raise
        return opened

    def request(self, *arguments: Any, **named: Any) -> None:
        self._watch()
        super().request(*arguments, **named)  # type: ignore[misc]

    def _watch(self) -> None:
        deadline = _deadline.get()
        if deadline is not None:
            deadline.connection = self


class HttpClient:
    """A client of one server, with one connection that is kept open.

    Args:
        url: `http(s)://[user:password@]host[:port][/path]`.
        setting: The setting that has the URL, for messages.
        headers: Headers of every request.
        tls: Certificates.
        compress: Send bodies as gzip.
        connect_s: Timeout for connecting.
        public_only: Refuse a server of a private network: for a URL that data chose. No proxy is used then.

    Raises:
        ConfigurationError: The URL is invalid, or a certificate's file cannot be read.
    """

    def __init__(
        self,
        url: str,
        *,
        setting: str,
        headers: Mapping[str, str] | None = None,
        tls: Tls = NO_TLS,
        compress: bool = False,
        connect_s: float = _CONNECT_S,
        public_only: bool = False,
    ) -> None:
        parts = split_url(url)
        if parts is None:
            raise ConfigurationError(
                f"{setting} must be a URL http://<host>:<port> or https://…, got {shown_url(url)!r}"
            )
        self.setting = setting
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        self.shown = shown_url(url)
        self._headers = dict(headers or {})
        if parts.username is not None:
            given = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {b64encode(given).decode()}"
        self._tls, self._compress, self._connect_s = tls, compress, connect_s
        self._public_only = public_only
        self._options = tls_options(tls, setting)
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Begin without a connection; fork: the parent's connection belongs to the parent."""
        self._pool: PoolManager | None = None

    def request(
        self,
        method: str,
        body: bytes | None = None,
        *,
        url: str = "",
        headers: Mapping[str, str] | None = None,
        within_s: float = 10.0,
    ) -> Answer:
        """Send one request and return its answer, whatever its status; never follow a redirect.

        Args:
            method: `POST`, `GET` ….
            body: The body.
            url: Another URL of the same server.
            headers: Headers of this request.
            within_s: Seconds for all of it: connecting, sending and reading.

        Raises:
            HttpError: No answer came within that time.
        """
        import urllib3

        sent_headers = {**self._headers, **(headers or {})}
        if body is not None and self._compress and len(body) >= _GZIP_FROM:
            import gzip

            body, sent_headers["Content-Encoding"] = gzip.compress(body, 5, mtime=0), "gzip"
        timeout = urllib3.Timeout(connect=min(self._connect_s, within_s), read=within_s)
        self._pool = self._pool or _new_pool(url or self.url, self._options, self._public_only)
        with _Deadline(within_s) as deadline:
            token = _deadline.set(deadline)
            try:
                response = self._pool.urlopen(
                    method, url or self.url, body=body, headers=sent_headers, timeout=timeout,
                    retries=False, redirect=False, preload_content=False,
                )  # fmt: skip
                return _answer(response)
            except Exception as error:  # urllib3's, OSError, and what a socket that was shut down raises elsewhere
                raise self._failure(error, within_s, is_over=deadline.is_over) from None
            finally:
                _deadline.reset(token)

    def post(
        self, body: bytes, *, headers: Mapping[str, str] | None = None, within_s: float = 10.0, url: str = ""
    ) -> Answer:
        """Send a body by POST; see `request`."""
        return self.request("POST", body, url=url, headers=headers, within_s=within_s)

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.clear()

    def _failure(self, error: Exception, within_s: float, *, is_over: bool) -> HttpError:
        from urllib3 import exceptions

        self.close()
        where = self.shown
        cause = getattr(error, "reason", None) or error.__cause__ or error
        if isinstance(error, exceptions.SSLError) or "CERTIFICATE" in str(error):
            return HttpError(
                "certificate",
                f"the certificate of {where} is not accepted ({_short(cause)}); check {self.setting}, "
                "or give the file of its certificate authority",
            )
        if isinstance(error, exceptions.NameResolutionError):
            return HttpError("unknown_host", f"the host of {where} is not known; check {self.setting}")
        if isinstance(error, _PrivateAddressError):
            problem = f"{where} is in a private network; {self.setting} may not name one"
            return HttpError("private_address", problem, is_retryable=False)
        if isinstance(error, exceptions.NewConnectionError):
            return HttpError("connection_refused", f"nothing listens at {where}; check {self.setting}")
        if isinstance(error, exceptions.ConnectTimeoutError):
            return HttpError("timeout", f"{where} does not answer; check {self.setting} and the network")
        if is_over or isinstance(error, exceptions.TimeoutError):
            return HttpError("timeout", f"{where} did not answer within {within_s:.3g} s")
        if isinstance(error, exceptions.LocationParseError | exceptions.InvalidHeader | ValueError):
            return HttpError("invalid", f"the request to {where} is invalid; check {self.setting}", is_retryable=False)
        return HttpError("connection_failed", f"{where} ended the connection or does not speak HTTP ({_short(cause)})")


def outcome_of(
    client: HttpClient,
    count: int,
    body: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    within_s: float = 10.0,
    retried: Collection[int] = RETRIED,
    url: str = "",
) -> tuple[Outcome, Answer | None]:
    """Send a batch of `count` items as one body by POST; return its outcome, and the answer if one came.

    A protocol with a partial success reads it in the answer. A web page is the answer of a proxy or a wrong address,
    so it is no success.
    """
    try:
        answer = client.post(body, headers=headers, within_s=within_s, url=url)
    except HttpError as error:
        lost = try_again(error.reason, str(error)) if error.is_retryable else refused(count, error.reason, str(error))
        return lost, None
    if 200 <= answer.status < 300:
        if not answer.is_page:
            return SENT, answer
        problem = f"{client.shown} answered {answer.status} with a web page; check {client.setting}"
        return refused(count, WEB_PAGE, problem), answer
    detail = f"{client.shown} answered {answer.status}{_hint(answer.status, client.setting)}"
    if answer.status in retried:
        return try_again(f"http_{answer.status}", detail, answer.retry_after_s), answer
    return refused(count, f"http_{answer.status}", detail), answer


def _hint(status: int, setting: str) -> str:
    if 300 <= status < 400:
        return f", a redirect, which is refused; set {setting} to the final address"
    if status in (401, 403):
        return f"; check the token or password for {setting}"
    if status in (404, 405):
        return f"; check the path of {setting}"
    return ""


def _short(error: object) -> str:
    text = str(error).replace("\n", " ")
    return (text.rpartition(": ")[2] or type(error).__name__)[:120]


def _answer(response: BaseHTTPResponse) -> Answer:
    """Read an answer up to the bound. A longer one ends its connection."""
    body = response.read(LONGEST_ANSWER + 1)
    if len(body) > LONGEST_ANSWER:
        response.close()
    else:
        response.release_conn()
    return Answer(
        response.status,
        body[:LONGEST_ANSWER],
        response.headers.get("Content-Type", ""),
        _retry_after(response.headers.get("Retry-After", "")),
    )


def _retry_after(text: str) -> float | None:
    """Return the seconds of a `Retry-After`, which is a number or a date; None for anything else."""
    from email.utils import parsedate_to_datetime

    text = text.strip()[:64]
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - utc_now()).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def tls_options(tls: Tls, setting: str) -> dict[str, Any]:
    """Return urllib3's options for certificates. Raises `ConfigurationError` if a file cannot be read."""
    options = {"ca_certs": tls.ca_file, "cert_file": tls.client_cert, "key_file": tls.client_key}
    for path in options.values():
        if path:
            try:
                open(path, "rb").close()
            except OSError as error:
                raise ConfigurationError(
                    f"the certificates for {setting} must be readable files, got {path!r} ({error.strerror})"
                ) from None
    return {name: path for name, path in options.items() if path}


def _new_pool(url: str, options: Mapping[str, Any], public_only: bool) -> PoolManager:
    """Create a pool of one connection, through the proxy of the environment if there is one."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Connection(_Watched, HTTPConnection): ...

    class SecureConnection(_Watched, HTTPSConnection): ...

    Connection.public_only = SecureConnection.public_only = public_only

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    parsed = urllib3.util.parse_url(url)
    proxy = None if public_only or proxy_bypass(parsed.host or "") else getproxies().get(parsed.scheme or "")
    pool = urllib3.ProxyManager(proxy, maxsize=1, **options) if proxy else urllib3.PoolManager(maxsize=1, **options)
    pool.pool_classes_by_scheme = {"http": Pool, "https": SecurePool}
    return pool
