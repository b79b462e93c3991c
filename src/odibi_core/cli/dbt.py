"""`odibi dbt`: run dbt as it is, and record what it did."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from odibi_core.cli import options, output
from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.events.clock import utc_now
from odibi_core.settings import environment_value

_RECORDED: Final = ("build", "run", "test", "seed", "snapshot", "source", "retry", "clone")
"""Commands that leave results."""


def dbt(
    arguments: Annotated[
        list[str], typer.Argument(metavar="COMMAND ARGS", help="Command line of dbt.", show_default=False)
    ],
    store: options.Store = None,
) -> None:
    """Run dbt and record it.

    Runs the dbt that is found on the PATH, with the same output and exit code.
    Its results are recorded after it ends: models, seeds and snapshots as
    steps, tests as checks. Options of odibi come before the command of dbt.

    odibi dbt build --select orders+
    odibi dbt --store /srv/odibi run
    """
    program = shutil.which("dbt")
    if program is None:
        raise ConfigurationError(
            "dbt is not on the PATH; install dbt-core and an adapter, or activate their environment"
        )
    began = utc_now()
    exit_code = _run([program, *arguments])
    try:
        _record(arguments, began, exit_code, store)
    except STOPS:
        raise
    except Exception as error:  # the result of dbt counts
        output.notice(f"this run of dbt was not recorded: {error}")
    raise typer.Exit(exit_code if exit_code >= 0 else 128 - exit_code)


def _run(words: Sequence[str]) -> int:
    """Run dbt to its end: it gets SIGINT of the terminal too, and ends by itself."""
    with subprocess.Popen(words) as running:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # after the start, because a child inherits it
        try:
            return running.wait()
        finally:
            signal.signal(signal.SIGINT, before)


def _record(words: Sequence[str], began: datetime, exit_code: int, store: str | None) -> None:
    from odibi_core.integrations.dbt import import_invocation
    from odibi_core.integrations.dbt_files import read_invocation

    target = _target(words)
    invocation = read_invocation(target, began)
    if invocation is not None:
        run_id, _ = import_invocation(invocation, store, exit_code)
        output.notice(f"recorded as {run_id}")
    elif any(word in _RECORDED for word in words):
        output.notice(f"dbt exited with {exit_code} and left no results in {target}, so nothing was recorded")


def _target(words: Sequence[str]) -> Path:
    """Return the folder of the results: of an option, else of a variable, else of the project."""
    project = Path(_option(words, "--project-dir") or environment_value("DBT_PROJECT_DIR") or ".")
    named = _option(words, "--target-path") or environment_value("DBT_TARGET_PATH")
    if named is None:
        try:
            found = re.search(r"^target-path:\s*[\"']?([^\"'#\n]+)", (project / "dbt_project.yml").read_text(), re.M)
        except OSError:
            found = None
        named = "target" if found is None else found[1].strip()
    return project / named


def _option(words: Sequence[str], name: str) -> str | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None
