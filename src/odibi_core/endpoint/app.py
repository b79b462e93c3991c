"""What the endpoint answers: `/metrics`, `/health` and a page that leads there. Loaded by the first connection."""

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
"""From a request's `Accept` to the text and its media type."""
Health: TypeAlias = Callable[[], tuple[int, dict[str, Any]]]
"""The HTTP status and what is said of the checks."""
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
    # A connection each: one that is kept open would outlive a forked child's copy of it, and hold up the end.
    (b"connection", b"close"),
)


class _AccessMiddleware:
    """Middleware that applies the access policy and adds headers to each response."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.responses import PlainTextResponse

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        refusal = self._policy.refusal(
            *(headers.get(name, b"").decode("latin-1") for name in (b"host", b"authorization"))
        )
        app: ASGIApp = self._app
        if refusal is not None:
            status, sentence = refusal
            asking = {"WWW-Authenticate": "Bearer"} if status == 401 else None
            app = PlainTextResponse(f"{sentence}\n", status, asking)
        await app(scope, receive, send_with_headers)


def application(collect: Collect, health: Health | None, policy: AccessPolicy) -> Starlette:
    """Return the application. Without a token `/health` has the status only: details name paths and free space."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import HTMLResponse, PlainTextResponse, Response
    from starlette.routing import Route

    async def metrics(request: Request) -> Response:
        packed = accepts_gzip(request.headers.get("accept-encoding", ""))

        def answer() -> Response:
            body, media = collect(request.headers.get("accept", ""))
            headers = {"Content-Type": media, "Vary": "Accept, Accept-Encoding"}
            if packed:
                headers["Content-Encoding"] = "gzip"
                body = gzip.compress(body, 6, mtime=0)
            return Response(body, headers=headers)

        return await _guarded(answer, "metrics could not be collected")

    async def state(request: Request) -> Response:
        def answer() -> Response:
            status, report = health() if health is not None else (200, {"status": "unknown", "checks": {}})
            body = report if policy.token else {"status": report.get("status")}
            return Response(msgspec.json.encode(sanitize_value(body)), status, media_type="application/json")

        return await _guarded(answer, "health could not be asked for")

    async def index(request: Request) -> Response:
        return HTMLResponse(_INDEX)

    async def _guarded(answer: Callable[[], Response], trouble: str) -> Response:
        try:
            return await aside(answer)
        except Exception:
            _log.exception("%s", trouble)
            return PlainTextResponse(f"{trouble}: see the program's log\n", 500)

    routes = [Route("/metrics", metrics), Route("/health", state), Route("/", index)]
    app = Starlette(routes=routes, middleware=[Middleware(_AccessMiddleware, policy)])
    app.router.redirect_slashes = False
    return app


def aside(call: Callable[[], _T]) -> Awaitable[_T]:
    """Run something slow on a daemon thread of its own, which nothing waits for when the program ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if not done.done():
            done.set_result(result) if error is None else done.set_exception(error)

    def work() -> None:
        result: Any = None
        trouble: BaseException | None = None
        try:
            result = call()
        except BaseException as error:  # the answer waits for it, and a panic or an exit would end the server
            trouble = error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
        try:
            loop.call_soon_threadsafe(settle, result, trouble)
        except RuntimeError:
            pass  # the server ended meanwhile: nobody waits any more

    threading.Thread(target=work, name="odibi-endpoint-answer", daemon=True).start()
    return done
