"""The Typer application of `odibi`: its commands, and the exit code of an error in any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any, Final

import typer

from odibi_core import __version__
from odibi_core.cli import exits, help, output
from odibi_core.cli.streams import leave_broken_pipe
from odibi_core.errors import OdibiError
from odibi_core.settings import environment_value, unknown_variables

_COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    help.RUN: ("run", "record", "exec", "dbt", "import", "backfill", "demo"),
    help.ONE_RUN: ("show", "why", "trace", "logs", "story", "lineage", "metrics", "timing", "replay", "export"),
    help.ALL_RUNS: (
        "top",
        "watch",
        "ack",
        "mute",
        "alerts",
        "runs",
        "compare",
        "history",
        "ship",
        "sql",
        "errors",
        "costs",
        "usage",
        "store",
        "cache",
        "mcp",
        "serve",
    ),
    help.CHECK: ("health", "inspect", "contract", "doctor", "config", "connect"),
}
"""The commands, and groups of commands, by panel. Each is a name in the module `cli.<command>`, or of `_MODULES`."""
_MODULES: Final = {"mute": "ack", "record": "record_script", "exec": "exec_command", "import": "import_"}
_KINDS: Final = {"record": help.ScriptCommand, "exec": help.ScriptCommand, "dbt": help.OtherCommand}
"""The commands whose arguments are those of a script or of another program."""
_VERSION: Final = "--version"


class Commands(help.Group):
    """A group whose commands end with an exit code and a message, never with a traceback."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse the command line; `--help` and `--version` are answered here."""
        with _errors_as_messages(debug=False):
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _errors_as_messages(debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)


@contextmanager
def _errors_as_messages(debug: bool) -> Iterator[None]:
    """Turn an exception of the block into a message on stderr and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        output.notice("interrupted")
        raise typer.Exit(exits.INTERRUPTED) from None
    except BrokenPipeError:
        leave_broken_pipe()
    except SystemExit:
        raise
    except BaseException as error:
        if hasattr(error, "exit_code") or isinstance(error, typer.Abort):
            raise  # an exception of Typer, which Typer shows itself
        if debug or environment_value("ODIBI_DEBUG") not in (None, "", "0"):
            raise
        raise typer.Exit(_explain(error)) from None


def _explain(error: BaseException) -> int:
    if isinstance(error, OdibiError | OSError):
        output.complain(output.reason(error))
        return exits.code_of(error) if isinstance(error, OdibiError) else exits.UNREADABLE
    output.complain(f"internal error: {type(error).__name__}: {error}\nODIBI_DEBUG=1 shows the traceback")
    return exits.INTERNAL


@cache
def application(only: str | None = None) -> typer.Typer:
    """Return the application.

    Args:
        only: The one command that it has, if it is known beforehand, or `--version`, which needs none: the others'
            modules are then not loaded, which take longer than most commands (benchmark: query). An unknown command
            is answered by all of them.
    """
    app = typer.Typer(
        cls=Commands,
        name="odibi",
        help="Record, run and inspect Python data pipelines.\n\n" + help.BEGIN,
        epilog=exits.HELP,
        pretty_exceptions_enable=False,
        **help.STYLE,
    )
    app.callback()(_options)
    chosen = {only} if only == _VERSION or any(only in names for names in _COMMANDS.values()) else None
    for panel, names in _COMMANDS.items():
        for name in names if chosen is None else [each for each in names if each in chosen]:
            module = import_module(f"odibi_core.cli.{_MODULES.get(name, name)}")
            found = getattr(module, f"{name}_" if iskeyword(name) else name)
            if isinstance(found, typer.Typer):
                app.add_typer(found, name=name, rich_help_panel=panel)
            else:
                kind = _KINDS.get(name, help.Command)
                app.command(cls=kind, rich_help_panel=panel)(found)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"odibi-core {__version__}")
        raise typer.Exit


def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, as ODIBI_DEBUG=1 does.")] = False,
    version: Annotated[
        bool, typer.Option(_VERSION, callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand != "config":  # `odibi config` reports more, in its own form
        for problem in unknown_variables():
            output.notice(problem)
