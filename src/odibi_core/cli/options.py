"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

WHEN = "Earliest time: 04:05, 2026-01-31, or 2h (ago)."
Store = Annotated[str | None, typer.Option("--store", metavar="DIR", help="Store folder.", show_default=".odibi")]
Run = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="Run id, part of it, or pipeline.", show_default="latest"
    ),
]  # fmt: skip
OnlyRun = Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only this run.", show_default="all")]
Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help=WHEN)]
Engine = Annotated[str, typer.Option("--engine", metavar="NAME", help="pandas or polars.")]
Workers = Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Steps at the same time.")]


class TextOrJson(StrEnum):
    """The form of an answer."""

    text = "text"
    json = "json"


Format = Annotated[TextOrJson, typer.Option("--format", metavar="FORMAT", help="Output: text or json.")]
