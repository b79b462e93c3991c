"""`odibi export otlp`: a run as OTLP, in the lines of its file format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from odibi_core import private_files
from odibi_core.cli import options, output, record
from odibi_core.events.paths import absolute_path
from odibi_core.settings import get_config


class Signal(StrEnum):
    """A signal of OpenTelemetry."""

    traces = "traces"
    metrics = "metrics"
    logs = "logs"


def otlp(
    run: options.Run = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder for the files.", show_default="stdout")
    ] = None,
    signal: Annotated[
        list[Signal] | None, typer.Option("--signal", metavar="NAME", help="traces, metrics, logs.", show_default="all")
    ] = None,
    store: options.Store = None,
) -> None:
    """Write a run as OTLP: traces, metrics and logs, as JSON lines.

    The lines are those of OpenTelemetry's file format, which a collector
    reads (receiver otlpjsonfile): DIR gets one file a signal. The run is
    the root span, its steps are children; the ids are those that were sent
    while the run was live. A killed run has the spans of all steps that
    began. Give --signal again for a second one.
    """
    from odibi_core.otlp.files import otlp_lines
    from odibi_core.otlp.targets import resource_of
    from odibi_core.store.sources import SourceStore

    wanted = [each.value for each in signal or Signal]
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    with output.waiting("reading the run"):
        source_of = SourceStore(kept.root).text_of
        lines = otlp_lines(record.read(kept, run_id), resource_of(get_config()), wanted, source_of)
    if out is None:
        for requests in lines.values():
            for line in requests:
                typer.echo(output.for_stdout(line.decode()))
        return
    for name, requests in lines.items():
        target = absolute_path(out) / f"{name}.jsonl"
        private_files.write_atomic(target, b"".join(line + b"\n" for line in requests))
        typer.echo(output.for_stdout(str(target)))
