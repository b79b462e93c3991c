"""`odibi export openlineage`: a run as events of OpenLineage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odibi_core import private_files
from odibi_core.cli import options, output, record
from odibi_core.events.paths import absolute_path
from odibi_core.settings import read_settings


def openlineage(
    run: options.Run = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Output file.", show_default="stdout")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", metavar="TEXT", help="Namespace of the jobs.", show_default="settings")
    ] = None,
    store: options.Store = None,
) -> None:
    """Write a run as events of OpenLineage, one JSON document a line.

    The run and each of its steps have a start and an end, with schemas,
    column lineage, statistics, checks, source code and errors. A killed run
    has its events up to the last one that was recorded. The same run always
    has the same events.
    """
    from odibi_core.openlineage import openlineage_events
    from odibi_core.store.sources import SourceStore

    own = read_settings().openlineage
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    with output.waiting("reading the run"):
        found = list(
            openlineage_events(
                record.read(kept, run_id), namespace or own.namespace,
                SourceStore(kept.root).text_of, own.producer,
            )
        )  # fmt: skip
    if out is None:
        output.write_json_lines(found)
        return
    target = absolute_path(out)
    lines = b"".join(output.as_json(event) + b"\n" for event in found)
    private_files.write_atomic(target, lines)
    output.notice(f"{len(found):,} events were written")
    typer.echo(output.for_stdout(str(target)))
