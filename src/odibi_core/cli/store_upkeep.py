"""`odibi store compact`, `prune`, `verify` and `rebuild`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from odibi_core.cli import exits, options, output, record
from odibi_core.cli.findings import show_findings
from odibi_core.errors import ConfigurationError, StoreError
from odibi_core.history.retention import size
from odibi_core.settings import read_settings
from odibi_core.views.wording import plural

_BUSY = "another process compacts or prunes the store just now; try again in a minute"


def compact(
    limit: Annotated[
        float | None, typer.Option("--limit", metavar="SECONDS", help="Begin no batch after this time.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait, and delete the journals that moved.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Move the journals of ended runs into Parquet files.

    It also runs by itself, in the background, after enough runs. Journals
    that moved stay for a minute, for readers that have listed them. With the
    URL of a shared store it compacts small batches, and runs whose host
    shipped nothing for a week.
    """
    if store and "://" in store:
        from odibi_core.cli.shared_store import compact_url

        options.refuse("with the URL of a shared store", {"--wait": wait})
        compact_url(store, limit, format)
        return
    from odibi_core.history.compaction import Options
    from odibi_core.history.compaction import compact as compact_store
    from odibi_core.history.last_compaction import note_failure

    kept = _existing(store)
    with output.waiting("compacting"):
        try:
            report = compact_store(kept, Options(limit_s=limit, waits=wait))
        except StoreError as error:
            note_failure(kept.root, error)
            raise
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(report))
    elif not report.is_busy:
        output.write(
            output.console(),
            output.styled(
                f"{output.count(report.runs, 'runs')} compacted: {size(report.bytes_before)} of journals, "
                f"{size(report.bytes_after)} of Parquet; {plural(report.merged, 'batch', 'batches')} merged"
            ),
        )
    _notices(report.mended, report.problems)
    if report.not_compacted:
        reasons = ", ".join(sorted(set(report.not_compacted.values())))
        output.notice(f"{output.count(len(report.not_compacted), 'runs')} stay as they are: {reasons}")
    if not report.is_complete:
        output.notice("the time was over before the last batch; call it again")
    _exit_if_busy(report.is_busy)


def prune(
    days: Annotated[float | None, typer.Option("--keep-days", metavar="N", help="Days to keep a run.")] = None,
    runs: Annotated[int | None, typer.Option("--keep-runs", metavar="N", help="Runs of each pipeline.")] = None,
    gb: Annotated[float | None, typer.Option("--keep-gb", metavar="GB", help="Size of all runs.")] = None,
    free: Annotated[float | None, typer.Option("--min-free-gb", metavar="GB", help="Free space of the disk.")] = None,
    last_good: Annotated[bool, typer.Option("--last-good-too", help="Also prune the last good runs.")] = False,
    pipeline: options.OnlyPipeline = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the runs, prune none.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Delete the runs beyond the limits, and the sources of no run.

    The limits are those of the settings, such as ODIBI_STORE__KEEP_DAYS,
    unless an option names another one; 0 is none. A run that has not ended is
    never pruned, nor is the last successful run of each pipeline, unless
    --last-good-too is given.
    """
    from odibi_core.history.pruning import Options, describe
    from odibi_core.history.pruning import prune as prune_store
    from odibi_core.history.retention import limits_of

    given = {
        "keep_days": days,
        "keep_runs": runs,
        "keep_gb": gb,
        "min_free_gb": free,
        "keep_last_good": False if last_good else None,
    }
    settings = read_settings(store={"dir": store or None, **given}).store
    limits = limits_of(settings)
    if not limits.is_set:
        raise ConfigurationError("no limit is set, so no run is pruned; pass one, such as --keep-days 90")
    kept = _existing(store)
    with output.waiting("pruning"):
        report = prune_store(kept, limits, Options(dry_run=dry_run, pipeline=pipeline, url=settings.url))
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(report))
    elif not report.is_busy:
        _show_pruned(report, describe(report))
    _notices(report.mended, report.problems)
    if report.missing_bytes:
        output.notice(f"{size(report.missing_bytes)} above the limit: the runs that are left may not be pruned")
    _exit_if_busy(report.is_busy)


def _show_pruned(report: Any, sentence: str) -> None:
    on = output.console()
    if report.is_dry_run and report.runs:
        listed = output.table("Run", "Reason", whole=("Run",))
        for run_id, reason in report.runs.items():
            listed.add_row(output.cell(run_id), output.styled(reason))
        output.write(on, listed)
    more = f"; {output.count(report.sources, 'sources')} deleted" if report.sources else ""
    output.write(on, output.styled(sentence + more))


def verify(store: options.Store = None, format: options.Format = options.TextOrJson.text) -> None:
    """Examine every file; exit with code 4 if one is damaged.

    Checksums and rows of Parquet files, every event of batches and journals,
    and every source. The answer also lists the parts that were not examined.
    """
    from odibi_core.history.maintenance.verification import verify as verify_store

    kept = _existing(store)
    with output.waiting("verifying"):
        result = verify_store(kept)
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(result) | {"is_sound": result.findings.is_sound})
    else:
        output.write(
            output.console(),
            output.styled(
                f"{output.count(result.runs, 'runs')} with {output.count(result.events, 'events')}, "
                f"{plural(result.batches, 'batch', 'batches')} in {output.count(result.files, 'files')}, "
                f"{output.count(result.sources, 'sources')}"
            ),
        )
        show_findings(result.findings, nothing="everything that was examined is as it was written")
    if not result.findings.is_sound:
        raise typer.Exit(exits.UNREADABLE)


def rebuild(
    tables: Annotated[bool, typer.Option("--tables", help="Also compute all tables again.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Restore damaged batches, and build the index anew.

    A damaged manifest is restored from the Parquet files, a damaged table from
    the events, damaged events as far as they can be read. Damaged files are
    kept beside. Lost runs are listed, and the exit code is 4.
    """
    from odibi_core.history.maintenance.rebuilding import Parts
    from odibi_core.history.maintenance.rebuilding import rebuild as rebuild_store

    kept = _existing(store)
    with output.waiting("rebuilding"):
        result = rebuild_store(kept, Parts(tables=tables))
    if format is options.TextOrJson.json:
        output.write_json(msgspec.to_builtins(result))
    elif not result.is_busy:
        on = output.console()
        for sentence in (*result.restored, *result.lost):
            output.write(on, output.styled(sentence, "red" if sentence in result.lost else ""))
        output.write(on, output.styled(f"{output.count(result.runs_indexed, 'runs')} in the index"))
    _notices(result.mended, [])
    _exit_if_busy(result.is_busy)
    if result.lost:
        raise typer.Exit(exits.UNREADABLE)


def _existing(given: str | None) -> Any:
    """Return the store, which must exist."""
    kept = record.open_local(given)
    if not kept.root.is_dir():
        raise StoreError(f"there is no store in {kept.root}; run a pipeline first, or name another store")
    return kept


def _notices(mended: list[str], problems: list[str]) -> None:
    for sentence in (*mended, *problems):
        output.notice(sentence)


def _exit_if_busy(is_busy: bool) -> None:
    if is_busy:
        output.complain(_BUSY)
        raise typer.Exit(exits.UNREADABLE)
