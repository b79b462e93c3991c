"""The application: access first, then the API, the pages and their assets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, get_origin
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import msgspec

from odibi_core.errors import ConfigurationError, OdibiError, QueryError, RunNotFoundError
from odibi_core.events.sanitize import sanitize_text
from odibi_core.web import openapi, reports
from odibi_core.web.access import Access, Refusal, Request
from odibi_core.web.answers import Problem
from odibi_core.web.live import Hub
from odibi_core.web.queries import BusyError
from odibi_core.web.routes import OPENAPI, ROUTES, Route
from odibi_core.web.session import Session

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from odibi_core.web.access import AccessRules
    from odibi_core.web.source import Source

_log = logging.getLogger("odibi_core")
_LONGEST_BODY: Final = 64 << 10
_LONGEST_MESSAGE: Final = 2_000
_PATH: Final = "!$&'()*+,;=:@-._~"
"""Characters of a part of a path that need no percent encoding."""
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (RunNotFoundError, 404), (BusyError, 429), (QueryError, 400), (ConfigurationError, 400),
    (msgspec.ValidationError, 400), (msgspec.DecodeError, 400),
)  # fmt: skip


class _Front:
    """Middleware: the access rules, the form of the path, and headers of each response."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(part: Any) -> None:
            if part["type"] == "http.response.start":
                names = {name for name, _ in part["headers"]}
                added = [each for each in _HEADERS if each[0] not in names]
                if b"cache-control" not in names:
                    added.append((b"cache-control", b"no-store"))
                part["headers"] = [*part["headers"], *added]
            await send(part)

        app: ASGIApp = self._app
        request = _facts(scope)
        decision = self._rules.decide(request)
        scope["path"] = _canonical(scope)
        scope["state"] = {**scope.get("state", {}), "request": request}
        if isinstance(decision, Access):
            scope["state"]["access"] = decision
        elif not (decision.status == 401 and scope["path"] == "/login"):
            app = _refused(decision, request)
        await app(scope, receive, send_with_headers)


def _facts(scope: Scope) -> Request:
    from starlette.requests import cookie_parser

    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        headers[name] = "" if name in headers else value.decode("latin-1")
    client = scope.get("client")
    return Request(
        scope["method"], scope["path"], client[0] if client else "", headers, cookie_parser(headers.get("cookie", ""))
    )


def _canonical(scope: Scope) -> str:
    """Return the path with its parts percent-encoded, so that a name may have a slash in it."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    parts = raw.partition(b"?")[0].split(b"/")
    return "/".join(quote(unquote_to_bytes(part), safe=_PATH) for part in parts)


def _refused(refusal: Refusal, request: Request) -> ASGIApp:
    from starlette.responses import RedirectResponse

    wants_page = "text/html" in request.headers.get("accept", "") and not request.path.startswith("/api/")
    if refusal.status == 401 and wants_page and request.method == "GET":
        return RedirectResponse("/login", 303)
    response = _problem(refusal.status, refusal.message)
    if refusal.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response


def application(source: Source, rules: AccessRules, version: str) -> Starlette:
    """Return the application.

    Args:
        source: The store.
        rules: The access rules.
        version: The version of odibi-core.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route as HttpRoute

    from odibi_core.web.pages import pages

    hub, described = Hub(source), msgspec.json.encode(openapi.document(ROUTES, version))

    async def api_document(request: HttpRequest) -> Response:
        return _json(described)

    async def scraped(request: HttpRequest) -> Response:
        from starlette.responses import Response

        text = await _in_thread(lambda: reports.prometheus(source))
        return Response(text, media_type="text/plain; version=0.0.4")

    async def state(request: HttpRequest) -> Response:
        is_there = await _in_thread(lambda: source.store.root.is_dir())
        return _json({"status": "healthy" if is_there else "unhealthy"}, 200 if is_there else 503)

    session = Session(rules)
    app = Starlette(
        routes=[
            HttpRoute(OPENAPI, _guarded(api_document)),
            *(HttpRoute(each.path, _guarded(_endpoint(each, source, hub)), methods=[each.method]) for each in ROUTES),
            HttpRoute("/metrics", _guarded(scraped)),
            HttpRoute("/health", _guarded(state)),
            HttpRoute("/login", _guarded(session.login), methods=["GET", "POST"]),
            HttpRoute("/logout", _guarded(session.logout), methods=["POST"]),
            *pages(version),
        ],
        middleware=[Middleware(_Front, rules=rules)],
        exception_handlers={404: _not_found, 405: _not_allowed},
    )
    app.router.redirect_slashes = False
    return app


async def _not_found(request: HttpRequest, error: Exception) -> Response:
    return _problem(404, "there is no such page; /api/openapi.json lists the API")


async def _not_allowed(request: HttpRequest, error: Exception) -> Response:
    return _problem(405, f"the method {request.method} is not allowed here")


def _endpoint(route: Route, source: Source, hub: Hub) -> Any:
    if route.call is None:

        async def stream(request: HttpRequest) -> Response:
            from starlette.responses import StreamingResponse

            (wanted,) = _parts(request)
            run_id = await _in_thread(lambda: source.find(wanted))
            last_id = request.headers.get("last-event-id", "")
            headers = {"x-accel-buffering": "no"}
            return StreamingResponse(hub.events(run_id, last_id), media_type="text/event-stream", headers=headers)

        return stream
    call = route.call

    async def answer(request: HttpRequest) -> Response:
        parts = _parts(request)
        if route.method == "GET":
            asked = _asked(request.url.query, route.asked)
            return _json(await _in_thread(lambda: call(source, asked, *parts)))
        body = msgspec.json.decode(await _body(request), type=route.asked)
        user = request.state.access.user
        return _json(await _in_thread(lambda: call(source, body, user, *parts)))

    return answer


def _parts(request: HttpRequest) -> list[str]:
    return [unquote_to_bytes(part).decode("utf-8", "replace") for part in request.path_params.values()]


def _asked(query: str, kind: type[Any]) -> Any:
    """Return the parameters of a query string, checked by their type."""
    lists = {field.name for field in msgspec.structs.fields(kind) if get_origin(_bare(field.type)) is list}
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=100):
        if name in lists:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise ConfigurationError(f"{name[:80]} must be given once; it is there several times")
        else:
            found[name] = value
    return msgspec.convert(found, kind, strict=False)


def _bare(kind: Any) -> Any:
    return getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind


async def _body(request: HttpRequest) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ConfigurationError("the header Content-Type must be application/json")
    found = b""
    async for part in request.stream():
        found += part
        if len(found) > _LONGEST_BODY:
            raise ConfigurationError(f"the body must have at most {_LONGEST_BODY:,} bytes")
    return found


async def _in_thread(call: Callable[[], Any]) -> Any:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(call)


def _guarded(endpoint: Any) -> Any:
    async def guarded(request: HttpRequest) -> Response:
        try:
            response: Response = await endpoint(request)
        except Exception as error:
            return _of_error(error)
        return response

    return guarded


def _of_error(error: Exception) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
    if status is None:
        _log.exception("a request could not be answered")
        expected = isinstance(error, OdibiError | OSError)
        message = str(error) if expected else f"internal error of odibi-core: {type(error).__name__}"
        return _problem(500, message)
    return _problem(status, str(error))


def _problem(status: int, message: str) -> Response:
    # A message may quote what a client gave.
    return _json(Problem(error=sanitize_text(message)[:_LONGEST_MESSAGE]), status)


def _json(body: Any, status: int = 200) -> Response:
    from starlette.responses import Response

    content = body if isinstance(body, bytes) else msgspec.json.encode(body, enc_hook=str)
    return Response(content, status, media_type="application/json")
