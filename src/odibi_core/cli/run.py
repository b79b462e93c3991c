"""`odibi run`: run the pipeline of a Python file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from odibi_core.cli import options
from odibi_core.cli.completion import steps_of_file
from odibi_core.cli.params import parse_params, parse_tags
from odibi_core.errors import ConfigurationError
from odibi_core.events.paths import absolute_path
from odibi_core.pipeline.loader import split_target

_PLAIN_STEMS: Final = frozenset({"pipeline", "main", "steps", "__init__", "__main__"})


def _of_steps(name: str, help: str) -> Any:
    return typer.Option(name, metavar="STEP", help=help, autocompletion=steps_of_file)


def run(
    file: options.File,
    engine: options.Engine = "pandas",
    workers: options.Workers = 1,
    executor: options.Executor = None,
    param: options.StepParams = None,
    tag: options.RunTags = None,
    partition: options.RunPartition = None,
    on_failure: options.OnFailure = options.FailurePolicy.skip,
    name: options.Name = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="[RUN]", help="Go on from a failed run (latest).")
    ] = None,
    start: Annotated[list[str] | None, _of_steps("--from", "Run this step and those that need it.")] = None,
    until: Annotated[list[str] | None, _of_steps("--until", "Run this step and those that it needs.")] = None,
    only: Annotated[list[str] | None, _of_steps("--only", "Run this step alone.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run; run nothing.")] = False,
    cache: Annotated[bool, typer.Option("--cache", help="Use the step cache.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Do not use it.")] = False,
    no_story: options.NoStory = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Run a pipeline and record it.

    NAME is a list of steps or functions, or a function that returns one.
    --param sets NAME for every step that takes it, and may be repeated.
    --tag and --partition are recorded with the run, and may be asked for
    later: the partition is the day or the part of the data it is for.
    --resume takes the steps that succeeded in RUN and are the same, and runs
    the others: those that failed, and those whose code, parameters or files
    changed. --from, --until and --only may be repeated; what the steps need
    of others is taken from the last run that kept it. --dry-run shows all of
    this, with the rows and durations of the last runs.
    --on-failure: stop starts no other step; skip leaves out the steps that
    need the failed one; continue does the same, and the run succeeds.

    --cache takes the result of a step from an earlier run if its code, inputs
    and parameters are the same; `odibi cache why` explains each answer.

    Progress goes to stderr, the result to stdout. The run's folder gets the
    journal, story.html, lineage.json and metrics.prom. Ctrl-C and SIGTERM
    cancel the run and close its record.

    odibi run flights.py --param day=2026-01-31 --workers 4
    odibi run flights.py:build --engine polars --until joined
    odibi run flights.py --resume
    """
    from odibi_core.cli.run_pipeline import RunRequest, run_pipeline
    from odibi_core.pipeline import load_pipeline
    from odibi_core.runtime.resume.plan import Selection
    from odibi_core.runtime.run_context import git

    if cache:
        options.refuse("with --cache", {"--no-cache": no_cache})
    if partition is not None and not partition.strip():
        raise ConfigurationError("--partition must be a text, such as 2026-01-31, got nothing; leave it out for none")
    git.begin()  # it looks for changes while the pipeline is loaded
    request = RunRequest(
        load=lambda: load_pipeline(file),
        name=name or name_of(file),
        engine=engine,
        workers=workers,
        executor=executor,
        store=store,
        on_failure=on_failure.value,
        params=parse_params(param or []),
        tags=parse_tags(tag or []),
        partition=partition,
        cache=True if cache else False if no_cache else None,
        story=not no_story,
        as_json=format is options.TextOrJson.json,
        resume=resume,
        selection=Selection(tuple(only or ()), tuple(start or ()), tuple(until or ())),
        dry_run=dry_run,
        target=absolute_target(file),
    )
    raise typer.Exit(run_pipeline(request))


def name_of(target: str) -> str:
    """Return `flights` for flights.py and flights/pipeline.py, `flights-failing` for flights.py:failing."""
    path, name = Path(target), ""
    if not path.exists() and ":" in target:
        file, _, name = target.rpartition(":")
        path = Path(file)
    stem = path.stem
    if stem in _PLAIN_STEMS:
        stem = absolute_path(path).parent.name or stem
    return stem if name in ("", *_PLAIN_STEMS, "build") else f"{stem}-{name}"


def absolute_target(target: str) -> str:
    """Return `FILE[:NAME]` with the absolute path of the file."""
    path, name = split_target(target)
    return f"{path}:{name}" if name else str(path)
