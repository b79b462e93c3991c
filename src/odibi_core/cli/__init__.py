"""The command `odibi`: run pipelines, and read their records.

`app` is the Typer application, loaded on first access; `main` is the entry point of the command.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line of this process and exit with its code."""
    from odibi_core.cli.streams import forget_stdout, leave_broken_pipe, prepare_streams

    is_script = sys.argv[1:2] == ["record"]  # the streams are those of the script, as Python made them
    if sys.argv[1:2] == ["exec"]:
        pass  # the streams are those of the command
    elif is_script:
        gc.disable()  # until the script begins: what the command loads stays, and looking for garbage in it takes time
    else:
        prepare_streams()
    ahead = _start_ahead(sys.argv[1:])
    from rich.console import Console

    from odibi_core.cli import exits, output
    from odibi_core.cli.commands import application

    Console.on_broken_pipe = leave_broken_pipe  # type: ignore[assignment,method-assign]  # the default exits with 1
    try:
        application(_command(sys.argv[1:]))(prog_name="odibi", obj=ahead)
    finally:
        try:
            if not is_script:
                sys.stdout.flush()
        except BrokenPipeError:
            leave_broken_pipe()
        except OSError as error:
            forget_stdout()
            output.complain(output.reason(error))
            sys.exit(exits.UNREADABLE)


def _command(arguments: list[str]) -> str | None:
    """Return the command of the command line, also of one that the shell completes; None if it is not known yet."""
    if arguments:
        return arguments[0]
    from odibi_core.settings import environment_value

    if environment_value("_ODIBI_COMPLETE") is None:
        return None
    from odibi_core.cli.completion import words

    line = words()
    return line[1] if len(line) > 2 else None


def _start_ahead(arguments: list[str]) -> Any:
    """Start the process for the query of `odibi sql`: it loads DuckDB while this one loads the command.

    Without it the command takes a third longer (benchmark: query). It ends with this process at the latest.
    """
    if arguments[:1] != ["sql"] or not {"-h", "--help", "--schema", "--macros"}.isdisjoint(arguments):
        return None
    from odibi_core.errors import QueryError
    from odibi_core.store.sql_start import start

    try:
        return start("odibi_core.history.sql.child")
    except (QueryError, OSError):
        return None  # the command starts one itself, and reports the error


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"{__name__}.commands").application()
