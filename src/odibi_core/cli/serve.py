"""`odibi serve`: the pages of the history, and its API."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from odibi_core import __version__
from odibi_core.cli import options, output, record
from odibi_core.settings import get_config, read_settings

_log = logging.getLogger("odibi_core")

if TYPE_CHECKING:
    from odibi_core.web.source import Source


def serve(
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Address.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0: any.", show_default="7171")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the pages in the browser.")] = False,
    store: options.Store = None,
) -> None:
    """Serve the history as pages and as JSON.

    All pipelines, a run while it goes on, histories, comparisons, datasets,
    SQL, alerts, errors, costs. /api/openapi.json describes the API.

    Only this machine can reach it. Another --host needs a token
    (ODIBI_SERVE__TOKEN) or a reverse proxy (docs/serve.md).
    """
    from odibi_core.web.access import AccessRules
    from odibi_core.web.app import application
    from odibi_core.web.serving import listen, serve

    settings = get_config().section("serve")
    settings = replace(settings, host=host or settings.host, port=settings.port if port is None else port)
    rules = AccessRules(settings)
    source = _source(store)
    listener = listen(settings.host, settings.port)
    address = f"http://{settings.host}:{listener.getsockname()[1]}/"

    def started() -> None:
        output.notice(f"serving {source.store.root} at {address}; Ctrl-C ends it")
        if open_it:
            import webbrowser

            webbrowser.open(address)

    try:
        serve(application(source, rules, __version__), listener, started)
    finally:
        source.close()


def _source(store: str | None) -> Source:
    """Return the source of the server: the store, and for a shared one its synchronization."""
    from odibi_core.history.remote.opening import open_copy
    from odibi_core.web.source import Source

    kept = record.open_store(store)
    settings = read_settings(store={"dir": store or None})
    if not settings.store.url or (store and "://" not in store):
        return Source(kept)
    return Source(kept, lambda: open_copy(settings, _log.debug))
