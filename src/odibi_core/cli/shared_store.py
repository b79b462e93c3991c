"""The local copy of a shared store, for the commands that read."""

from __future__ import annotations

from odibi_core.cli import output
from odibi_core.history.remote.opening import open_copy
from odibi_core.settings import Settings
from odibi_core.store.runs import RunStore


def open_shared(settings: Settings) -> RunStore:
    """Return the local copy of `store.url`, brought up to date; report what is missing as notices."""
    problems: list[str] = []
    with output.waiting(f"reading {settings.store.url}"):
        copy = open_copy(settings, problems.append)
    for problem in problems:
        output.notice(problem)
    return copy
