"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from odibi_core import plugins
from odibi_core.errors import ConfigurationError

WHEN = "Earliest: 04:05, 2026-01-31, 2h (ago)."
Store = Annotated[str | None, typer.Option("--store", metavar="DIR", help="Store folder.", show_default=".odibi")]
Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="Run id, part of it, or pipeline.", show_default="latest"
    ),
]  # fmt: skip
OnlyRun = Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only this run.", show_default="all")]
OnlyPipeline = Annotated[
    str | None, typer.Option("--pipeline", metavar="NAME", help="Only this pipeline.", show_default="all")
]  # fmt: skip
Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help=WHEN)]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Latest, in the same forms.")]
Pipeline = Annotated[
    str | None, typer.Argument(metavar="PIPELINE", help="Only this pipeline.", show_default="all")
]  # fmt: skip
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="K=V", help="Only with this tag.")]
Params = Annotated[list[str] | None, typer.Option("--param", metavar="K=V", help="Only with this parameter.")]
Partition = Annotated[str | None, typer.Option("--partition", metavar="TEXT", help="Only of this partition.")]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=0, help="Rows of a page; 0 for all.")]
Page = Annotated[int, typer.Option("--page", metavar="N", min=1, help="Page of the list.")]
Engine = Annotated[str, typer.Option("--engine", metavar="NAME", help="Such as polars, duckdb.")]
Executor = Annotated[
    str | None,
    typer.Option(
        "--executor", metavar="NAME", help="Such as threads, dask.", show_default="auto",
        autocompletion=lambda incomplete: [each for each in plugins.names("executors") if each.startswith(incomplete)],
    ),
]  # fmt: skip
Workers = Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Steps at the same time.")]
File = Annotated[
    str, typer.Argument(metavar="FILE[:NAME]", help="Python file, and a name in it.", show_default=False)
]  # fmt: skip
StepParams = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="Parameter of the steps: JSON or text.")
]
RunParams = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="Parameter, for the record.")
]
RunTags = Annotated[list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="Tag of the run: text.")]
RunPartition = Annotated[str | None, typer.Option("--partition", metavar="TEXT", help="Logical date of the run.")]
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Pipeline name.", show_default="from the file")
]
NoStory = Annotated[bool, typer.Option("--no-story", help="Do not write story.html.")]


class FailurePolicy(StrEnum):
    """The policy for the other steps after a failed one."""

    stop = "stop"
    skip = "skip"
    proceed = "continue"


OnFailure = Annotated[FailurePolicy, typer.Option("--on-failure", metavar="POLICY", help="stop, skip or continue.")]


class TextOrJson(StrEnum):
    """The form of an answer."""

    text = "text"
    json = "json"


Format = Annotated[TextOrJson, typer.Option("--format", metavar="FORMAT", help="Output: text or json.")]


def refuse(when: str, given: dict[str, bool]) -> None:
    """Refuse an option that a command does not use in a mode, instead of ignoring it.

    Args:
        when: The mode, such as `with --days`.
        given: The options without an effect there, and whether each has another value than its default.

    Raises:
        ConfigurationError: One of them has.
    """
    for option in filter(given.get, given):
        raise ConfigurationError(f"{option} has no effect {when}; leave it out")
