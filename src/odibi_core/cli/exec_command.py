"""`odibi exec`: run a command in any language, and record it as a run."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from odibi_core.cli import options, output
from odibi_core.cli.params import parse_params, parse_tags
from odibi_core.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from odibi_core.bus.bus import EventBus
    from odibi_core.cli.run_summary import RunSummary
    from odibi_core.runtime.observer import Observer


def exec(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="With its arguments.", show_default=False)],
    name: options.Name = None,
    param: options.RunParams = None,
    tag: options.RunTags = None,
    partition: options.RunPartition = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no summary.")] = False,
    store: options.Store = None,
) -> None:
    """Run a command in any language and record it.

    COMMAND runs as a shell runs it: the same output, signals and exit code.
    Its lines are in the log of the run, with its CPU time, peak memory and
    exit code. The summary goes to stderr.

    A run that it starts, such as that of `odibi run`, has this one as its
    parent. If the record cannot be written, COMMAND runs without it.

    odibi exec -- ./backup.sh --all
    odibi exec --name nightly --quiet -- sh -c 'dump | gzip > dump.gz'
    """
    from odibi_core.bus.bus import EventBus
    from odibi_core.integrations.shell.child import needs
    from odibi_core.integrations.shell.command_run import CommandRun, PeakMemory
    from odibi_core.integrations.shell.signals import Signals

    if reason := needs():
        raise ConfigurationError(f"odibi exec needs POSIX, and {reason}; run the command without it")
    if partition is not None and not partition.strip():
        raise ConfigurationError("--partition must be a text, such as 2026-01-31, got nothing; leave it out for none")
    facts = parse_params(param or []), parse_tags(tag or []), partition
    signals = Signals()  # before any thread
    memory = PeakMemory()
    observer = _start(name or os.path.basename(command[0]) or command[0], facts, store, EventBus(memory=memory))
    summary = None if quiet or observer is None else _collect(observer)
    run = CommandRun(command, observer, signals, memory)
    code = run.run()
    if run.problem is not None:
        output.complain(run.problem)
    if observer is not None and summary is not None:
        _show(observer, summary)
    run.pass_on_rest()
    sys.exit(code)


def _start(
    name: str, facts: tuple[dict[str, object], dict[str, str], str | None], store: str | None, bus: EventBus
) -> Observer | None:
    """Start the record; return None, after a notice, if it cannot be written.

    Raises:
        ConfigurationError: A setting is wrong.
    """
    from odibi_core.integrations.shell.command_run import SYSTEM
    from odibi_core.runtime.observer import Observer
    from odibi_core.runtime.run_context import git, purpose_of
    from odibi_core.settings import read_settings

    git.begin()
    settings = read_settings(store={"dir": store or None})
    purpose = purpose_of(*facts, settings.run)
    try:
        observer = Observer(name, store=store, settings=settings, bus=bus, purpose=purpose)
        return observer.start(integration=SYSTEM)
    except (StoreError, OSError) as error:
        output.notice(f"{name} is not recorded: {output.reason(error)}")
        return None


def _collect(observer: Observer) -> RunSummary:
    from odibi_core.cli.run_summary import RunSummary

    return RunSummary(observer.bus)


def _show(observer: Observer, summary: RunSummary) -> None:
    """Show the summary on stderr."""
    from odibi_core.cli.run_pipeline import write_files

    lineage = observer.tracker.lineage()
    with suppress(OSError), redirect_stdout(sys.stderr):
        summary.show(lineage, write_files(observer, lineage, story=False))
