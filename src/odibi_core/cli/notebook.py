"""The extension of IPython: `%load_ext odibi_core`.

`%%odibi` runs a cell as it is and records it, and runs show their progress.
"""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stdout, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from odibi_core._state import STATE
from odibi_core.cli import output
from odibi_core.cli.notebook_progress import NotebookProgress
from odibi_core.cli.params import parse_params, parse_tags
from odibi_core.cli.run_pipeline import write_files
from odibi_core.cli.run_summary import RunSummary
from odibi_core.errors import ConfigurationError
from odibi_core.process import state as program
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.recording.recorder import Recorder
from odibi_core.runtime.recording.source import Script
from odibi_core.runtime.run_context import git, purpose_of
from odibi_core.settings import read_settings
from odibi_core.store.runs import RunStore
from odibi_core.story.background import read_background
from odibi_core.story.card import run_card

if TYPE_CHECKING:
    from odibi_core.views.answers import Lineage
    from odibi_core.views.cards import Card

_USAGE: Final = "%%odibi [record] [--name NAME] [--store DIR] [--param NAME=VALUE] [--tag NAME=VALUE] [--quiet]"


class MagicError(ConfigurationError):
    """The line of a magic is wrong; IPython shows the message without frames."""

    def _render_traceback_(self) -> list[str]:
        return [f"ConfigurationError: {self}"]


class _Extension:
    """The extension as it is loaded in this process."""

    def __init__(self) -> None:
        self.progress: NotebookProgress | None = None


_loaded: Final = STATE.part(_Extension)


def register(shell: Any) -> None:
    """Register the magic `%%odibi` and the progress of runs in a shell of IPython."""
    shell.register_magic_function(partial(record_cell, shell), "cell", "odibi")
    if _loaded.progress is None and getattr(shell, "kernel", None) is not None:  # a terminal shows no HTML
        _loaded.progress = NotebookProgress(shell.display_pub.publish)
        program.listen(_loaded.progress, name="notebook")


def unregister(shell: Any) -> None:
    """Remove everything that `register` registered."""
    shell.magics_manager.magics["cell"].pop("odibi", None)
    if _loaded.progress is not None:
        program.unlisten(_loaded.progress)
        _loaded.progress = None


def record_cell(shell: Any, line: str, cell: str) -> None:
    """Run a cell in the namespace of the notebook, and record it as a run.

    Args:
        shell: The shell of IPython.
        line: The line of the magic.
        cell: The cell below it.

    Raises:
        MagicError: The line is wrong; nothing has run then.
        BaseException: The exception of the cell.
    """
    __tracebackhide__ = True  # IPython leaves this frame out of the traceback of the cell
    git.begin()
    try:
        options = _options_of(line)
        settings = read_settings(store={"dir": options.store})
        purpose = purpose_of(parse_params(options.param), parse_tags(options.tag), None, settings.run)
    except ConfigurationError as error:
        raise MagicError(str(error)) from None
    text = shell.transform_cell(cell)
    file = shell.compile.cache(text, shell.execution_count, raw_code=cell)
    script = Script(text, file, shell.user_ns, shell.compile.flags, is_cell=True)
    observer = Observer(options.name, store=options.store, settings=settings, purpose=purpose)
    ended = _run(script, observer, quiet=options.quiet)
    if ended is not None:
        raise ended


def _run(script: Script, observer: Observer, *, quiet: bool) -> BaseException | None:
    """Run the cell inside its run, and show the summary; return the exception that ended the cell."""
    ending, progress = RunSummary(observer.bus), _loaded.progress
    if progress is not None:
        progress.own(observer.run_id, quiet=quiet)
    observer.__enter__()
    ended = Recorder(observer, script).execute()
    observer.__exit__(None, ended, None)
    lineage = observer.tracker.lineage()
    with suppress(OSError), redirect_stdout(sys.stderr):
        files = write_files(observer, lineage, story=True)
        if progress is not None:
            progress.end(observer.run_id, None if quiet else _card(observer.store, lineage, files))
        elif not quiet:
            ending.show(lineage, files)
    if script.problem is not None:
        output.notice(f"{observer.name}: no statement was recorded, because {script.problem}")
    return ended


def _card(store: RunStore | None, lineage: Lineage, files: dict[str, str]) -> Card:
    from odibi_core.history.for_story import story_history

    known = None if store is None else story_history(store, lineage.run_id or "")
    return run_card(lineage, read_background(known), {"Story": files["story"]} if "story" in files else {})


class _Parser(ArgumentParser):
    """A parser whose errors are exceptions: a magic must not end the notebook."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message}; the magic is {_USAGE}")


def _options_of(line: str) -> Namespace:
    """Return the options of the line of a magic.

    Raises:
        ConfigurationError: It is wrong.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:  # an open quote
        raise ConfigurationError(f"the line cannot be read: {error}; the magic is {_USAGE}") from None
    parser = _Parser(prog="%%odibi", add_help=False, allow_abbrev=False)
    parser.add_argument("--name", default="notebook")
    parser.add_argument("--store")
    parser.add_argument("--param", action="append", default=[])
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--quiet", action="store_true")
    return parser.parse_args(words[1:] if words[:1] == ["record"] else words)
