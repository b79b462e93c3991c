"""Completion of step names from the record, in the shell: it never fails, and reads only the beginning of one run."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import typer

from odibi_core.errors import STOPS
from odibi_core.events import kinds
from odibi_core.settings import environment_value, read_settings
from odibi_core.store.runs import RunStore
from odibi_core.views.values import records, text

_MOST_EVENTS: Final = 2_000
"""The plan is in the first events of a run; an observed run has none, and its steps appear as they begin."""


def steps_of_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the steps of the run that the command line names."""
    return _offered(lambda: _steps(ctx.params, ctx.params.get("run")), incomplete)


def steps_of_file(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the steps of the run to resume, otherwise of the latest run of the file on the command line."""
    return _offered(lambda: _steps(ctx.params, _run_of(ctx.params)), incomplete)


def _run_of(params: dict[str, Any]) -> str:
    from odibi_core.cli.run import name_of  # here: that command uses this module

    run = params.get("resume")
    if isinstance(run, str) and run not in ("", "latest"):
        return run
    # An option without a value, as the one to complete has none yet, hides the arguments from the parser.
    file = params.get("file") or next(word for word in words() if word.partition(":")[0].endswith(".py"))
    return str(params.get("name") or name_of(file))


def words() -> list[str]:
    """Return the words of the command line that the shell completes; none if it completes nothing."""
    line = environment_value("COMP_WORDS") or environment_value("_TYPER_COMPLETE_ARGS") or ""
    try:
        return shlex.split(line)
    except ValueError:  # an open quote
        return line.split()


def _offered(find: Callable[[], list[str]], incomplete: str) -> list[str]:
    """Return the names that begin so; none if anything fails, because the shell shows no error."""
    try:
        return [name for name in find() if name.startswith(incomplete)]
    except STOPS:
        raise
    except BaseException:
        return []


def _steps(params: dict[str, Any], run: str | None) -> list[str]:
    """Return the steps of a run in their order."""
    store = RunStore(read_settings(store={"dir": params.get("store") or None}).root)
    found: dict[str, None] = {}
    has_plan = False
    for event in islice(store.read(store.find(run)), _MOST_EVENTS):
        if event.event_type == kinds.PIPELINE_PLAN:
            has_plan = True
            names = (text(row.get("name")) for row in records(event.fields.get("steps")))
            found |= dict.fromkeys(name for name in names if name)
        elif event.node_name is not None:
            if has_plan:
                break
            found[event.node_name] = None
    return list(found)
