"""The first page: the addresses of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core import html_page
from odibi_core.web.routes import OPENAPI, ROUTES

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response


def pages(version: str) -> list[Any]:
    """Return the routes of the pages."""
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    listed = [(each.path, each.summary) for each in ROUTES if each.method == "GET"]
    text = html_page.template(__package__ or "", "index.html.j2").render(
        version=version, routes=listed, openapi=OPENAPI
    )

    async def page(request: HttpRequest) -> Response:
        return HTMLResponse(text)

    return [Route("/", page)]
