"""`odibi store export` and `move`: runs in another folder or in a database, and a store in another place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from odibi_core.cli import options, output, record
from odibi_core.cli.store_database import Wanted, export_to_database
from odibi_core.errors import ConfigurationError, RunNotFoundError
from odibi_core.events.paths import absolute_path
from odibi_core.history.retention import size
from odibi_core.settings import get_config
from odibi_core.store.runs import RunStore, pipeline_of
from odibi_core.store.segments import safe_name

Destination = Annotated[str, typer.Argument(metavar="DEST", help="New or empty folder.", show_default=False)]


def export(
    dest: Annotated[str | None, typer.Argument(metavar="DEST", help="New or empty folder.", show_default=False)] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="postgresql://… or sqlite:///FILE.", show_default=False)
    ] = None,
    run: options.OnlyRun = None,
    pipeline: options.OnlyPipeline = None,
    since: options.Since = None,
    tables: Annotated[
        str | None, typer.Option("--tables", metavar="NAMES", help="With --to: runs,nodes,…", show_default="all")
    ] = None,
    schema: Annotated[str, typer.Option("--schema", metavar="NAME", help="With --to: schema, such as odibi.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --to: only count the runs.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Write runs into a folder or a database.

    DEST gets JSON Lines (DEST/jsonl has a file for each run) and Parquet. It
    is also a store: `--store DEST` reads it. Stories and sources of the runs
    are copied too.

    --to URL (postgresql://…, sqlite:///FILE, duckdb:///FILE) brings the tables
    of the history in a database up to date: runs that are new or have
    grown since the last export, each whole and in one transaction. Many hosts
    may export into one database. Without a password in the URL, PGPASSWORD or
    the password file of PostgreSQL has it.
    """
    if to is None and dest is None:
        to = get_config().store_export_to or None
    if to is not None:
        options.refuse("with --to", {"DEST": dest is not None, "--run": run is not None})
        export_to_database(Wanted(to, schema, tables, since, pipeline, store, dry_run, format))
        return
    if dest is None:
        raise ConfigurationError(
            "DEST or --to must be given, or ODIBI_STORE__EXPORT_TO be set: the folder, or the URL of a database"
        )
    database = {"--tables": tables is not None, "--schema": bool(schema), "--dry-run": dry_run}
    options.refuse("without --to", {"--since": since is not None, **database})
    if run:
        options.refuse("with --run", {"--pipeline": pipeline is not None})
    _export_to_folder(dest, run, pipeline, store, format)


def _export_to_folder(
    dest: str, run: str | None, pipeline: str | None, store: str | None, format: options.TextOrJson
) -> None:
    from odibi_core.history.maintenance.exporting import export as export_runs

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
