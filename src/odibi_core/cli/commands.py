"""The Typer application of `odibi`: its commands, and the exit code of an error in any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer

from odibi_core import __version__
from odibi_core.cli import exits, help, output
from odibi_core.cli.ack import ack, mute
from odibi_core.cli.config import config
from odibi_core.cli.costs import costs
from odibi_core.cli.demo import demo
from odibi_core.cli.errors import errors
from odibi_core.cli.health import health
from odibi_core.cli.history import history
from odibi_core.cli.inspect import inspect
from odibi_core.cli.logs import logs
from odibi_core.cli.metrics import metrics
from odibi_core.cli.run import run
from odibi_core.cli.runs import runs
from odibi_core.cli.show import show
from odibi_core.cli.sql import sql
from odibi_core.cli.store import store
from odibi_core.cli.story import story
from odibi_core.cli.streams import leave_broken_pipe
from odibi_core.cli.timing import timing
from odibi_core.cli.usage import usage
from odibi_core.cli.watch import watch
from odibi_core.errors import OdibiError
from odibi_core.settings import environment_value, unknown_variables

_COMMANDS: Final[dict[str, tuple[Callable[..., None], ...]]] = {
    help.RUN: (run, demo),
    help.ONE_RUN: (show, logs, story, metrics, timing),
    help.ALL_RUNS: (watch, ack, mute, runs, history, sql, errors, costs, usage),
    help.CHECK: (health, inspect),
}


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
        output.complain(str(error))
        return exits.code_of(error) if isinstance(error, OdibiError) else exits.UNREADABLE
    output.complain(f"internal error: {type(error).__name__}: {error}\nODIBI_DEBUG=1 shows the traceback")
    return exits.INTERNAL


app = typer.Typer(
    cls=Commands,
    name="odibi",
    help="Record, run and inspect Python data pipelines.",
    epilog=exits.HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(cls=help.Command, rich_help_panel=panel)(command)
app.add_typer(store, rich_help_panel=help.ALL_RUNS)
app.add_typer(config, rich_help_panel=help.CHECK)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"odibi-core {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, as ODIBI_DEBUG=1 does.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    if context.invoked_subcommand != "config":  # `odibi config` reports more, in its own form
        for problem in unknown_variables():
            output.notice(problem)
