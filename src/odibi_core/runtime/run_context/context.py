"""The fields of a run's first event: its purpose, its process, its code and its packages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from odibi_core.errors import STOPS
from odibi_core.runtime.run_context.git import git_state
from odibi_core.runtime.run_context.packages import packages_of, packages_of_program
from odibi_core.runtime.run_context.process_facts import process_facts
from odibi_core.runtime.run_context.purpose import Purpose
from odibi_core.settings.sections import Run
from odibi_core.unwrapping import unwrapped

_log = logging.getLogger("odibi_core")
_DEFAULT: Final = Run()


def run_context(
    purpose: Purpose,
    settings: Run | None = None,
    functions: Iterable[Callable[..., Any]] | None = None,
    engines: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the fields of the first event. Never raises: a part that fails is left out, with a line in the log.

    Args:
        purpose: Parameters, tags and partition.
        settings: The variables that may be recorded.
        functions: The functions of the steps, whose packages are listed; None for those that the program imports.
        engines: The engines of the steps.
    """
    allowed = (settings or _DEFAULT).environment
    parts: tuple[Callable[[], dict[str, Any]], ...] = (
        purpose.fields,
        lambda: process_facts(allowed),
        lambda: {"git": git_state()},
        lambda: {"packages": _packages(functions, engines)},
    )
    found: dict[str, Any] = {}
    for part in parts:
        try:
            found |= part()
        except STOPS:
            raise
        except BaseException:
            _log.exception("a part of the context of a run could not be recorded")
    return found


def _packages(functions: Iterable[Callable[..., Any]] | None, engines: Iterable[str]) -> dict[str, str]:
    if functions is None:
        return packages_of_program()
    distinct = {id(each): each for each in functions}.values()  # many steps may share one
    return packages_of(map(unwrapped, distinct), engines)
