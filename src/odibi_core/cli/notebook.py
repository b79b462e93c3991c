"""The extension of IPython: `%load_ext odibi_core`, then `%%odibi record` runs a cell as it is and records it."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout, suppress
from functools import partial
from typing import Any, Final, NoReturn

from odibi_core.cli import output
from odibi_core.cli.params import parse_params, parse_tags
from odibi_core.cli.run_pipeline import write_files
from odibi_core.cli.run_summary import RunSummary
from odibi_core.errors import ConfigurationError
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.recording.recorder import Recorder
from odibi_core.runtime.recording.source import Script
from odibi_core.runtime.run_context import git, purpose_of
from odibi_core.settings import read_settings

_USAGE: Final = "%%odibi record [--name NAME] [--store DIR] [--param NAME=VALUE] [--tag NAME=VALUE] [--quiet]"


def register(shell: Any) -> None:
    """Register the magic `%%odibi` in a shell of IPython."""
    shell.register_magic_function(partial(record_cell, shell), "cell", "odibi")


def record_cell(shell: Any, line: str, cell: str) -> None:
    """Run a cell in the namespace of the notebook, and record it as a run.

    Args:
        shell: The shell of IPython.
        line: The line of the magic.
        cell: The cell below it.

    Raises:
        ConfigurationError: The line is wrong; nothing has run then.
        BaseException: The exception of the cell.
    """
    __tracebackhide__ = True  # IPython leaves this frame out of the traceback of the cell
    options = _options_of(line)
    git.begin()
    settings = read_settings(store={"dir": options.store})
    purpose = purpose_of(parse_params(options.param), parse_tags(options.tag), None, settings.run)
    text = shell.transform_cell(cell)
    file = shell.compile.cache(text, shell.execution_count, raw_code=cell)
    script = Script(text, file, shell.user_ns, shell.compile.flags, is_cell=True)
    observer = Observer(options.name, store=options.store, settings=settings, purpose=purpose)
    error = _run(shell, script, observer, quiet=options.quiet)
    if error is not None:
        raise error


def _run(shell: Any, script: Script, observer: Observer, *, quiet: bool) -> BaseException | None:
    """Run the cell inside its run, and show the summary; return the exception that ended the cell."""
    ending = RunSummary(observer.bus)
    observer.__enter__()
    ended = Recorder(observer, script).execute()
    observer.__exit__(None, ended, None)
    lineage = observer.tracker.lineage()
    with suppress(OSError), redirect_stdout(sys.stderr):
        files = write_files(observer, lineage, story=True)
        if not quiet:
            ending.show(lineage, files)
    if script.problem is not None:
        output.notice(f"{observer.name}: no statement was recorded, because {script.problem}")
    return ended


class _Parser(ArgumentParser):
    """A parser whose errors are exceptions: a magic must not end the notebook."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message}; the magic is {_USAGE}")


def _options_of(line: str) -> Namespace:
    """Return the options of the line of a magic.

    Raises:
        ConfigurationError: It is wrong.
    """
    parser = _Parser(prog="%%odibi", add_help=False, allow_abbrev=False)
    parser.add_argument("command", choices=["record"])
    parser.add_argument("--name", default="notebook")
    parser.add_argument("--store")
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--quiet", action="store_true")
    try:
        return parser.parse_args(shlex.split(line))
    except ValueError as error:  # an open quote
        raise ConfigurationError(f"the line cannot be read: {error}; the magic is {_USAGE}") from None
