"""The command `odibi`: runs pipelines, and answers from the record.

`app` is the Typer application, loaded when it is first asked for; `main` is what the command calls.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odibi_core.cli.commands import app as app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line of this process, and leave with its exit code."""
    from odibi_core.cli import exits
    from odibi_core.cli.commands import app, forget_stdout

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(
                errors="backslashreplace"
            )  # names may hold what the terminal's encoding has no sign for
    try:
        app(prog_name="odibi")
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            forget_stdout()
            sys.exit(exits.BROKEN_PIPE)


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.commands").app
