"""Facts about the process of a run: its command line, Python, system, user and environment."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_value
from odibi_core.redaction.keys import Redacted
from odibi_core.redaction.locations import location
from odibi_core.settings.environment import process_environment

MAX_ARGUMENTS: Final = 200
MAX_COMMAND: Final = 4096
MAX_VARIABLES: Final = 100
_MAX_ARGUMENT: Final = 1024
_MAX_VALUE: Final = 1024


class _Process:
    """The facts that cannot change while a process lives, and the latest command line."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.command: tuple[tuple[str, ...], str | None] = ((), None)


_process: Final = STATE.part(_Process)


def process_facts(allowed: Iterable[str]) -> dict[str, Any]:
    """Return `command`, `python`, `system`, `os_user`, and the allowed variables as `environment`."""
    if not _process.facts:
        _process.facts = {"python": _python(), "system": _system(), "os_user": _os_user()}
    return {
        "command": _command(getattr(sys, "orig_argv", None) or sys.argv),
        **_process.facts,
        "environment": allowed_variables(allowed, process_environment()),
    }


def _command(given: list[str]) -> str | None:
    """Return the command line of the process, redacted; it is computed again only if the program changed it."""
    arguments = tuple(given)
    if _process.command[0] != arguments:
        _process.command = arguments, command_line(arguments)
    return _process.command[1]


def command_line(arguments: Iterable[str]) -> str | None:
    """Return a command line without its secrets, quoted for a shell; None if it is empty.

    It is redacted as a list, in which the argument after `--password` is known to be its value.
    """
    listed = [to_text(argument, _MAX_ARGUMENT) for argument in arguments]
    if not any(listed):
        return None
    cut = listed[:MAX_ARGUMENTS]
    program = cut[: _program_length(cut)]
    words = [shlex.quote(word) for word in [*map(location, program), *sanitize_value(cut)[len(program) :]]]
    if len(listed) > len(cut):
        words.append(f"… [cut: {len(listed)} arguments]")
    return Redacted(to_text(" ".join(words), MAX_COMMAND))


def _program_length(arguments: list[str]) -> int:
    """Return the number of words that name Python and the script: paths, which stay."""
    return 2 if len(arguments) > 1 and not arguments[1].startswith("-") else 1


def allowed_variables(allowed: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with an allowed name; `AIRFLOW_CTX_*` allows all that begin so."""
    names = list(allowed)
    wanted = [name for name in names if not name.endswith("*")]
    prefixes = tuple(name[:-1] for name in names if name.endswith("*"))
    found = {name: environment[name] for name in wanted if name in environment}
    if prefixes:
        found |= {name: environment[name] for name in sorted(environment) if name.startswith(prefixes)}
    items = list(found.items())[:MAX_VARIABLES]
    return {name: to_text(value, _MAX_VALUE) for name, value in items}


def _python() -> str:
    version = sys.version.split(maxsplit=1)[0]
    name = sys.implementation.name
    return version if name == "cpython" else f"{version} ({name})"


def _system() -> str:
    if not hasattr(os, "uname"):
        return sys.platform
    found = os.uname()
    return f"{found.sysname} {found.release} {found.machine}"


def _os_user() -> str | None:
    """Return the name of the user, or the number of a user without a name.

    The variables come first: a directory service may need seconds for the name.
    """
    environment = process_environment()
    for variable in ("LOGNAME", "USER", "USERNAME"):
        if environment.get(variable):
            return environment[variable]
    if not hasattr(os, "getuid"):
        return None
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return str(os.getuid())
