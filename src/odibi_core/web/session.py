"""Signing in by a token: a form whose answer is a session cookie that no script can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from odibi_core import html_page
from odibi_core.web.access import COOKIE, AccessRules

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

_LONGEST: Final = 10_000
_DAYS: Final = 30


class Session:
    """The routes `/login` and `/logout`."""

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules

    async def login(self, request: HttpRequest) -> Response:
        """Show the form, or set the cookie for a right token."""
        from starlette.responses import RedirectResponse

        if request.method == "GET":
            return self._form(200, "")
        if not self._rules.is_change_allowed(request.state.request):
            return self._form(403, "The form must be sent by this page.")
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LONGEST:
                return self._form(400, "The form is too long.")
        given = dict(parse_qsl(body.decode("utf-8", "replace"))).get("token", "")
        cookie = self._rules.sign_in(given.strip())
        if cookie is None:
            return self._form(401, "This is not the token of this server.")
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, cookie, max_age=_DAYS * 86_400, httponly=True, samesite="strict", path="/",
            secure=request.headers.get("origin", "").startswith("https://"),
        )  # fmt: skip
        return response

    async def logout(self, request: HttpRequest) -> Response:
        """Delete the cookie."""
        from starlette.responses import RedirectResponse

        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    def _form(self, status: int, problem: str) -> Response:
        from starlette.responses import HTMLResponse

        page = html_page.template(__package__ or "", "login.html.j2").render(
            problem=problem, has_token=self._rules.has_token
        )
        return HTMLResponse(page, status)
