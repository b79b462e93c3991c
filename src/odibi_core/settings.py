"""The settings, and the only place that reads the environment: `ODIBI_<SECTION>__<KEY>`, and for the log `LOG_<KEY>`.

Precedence: what code gives, then the environment, then the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from odibi_core.errors import ConfigurationError, nearest

Durability = Literal["buffered", "written", "synced"]
SnapshotLevel = Literal["off", "schema", "counts", "sample", "stats"]
PREFIX = "ODIBI_"


class Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the record is kept, and how surely."""

    dir: str = ".odibi"
    """The folder of all runs."""
    durability: Durability = "written"
    """`buffered` (lost with the process), `written` (lost with the machine), `synced` (lost with the disk)."""
    segment_mb: float = 64.0
    """A segment is closed, and a new one begun, before it would pass this size."""


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of what loggers of `get_logger` say; `LOG_LEVEL`, `LOG_FORMAT` and `LOG_FILE` set it too."""

    level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    """Below this level nothing is said."""
    format: Literal["text", "json"] = "text"
    """How stderr shows it; a file is always JSON Lines."""
    file: str = ""
    """One file that every line is appended to as well; empty for none."""


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How closely frames are looked at."""

    level: SnapshotLevel = "sample"
    """`off`, `schema`, `counts`, `sample` (with the first rows), `stats` (with nulls, minimum, maximum, distinct)."""
    rows: int = 5
    """Rows of a sample."""


class Settings(msgspec.Struct, frozen=True):
    """All settings, by section."""

    store: Store = Store()
    log: Log = Log()
    snapshot: Snapshot = Snapshot()

    @property
    def root(self) -> Path:
        """The folder of the store, absolute."""
        return Path(self.store.dir).expanduser().absolute()


SECTIONS: dict[str, type[Any]] = {"store": Store, "log": Log, "snapshot": Snapshot}
_LOG_VARIABLES = {"LOG_LEVEL": "level", "LOG_FORMAT": "format", "LOG_FILE": "file"}
_SPELLINGS = {"warn": "warning", "fatal": "critical"}
_INHERITED = "ODIBI_CONTEXT"


def read_settings(environment: Mapping[str, str] | None = None, **sections: dict[str, Any]) -> Settings:
    """The settings in force; `read_settings(store={"dir": "/data/odibi"})` goes before the environment.

    Raises `ConfigurationError` that names the variable, what it was, and what would be right.
    """
    found = _from_environment(os.environ if environment is None else environment)
    parts = {
        section: _read(section, found.get(section, {}), sections.get(section, {})) for section in SECTIONS
    }
    return Settings(**parts)


def read_log_settings(environment: Mapping[str, str] | None = None) -> Log:
    """The section `log` for program loggers: `LOG_<KEY>` goes before `ODIBI_LOG__<KEY>`.

    A reader of its own, for `LOG_LEVEL` may be meant for other software: it can be wrong only for whoever asks for
    a program logger. Raises `ConfigurationError`.
    """
    environment = os.environ if environment is None else environment
    found = _from_environment(environment).get("log", {})
    found |= {key: (name, environment[name]) for name, key in _LOG_VARIABLES.items() if environment.get(name)}
    for key in {"level", "format"} & set(found):
        variable, value = found[key]
        found[key] = (variable, _SPELLINGS.get(value.strip().lower(), value.strip().lower()))
    log: Log = _read("log", found, {})
    return log


def color_choice(environment: Mapping[str, str] | None = None) -> bool | None:
    """What the environment says of colours: `NO_COLOR` first, then `FORCE_COLOR`, then `TERM=dumb`; None: nothing."""
    environment = os.environ if environment is None else environment
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return False if environment.get("TERM") == "dumb" else None


def environment_value(name: str) -> str | None:
    """One variable that belongs to the ecosystem and not to us, such as `NO_COLOR`."""
    return os.environ.get(name)


def inherited_context() -> str | None:
    """What the process that started this one gave it by `environment_with`."""
    return os.environ.get(_INHERITED)


def environment_with(context: str) -> dict[str, str]:
    """This process's environment, for one that it starts, with the context that it shall begin in."""
    return {**os.environ, _INHERITED: context}


def _read(section: str, found: Mapping[str, tuple[str, str]], given: Mapping[str, Any]) -> Any:
    """A section from the environment's `(variable, value)` by key, and from what code gives."""
    kind = SECTIONS[section]
    values: dict[str, Any] = {key: value for key, (_, value) in found.items()}
    values |= {key: _text_of_path(value) for key, value in given.items() if value is not None}
    for key, value in values.items():
        _check(section, kind, key, value, found.get(key, (None, None))[0])
    return msgspec.convert(values, kind, strict=False)


def _text_of_path(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, tuple[str, str]]]:
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for variable, value in environment.items():
        section, separator, key = variable.removeprefix(PREFIX).lower().partition("__")
        if variable.startswith(PREFIX) and separator and section in SECTIONS:
            found.setdefault(section, {})[key] = (variable, value)
    return found


def _check(section: str, kind: type[Any], key: str, value: Any, variable: str | None) -> None:
    given_as = variable or f"the setting {section}.{key}"
    known = kind.__struct_fields__
    if key not in known:
        raise ConfigurationError(
            f"{given_as} is not a setting{nearest(key, known)}; {section} has: {', '.join(known)}"
        )
    try:
        msgspec.convert({key: value}, kind, strict=False)
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at ")[0]
        if choices := get_args(get_type_hints(kind)[key]):
            reason = f"it is one of {', '.join(choices)}{nearest(value, choices)}"
        raise ConfigurationError(f"{given_as} is {value!r}, which cannot be right: {reason}") from None
