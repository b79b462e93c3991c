"""The file of settings: `odibi.toml` in the working directory, or the one that `ODIBI_CONFIG_FILE` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core.errors import nearest
from odibi_core.events.paths import absolute_path
from odibi_core.settings.options import FILE_VARIABLE
from odibi_core.settings.sections import SECTIONS

FILE: Final = "odibi.toml"


class SettingsFile(NamedTuple):
    """The content of the file: a table for each section, and the `problem` if it cannot be read or is invalid."""

    path: str = ""
    tables: Mapping[str, Mapping[str, Any]] = {}
    problem: str = ""
    is_found: bool = False
    """True for the file of the working directory, which no variable named: it may set less (see `reach`)."""


def settings_file(environment: Mapping[str, str]) -> SettingsFile:
    """Read the file; without one return an empty result. A file that a variable names must exist."""
    named = environment.get(FILE_VARIABLE, "")
    path = absolute_path(named) if named else Path(FILE)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        return SettingsFile(problem=_unreadable(named, error)) if named else SettingsFile()
    except (OSError, ValueError) as error:
        return SettingsFile(problem=_unreadable(named, error))
    return _parsed(str(path), content)._replace(is_found=not named)


def _unreadable(named: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    if named:
        return f"{FILE_VARIABLE} is {named!r}, which cannot be read: {reason}"
    return f"the file {FILE} cannot be read: {reason}"


def _parsed(path: str, content: bytes) -> SettingsFile:
    import tomllib  # here, because most processes have no such file

    try:
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return SettingsFile(path, {}, f"{path} is not TOML: {error}")
    wrong = [_wrong_section(name, table) for name, table in tables.items()]
    kept = {name: table for (name, table), problem in zip(tables.items(), wrong, strict=True) if not problem}
    return SettingsFile(path, kept, "; ".join(f"{path}: {problem}" for problem in wrong if problem))


def _wrong_section(name: str, table: Any) -> str:
    """Return why this is no section; the others stay in force, because they may hold rules of redaction."""
    if name not in SECTIONS:
        return f"{name!r} is not a section{nearest(name, SECTIONS)}; the sections are: {', '.join(SECTIONS)}"
    return "" if isinstance(table, dict) else f"{name!r} is a section: write [{name}], and its settings below"
