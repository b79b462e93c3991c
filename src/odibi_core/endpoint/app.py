"""The web application of the endpoint: `/metrics`, `/health` and an index page; loaded by the first connection."""

from __future__ import annotations

import asyncio
import gzip
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec

from odibi_core.endpoint.access_policy import AccessPolicy
from odibi_core.endpoint.negotiation import accepts_gzip
from odibi_core.events import sanitize_value

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

Collect: TypeAlias = Callable[[str], tuple[bytes, str]]
"""Returns the text and its media type for the `Accept` header of a request."""
Health: TypeAlias = Callable[[], tuple[int, dict[str, Any]]]
"""Returns the HTTP status and the report of the checks."""
_T = TypeVar("_T")
_log = logging.getLogger("odibi_core")
_INDEX: Final = (
    "<!doctype html><title>odibi-core</title><h1>odibi-core</h1>"
    '<p><a href="metrics">/metrics</a> <a href="health">/health</a></p>'
)
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'"),
    # fork: a connection kept open would live on in a forked child, and delay the end of the client.
    (b"connection", b"close"),
)


class _AccessMiddleware:
    """Middleware that applies the access policy and adds headers to each response."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import PlainTextResponse

        async def send_with_headers(part: Any) -> None:
            if part["type"] == "http.response.start":
                part["headers"] = [*part["headers"], *_HEADERS]
            await send(part)

        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        refusal = self._policy.refusal(
            *(headers.get(name, b"").decode("latin-1") for name in (b"host", b"authorization"))
        )
        app: ASGIApp = self._app
        if refusal is not None:
            status, message = refusal
            challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None
            app = PlainTextResponse(f"{message}\n", status, challenge)
        await app(scope, receive, send_with_headers)


def application(collect: Collect, health: Health | None, policy: AccessPolicy) -> Starlette:
    """Return the application. Without a token `/health` has only the status: details name paths and free space."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import HTMLResponse, PlainTextResponse, Response
    from starlette.routing import Route

    async def metrics(request: Request) -> Response:
        use_gzip = accepts_gzip(request.headers.get("accept-encoding", ""))

        def answer() -> Response:
            body, media = collect(request.headers.get("accept", ""))
            headers = {"Content-Type": media, "Vary": "Accept, Accept-Encoding"}
            if use_gzip:
                headers["Content-Encoding"] = "gzip"
                body = gzip.compress(body, 6, mtime=0)
            return Response(body, headers=headers)

        return await _guarded(answer, "metrics could not be collected")

    async def state(request: Request) -> Response:
        def answer() -> Response:
            status, report = health() if health is not None else (200, {"status": "unknown", "checks": {}})
            body = report if policy.token else {"status": report.get("status")}
            return Response(msgspec.json.encode(sanitize_value(body)), status, media_type="application/json")

        return await _guarded(answer, "health could not be checked")

    async def index(request: Request) -> Response:
        return HTMLResponse(_INDEX)

    async def _guarded(answer: Callable[[], Response], problem: str) -> Response:
        try:
            return await run_in_thread(answer)
        except Exception:
            _log.exception("%s", problem)
            return PlainTextResponse(f"{problem}: see the program's log\n", 500)

    routes = [Route("/metrics", metrics), Route("/health", state), Route("/", index)]
    app = Starlette(routes=routes, middleware=[Middleware(_AccessMiddleware, policy=policy)])
    app.router.redirect_slashes = False
    return app


def run_in_thread(call: Callable[[], _T]) -> Awaitable[_T]:
    """Run a slow call on a new daemon thread, so that the end of the program does not wait for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def resolve(result: Any, error: BaseException | None) -> None:
        if not done.done():
            done.set_result(result) if error is None else done.set_exception(error)

    def work() -> None:
        result: Any = None
        failure: BaseException | None = None
        try:
            result = call()
        except BaseException as error:  # the response waits for it, and a panic or an exit would end the server
            failure = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
        try:
            loop.call_soon_threadsafe(resolve, result, failure)
        except RuntimeError:
            pass  # the server ended meanwhile

    threading.Thread(target=work, name="odibi-endpoint-answer", daemon=True).start()
    return done
