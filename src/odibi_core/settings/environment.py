"""The only place that reads the process's environment, and what is honoured in it without being a setting of ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

INHERITED = "ODIBI_CONTEXT"
TRACEPARENT = "TRACEPARENT"
"""W3C's: of which span, in which trace, this process is a child."""


def process_environment() -> Mapping[str, str]:
    """The variables of this process, as they are now."""
    return os.environ


def color_choice(environment: Mapping[str, str] | None = None) -> bool | None:
    """What the environment says of colours: `NO_COLOR` first, then `FORCE_COLOR`, then `TERM=dumb`; None: nothing."""
    environment = process_environment() if environment is None else environment
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return False if environment.get("TERM") == "dumb" else None


def environment_value(name: str) -> str | None:
    """One variable that belongs to the ecosystem and not to us, such as `NO_COLOR`."""
    return process_environment().get(name)


def temporary_folder() -> Path:
    """The folder for what lives no longer than the machine runs."""
    return Path(process_environment().get("TMPDIR") or "/tmp")


def inherited_context() -> str | None:
    """What the process that started this one gave it by `environment_with`."""
    return process_environment().get(INHERITED)


def parent_span() -> str:
    """The `traceparent` that the process which started this one gave it, as it is; empty where it gave none."""
    return process_environment().get(TRACEPARENT, "")


def environment_with(context: str, traceparent: str = "") -> dict[str, str]:
    """This process's environment, for one that it starts, with the context and the span that it shall begin in."""
    span = {TRACEPARENT: traceparent} if traceparent else {}
    return {**process_environment(), INHERITED: context, **span}
