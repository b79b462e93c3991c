"""`odibi metrics`: the metrics of a run, computed from its record."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from odibi_core import plugins
from odibi_core.cli import options, output, record
from odibi_core.events.clock import utc_now
from odibi_core.exporters.base import MetricsSnapshot
from odibi_core.views.metrics.view import MetricsView
from odibi_core.views.runs import RunsView


class MetricsFormat(StrEnum):
    """The form of the answer."""

    report = "report"
    prometheus = "prometheus"
    json = "json"


def metrics(
    run: options.Run = None,
    format: Annotated[
        MetricsFormat, typer.Option("--format", metavar="FORMAT", help="report, prometheus or json.")
    ] = MetricsFormat.report,
    store: options.Store = None,
) -> None:
    """Show the metrics of a run.

    Durations, rows, throughput, cache hits and failures, computed from the
    record: the same values as at the end of the run.
    """
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    view, runs = MetricsView(), RunsView()
    with output.waiting("reading the record"):
        for event in record.read(kept, run_id):
            view(event)
            runs(event)
    rows = runs.answer()
    at = (rows[0].last_event if rows else None) or utc_now()
    exporter = plugins.load("exporters", format.value)
    text = str(exporter().export(MetricsSnapshot(view=view, at=at)))
    typer.echo(output.for_stdout(text.removesuffix("\n")))
