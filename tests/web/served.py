"""The application over a store, asked in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from odibi_core.settings.serve_section import Serve
from odibi_core.store.runs import RunStore
from odibi_core.web.access import AccessRules
from odibi_core.web.app import application
from odibi_core.web.source import Source

ADDRESS = "http://127.0.0.1:7171"
SAME = {"origin": ADDRESS, "sec-fetch-site": "same-origin"}


def client(root: Path, peer: str = "127.0.0.1", **settings: Any) -> TestClient:
    """Return a client of a server over a store; a redirect is not followed, an error of the server is an answer."""
    app = application(Source(RunStore(root)), AccessRules(Serve(**settings)), "0")
    return TestClient(
        app, base_url=ADDRESS, raise_server_exceptions=False, follow_redirects=False, client=(peer, 50_000)
    )
