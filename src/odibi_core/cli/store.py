"""`odibi store`: the commands that care for a store."""

from __future__ import annotations

import typer

from odibi_core.cli import help
from odibi_core.cli.ship import ship

store = typer.Typer(
    cls=help.Group,
    name="store",
    help="Care for the store.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
store.command(cls=help.Command)(ship)
