"""The command `odibi`: its commands, and what becomes of an error in any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from odibi_core import __version__
from odibi_core.cli import exits, output
from odibi_core.cli.config import config
from odibi_core.cli.costs import costs
from odibi_core.cli.demo import demo
from odibi_core.cli.errors import errors
from odibi_core.cli.health import health
from odibi_core.cli.inspect import inspect
from odibi_core.cli.logs import logs
from odibi_core.cli.metrics import metrics
from odibi_core.cli.run import run
from odibi_core.cli.runs import runs
from odibi_core.cli.sql import sql
from odibi_core.cli.story import story
from odibi_core.cli.streams import leave_broken_pipe
from odibi_core.cli.timing import timing
from odibi_core.cli.usage import usage
from odibi_core.errors import OdibiError
from odibi_core.settings import environment_value, unknown_variables


class Commands(TyperGroup):
    """A group whose commands end in an exit code and a sentence, never in a traceback."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the command line; `--help` and `--version` are answered here."""
        with _in_sentences(debug=False):
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with _in_sentences(debug=bool(ctx.params.get("debug"))):
            return super().invoke(ctx)


@contextmanager
def _in_sentences(debug: bool) -> Iterator[None]:
    """What is raised inside becomes a sentence on stderr and an exit code."""
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
            raise  # typer's own, which it shows by itself
        if debug or environment_value("ODIBI_DEBUG") not in (None, "", "0"):
            raise
        raise typer.Exit(_explain(error)) from None


def _explain(error: BaseException) -> int:
    if isinstance(error, OdibiError):
        output.complain(str(error))
        return exits.code_of(error)
    if isinstance(error, OSError):
        output.complain(str(error))
        return exits.UNREADABLE
    output.complain(f"a fault of odibi itself: {type(error).__name__}: {error}\nODIBI_DEBUG=1 shows where")
    return exits.INTERNAL


app = typer.Typer(
    cls=Commands,
    name="odibi",
    help="The flight recorder of Python data pipelines.",
    epilog=exits.HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (run, demo, runs, logs, story, metrics, sql, health, costs, usage, inspect, errors, timing):
    app.command()(command)
app.add_typer(config)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"odibi-core {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. (also: ODIBI_DEBUG=1)")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand != "config":  # which tells of more, in its own way
        for problem in unknown_variables():
            output.notice(problem)
