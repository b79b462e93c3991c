"""The pages: one document for every address of a page, and the modules that draw them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from odibi_core import html_page
from odibi_core.viewer import asset_names, asset_text

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

_MEDIA: Final = {"js": "text/javascript", "css": "text/css"}
VIEWS: Final = (
    "/", "/runs", "/runs/{run}", "/runs/{run}/log", "/runs/{run}/metrics", "/pipelines/{name}",
    "/pipelines/{name}/steps/{step}", "/compare", "/datasets", "/sql", "/alerts", "/errors", "/errors/{fingerprint}",
    "/costs", "/checks", "/usage",
)  # fmt: skip
"""The addresses of pages. Each is the same document, whose script draws the view of the address."""


@cache
def assets() -> dict[str, bytes]:
    """Return the files that pages load by their names: those of the viewer, and the script that fetches documents."""
    own = [each.name for each in resources.files(__package__ or "").joinpath("assets").iterdir()]
    mine = {name: html_page.asset(__package__ or "", name).encode() for name in own if name.partition(".")[2] in _MEDIA}
    return mine | {name: asset_text(name).encode() for name in asset_names()}


def shell(version: str, *, is_static: bool = False) -> str:
    """Return the document of every page.

    Args:
        version: The version of odibi-core.
        is_static: True for pages without a server, which have one address.
    """
    root = "./" if is_static else "/"
    return html_page.template(__package__ or "", "shell.html.j2").render(
        version=version, root=root, is_static=is_static
    )


def pages(version: str) -> list[Any]:
    """Return the routes of the pages and their assets."""
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    text = shell(version)

    async def page(request: HttpRequest) -> Response:
        return HTMLResponse(text)

    return [*(Route(path, page) for path in VIEWS), Route("/assets/{name:path}", _asset)]


async def _asset(request: HttpRequest) -> Response:
    from starlette.responses import PlainTextResponse, Response

    name = request.path_params["name"]
    content = assets().get(name)  # a look-up among known names: no path is made of the request
    if content is None:
        return PlainTextResponse("there is no such file\n", 404)
    mark = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"etag": mark, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_MEDIA[name.rpartition(".")[2]])
