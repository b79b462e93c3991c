"""A faster runner of Typer's commands: it builds all commands again for each call, which takes longer than most."""

from functools import cache

import typer.testing


def keep_commands() -> None:
    """Build the commands of each application once."""
    build = typer.testing._get_command  # type: ignore[attr-defined]
    typer.testing._get_command = cache(build)  # type: ignore[attr-defined]
