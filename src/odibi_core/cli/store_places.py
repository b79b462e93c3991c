"""`odibi store export` and `move`: runs in another folder, and a store in another place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from odibi_core.cli import options, output, record
from odibi_core.errors import RunNotFoundError
from odibi_core.events.paths import absolute_path
from odibi_core.history.retention import size
from odibi_core.store.runs import RunStore, pipeline_of
from odibi_core.store.segments import safe_name

Destination = Annotated[str, typer.Argument(metavar="DEST", help="New or empty folder.", show_default=False)]


def export(
    dest: Destination,
    run: options.OnlyRun = None,
    pipeline: options.OnlyPipeline = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Write runs as JSON Lines and Parquet into DEST.

    DEST/jsonl has a file for each run. DEST is also a store: `--store DEST`
    reads it. Stories and sources of the runs are copied too.
    """
    from odibi_core.history.maintenance.exporting import export as export_runs

    if run:
        options.refuse("with --run", {"--pipeline": pipeline is not None})
    kept = record.open_store(store)
    run_ids = [record.find(kept, run)] if run else _of_pipeline(kept, pipeline)
    with output.waiting("exporting"):
        result = export_runs(kept, Path(absolute_path(dest)), run_ids)
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(result))
    else:
        runs, events = output.count(result.runs, "runs"), output.count(result.events, "events")
        output.write(output.console(), output.styled(f"{runs} with {events} exported to {result.root}"))
    if result.torn or result.unreadable:
        output.notice(f"{result.torn + result.unreadable:,} lines could not be read, and are not in the export")
    for problem in result.problems:
        output.notice(problem)


def _of_pipeline(kept: RunStore, pipeline: str | None) -> list[str]:
    """Return the ids of all runs, or of those of a pipeline."""
    ids = kept.ids()
    if pipeline is not None:
        ids = [run_id for run_id in ids if pipeline_of(run_id) == safe_name(pipeline, 40)]
    if not ids:
        what = f"no run of {pipeline!r}" if pipeline else "no run"
        raise RunNotFoundError(f"there is {what} in {kept.root}; `odibi runs` lists them")
    return ids


def move(dest: Destination, store: options.Store = None, format: options.Format = options.TextOrJson.text) -> None:
    """Move the store to DEST.

    Every file is copied, verified by its checksum, and only then removed from
    the old place. After an interruption, the same command continues. Set
    ODIBI_STORE__DIR to DEST afterwards.
    """
    from odibi_core.history.maintenance.moving import move as move_store

    kept = record.open_local(store)
    with output.waiting("moving"):
        result = move_store(kept, Path(absolute_path(dest)))
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(result))
    else:
        files = output.count(result.files, "files")
        output.write(output.console(), output.styled(f"{files} ({size(result.bytes)}) moved to {result.root}"))
    output.notice(f"set ODIBI_STORE__DIR={result.root}, so that runs are recorded there")
