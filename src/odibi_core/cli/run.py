"""`odibi run`: run the pipeline of a Python file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from odibi_core.cli import options
from odibi_core.cli.params import parse_params
from odibi_core.events.paths import absolute_path

_PLAIN_STEMS: Final = frozenset({"pipeline", "main", "steps", "__init__", "__main__"})


class OnFailure(StrEnum):
    """What becomes of the other steps when one fails."""

    stop = "stop"
    skip = "skip"
    proceed = "continue"


def run(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE[:NAME]",
            show_default=False,
            help="A Python file, and in it a list of steps or functions, or a function that gives one.",
        ),
    ],
    engine: options.Engine = "pandas",
    workers: options.Workers = 1,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=VALUE",
            help="A value for every step that takes NAME; JSON, or text.",
        ),
    ] = None,
    on_failure: Annotated[
        OnFailure,
        typer.Option(
            "--on-failure",
            help="Begin nothing more; skip what needs the step; or skip it and call it a success.",
        ),
    ] = OnFailure.skip,
    name: Annotated[
        str | None, typer.Option("--name", help="The pipeline's name. (default: from the file)")
    ] = None,
    story: Annotated[bool, typer.Option("--story/--no-story", help="Write story.html when it ends.")] = True,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Run a pipeline, and keep everything that happened.

    Progress goes to stderr, the verdict to stdout. The run's folder gets the journal, story.html, lineage.json and
    metrics.prom. Ctrl-C and SIGTERM close the record: the run is cancelled.
    """
    from odibi_core.cli.flight import Flight, fly
    from odibi_core.pipeline import load_pipeline

    flight = Flight(
        load=lambda: load_pipeline(file),
        name=name or name_of(file),
        engine=engine,
        workers=workers,
        store=store,
        on_failure=on_failure.value,
        params=parse_params(param or []),
        story=story,
        as_json=format is options.TextOrJson.json,
    )
    raise typer.Exit(fly(flight))


def name_of(target: str) -> str:
    """`flights` of flights.py, of flights/pipeline.py, and `flights-failing` of flights.py:failing."""
    path, name = Path(target), ""
    if not path.exists() and ":" in target:
        file, _, name = target.rpartition(":")
        path = Path(file)
    stem = path.stem
    if stem in _PLAIN_STEMS:
        stem = absolute_path(path).parent.name or stem
    return stem if name in ("", *_PLAIN_STEMS, "build") else f"{stem}-{name}"
