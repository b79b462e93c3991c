"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

Store = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="DIR", help="The folder of the record. (default: ODIBI_STORE__DIR, or .odibi)"
    ),
]
Run = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN]", show_default=False,
        help="A run's id, the beginning or end of one, or a pipeline's name. (default: the latest run)",
    ),
]  # fmt: skip
Engine = Annotated[
    str,
    typer.Option("--engine", metavar="NAME", help="What reads, writes and answers SQL: pandas or polars."),
]
Workers = Annotated[int, typer.Option("--workers", min=1, max=1024, help="How many steps run side by side.")]


class TextOrJson(StrEnum):
    """How an answer is written."""

    text = "text"
    json = "json"


Format = Annotated[TextOrJson, typer.Option("--format", help="For people, or for programs.")]
