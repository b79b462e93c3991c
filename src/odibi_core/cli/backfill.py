"""`odibi backfill`: run a pipeline for the partitions that are missing or failed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from odibi_core.cli import options
from odibi_core.cli.params import parse_params, parse_tags
from odibi_core.cli.partition_range import partitions_of
from odibi_core.cli.run import name_of


class Order(StrEnum):
    """The order of the partitions."""

    oldest = "oldest"
    newest = "newest"


def backfill(
    file: options.File,
    partition: Annotated[
        list[str] | None, typer.Option("--partition", metavar="RANGE", help="A text, or 2026-01-01..2026-01-31.")
    ] = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="GRAIN", help="hour, day, week, month or year.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Run those too that succeeded.")] = False,
    order: Annotated[Order, typer.Option("--order", metavar="ORDER", help="oldest or newest first.")] = Order.oldest,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Runs at the same time.")] = 1,
    limit: Annotated[
        list[str] | None, typer.Option("--limit", metavar="K=V:N", help="At most N open runs with this tag.")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Start no other run after a failed one.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would run, and run nothing.")] = False,
    engine: options.Engine = "pandas",
    workers: options.Workers = 1,
    executor: options.Executor = None,
    param: options.StepParams = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="Tag of the runs: text.")] = None,
    on_failure: options.OnFailure = options.FailurePolicy.skip,
    name: options.Name = None,
    no_story: options.NoStory = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Run a pipeline for each partition without a good run.

    A partition is left out if its latest run, with the same parameters,
    succeeded or still runs. Each other one is a run of its own in a process
    of its own, as `odibi run FILE --partition TEXT` makes it. A step gets the
    partition as its parameter `partition`, and as {partition} in a path.

    odibi backfill daily.py --partition 2026-01-01..2026-01-31 --jobs 2
    odibi backfill daily.py --partition 2026-01..2026-06 --dry-run
    odibi backfill daily.py --partition eu --partition us --again
    """
    from odibi_core.cli.backfill_runs import Backfill, run_backfill, tag_limit

    wanted = partitions_of(partition or [], every)
    request = Backfill(
        file=file,
        name=name or name_of(file),
        partitions=wanted if order is Order.oldest else wanted[::-1],
        params=parse_params(param or []),
        tags=parse_tags(tag or []),
        run_options=[
            "--engine", engine, "--workers", str(workers), "--on-failure", on_failure.value,
            *(["--executor", executor] if executor else []),
            *(part for each in param or [] for part in ("--param", each)),
            *(part for each in tag or [] for part in ("--tag", each)),
            *(["--name", name] if name else []), *(["--no-story"] if no_story else []),
        ],
        store=store, again=again, jobs=jobs, stop=stop,
        limits=[tag_limit(each) for each in limit or []],
    )  # fmt: skip
    raise typer.Exit(run_backfill(request, dry_run=dry_run, as_json=format is options.TextOrJson.json))
