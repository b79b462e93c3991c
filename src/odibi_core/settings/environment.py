"""The environment of the process, which nothing else reads, and the variables in it that are no settings of odibi."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from odibi_core.events.paths import absolute_path

INHERITED = "ODIBI_CONTEXT"
TRACEPARENT = "TRACEPARENT"
"""W3C's variable: the span of which this process is a child."""


def process_environment() -> Mapping[str, str]:
    """Return the variables of this process, as they are now."""
    return os.environ


def color_choice(environment: Mapping[str, str] | None = None) -> bool | None:
    """Return whether to use colours: `NO_COLOR` first, then `FORCE_COLOR`, then `TERM=dumb`; None if none is set."""
    environment = process_environment() if environment is None else environment
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return False if environment.get("TERM") == "dumb" else None


def environment_value(name: str) -> str | None:
    """Return a variable that belongs to the ecosystem, such as `NO_COLOR`."""
    return process_environment().get(name)


def temporary_folder() -> Path:
    """Return the folder for temporary files."""
    return Path(process_environment().get("TMPDIR") or "/tmp")


def cache_folder() -> Path:
    """Return the user's folder for data that can be fetched again: `$XDG_CACHE_HOME`, by default `~/.cache`."""
    given = process_environment().get("XDG_CACHE_HOME", "")
    return Path(given) if given.startswith("/") else absolute_path("~/.cache")


def inherited_context() -> str | None:
    """Return the context that the parent process handed over by `environment_with`."""
    return process_environment().get(INHERITED)


def parent_span() -> str:
    """Return the `traceparent` of the parent process, unchanged; empty if there is none."""
    return process_environment().get(TRACEPARENT, "")


def environment_with(context: str, traceparent: str = "") -> dict[str, str]:
    """Return the environment for a child process, with the context and the span in which it begins."""
    span = {TRACEPARENT: traceparent} if traceparent else {}
    return {**process_environment(), INHERITED: context, **span}
