"""`odibi serve`: the pages of the history, and its API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from odibi_core import __version__
from odibi_core.cli import options, output, record
from odibi_core.events.paths import absolute_path
from odibi_core.settings import get_config, read_settings

if TYPE_CHECKING:
    from odibi_core.web.source import Source


def serve(
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="Address.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Port; 0: any.", show_default="7171")
    ] = None,
    static: Annotated[
        Path | None, typer.Option("--static", metavar="DIR", help="Write the pages as files instead.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the pages in the browser.")] = False,
    store: options.Store = None,
) -> None:
    """Serve the history as pages and as JSON.

    All pipelines, a run while it goes on, histories, comparisons, datasets,
    SQL, alerts, errors, costs. /api/openapi.json describes the API.

    Only this machine can reach it. Another --host needs a token
    (ODIBI_SERVE__TOKEN) or a reverse proxy (docs/serve.md). --static DIR
    writes the pages as files for any web server, and ends.
    """
    if static is not None:
        given = {"--host": host is not None, "--port": port is not None, "--open": open_it}
        options.refuse("with --static", given)
        _write(_source(store), static)
        return
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


def _write(source: Source, folder: Path) -> None:
    from odibi_core.web.static_files import write_static

    with output.waiting("writing the pages"):
        written = write_static(source, folder, __version__)
    source.close()
    left_out = "" if written.runs == written.runs_in_all else f" of {output.count(written.runs_in_all)}"
    output.notice(f"{output.count(written.files, 'files')}, with pages of the newest {written.runs:,} runs{left_out}")
    typer.echo(output.for_stdout(str(absolute_path(folder / "index.html"))))


def _source(store: str | None) -> Source:
    """Return the source of the server: the store, and for a shared one its synchronization."""
    from odibi_core.cli.shared_store import address_of
    from odibi_core.history.remote.opening import refresh_copy
    from odibi_core.web.source import Source

    kept = record.open_store(store)
    if address_of(store) is None:
        return Source(kept)
    settings = read_settings(store={"dir": store or None})
    return Source(kept, lambda report: refresh_copy(settings, report))
