"""`odibi record`: run an unmodified script, and record it as a run."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from odibi_core.cli import exits, options, output
from odibi_core.cli.params import parse_params, parse_tags
from odibi_core.cli.run import name_of
from odibi_core.errors import ConfigurationError

if TYPE_CHECKING:
    from odibi_core.runtime.observer import Observer
    from odibi_core.runtime.recording.script import RecordedScript
    from odibi_core.runtime.recording.source import Script


def record(
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="Python file.", show_default=False)],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="Its arguments.", show_default=False)
    ] = None,
    module: Annotated[bool, typer.Option("--module", "-m", help="SCRIPT is a module, as with -m.")] = False,
    name: options.Name = None,
    param: options.RunParams = None,
    tag: options.RunTags = None,
    partition: options.RunPartition = None,
    no_story: options.NoStory = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no summary.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Run an unmodified script and record it.

    SCRIPT runs as `python SCRIPT ARGS` does: the same output, exceptions and
    exit code. Options of odibi come before it. Its statements that make or
    change frames of pandas, polars, pyarrow or DuckDB are the steps, named
    after their variables; so are those that read or write files.

    A function that takes frames and returns something is a part of the step
    that calls it. The statements of other functions are steps. Modules that
    the script imports run as they are.

    The summary goes to stderr, after the output of the script; --format json
    writes it there as JSON.

    odibi record clean.py --day 2026-01-31
    odibi record --name nightly -m shop.nightly
    """
    from odibi_core.observability import Observer
    from odibi_core.runtime.recording.script import RecordedScript, program_of_file, program_of_module
    from odibi_core.runtime.run_context import git, purpose_of
    from odibi_core.settings import read_settings

    if partition is not None and not partition.strip():
        raise ConfigurationError("--partition must be a text, such as 2026-01-31, got nothing; leave it out for none")
    git.begin()
    settings = read_settings(store={"dir": store or None})
    purpose = purpose_of(parse_params(param or []), parse_tags(tag or []), partition, settings.run)
    program = program_of_module(script) if module else program_of_file(script)
    recorded = RecordedScript(program, [script, *(arguments or [])])
    atexit.register(_end_by_signal, recorded)  # before the functions of the script, so that they run first
    source = recorded.prepare()
    if source is None:
        raise typer.Exit(exits.FAILED)
    observer = Observer(
        name or (script if module else name_of(script)), store=store, settings=settings, purpose=purpose
    )
    _run(recorded, source, observer, None if quiet else format, story=not no_story)
    if isinstance(recorded.error, SystemExit):
        raise recorded.error
    raise typer.Exit(exits.SUCCESS if recorded.error is None else exits.FAILED)


def _run(
    recorded: RecordedScript, source: Script, observer: Observer, format: options.TextOrJson | None, *, story: bool
) -> None:
    """Run the script inside its run, wait for its threads, and show the summary on the stderr of the command."""
    from odibi_core.cli.run_pipeline import write_files  # here: help needs no orchestrator
    from odibi_core.cli.run_summary import RunSummary

    stream, ending = sys.stderr, RunSummary(observer.bus)
    observer.__enter__()
    _begin_collecting()
    try:
        recorded.run(source, observer)
        _wait_for_threads()
    finally:
        observer.__exit__(None, recorded.failure, None)
    lineage = observer.tracker.lineage()
    if observer.record.forked or lineage.run_id is None:
        return
    with suppress(OSError), redirect_stdout(stream):
        files = write_files(observer, lineage, story)
        if format is options.TextOrJson.json:
            output.write_json(ending.document(lineage, files))
        elif format is not None:
            ending.show(lineage, files)
    if source.problem is not None:
        output.notice(f"{observer.name}: no statement was recorded, because {source.problem}")


def _begin_collecting() -> None:
    """Look for garbage from here on, as the script expects it, and never among what the command has loaded."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _wait_for_threads() -> None:
    """Wait for the threads that the interpreter waits for at its end: what they do belongs to the run."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _end_by_signal(recorded: RecordedScript) -> None:
    """End this process as the interpreter does after an uncaught `KeyboardInterrupt`, so that the shell stops too."""
    if isinstance(recorded.error, KeyboardInterrupt):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
