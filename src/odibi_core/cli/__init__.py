"""The command `odibi`: run pipelines, and read their records.

`app` is the Typer application, loaded on first access; `main` is the entry point of the command.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odibi_core.cli.commands import app as app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line of this process and exit with its code."""
    from odibi_core.cli.streams import forget_stdout, leave_broken_pipe, prepare_streams

    prepare_streams()
    from rich.console import Console

    from odibi_core.cli import exits, output
    from odibi_core.cli.commands import app

    Console.on_broken_pipe = leave_broken_pipe  # type: ignore[assignment,method-assign]  # the default exits with 1
    try:
        app(prog_name="odibi")
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            leave_broken_pipe()
        except OSError as error:
            forget_stdout()
            output.complain(str(error))
            sys.exit(exits.UNREADABLE)


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.commands").app
