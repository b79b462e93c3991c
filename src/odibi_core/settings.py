"""The settings, and the only place that reads the environment: `ODIBI_<SECTION>__<KEY>`.

Precedence: what code gives, then the environment, then the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

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
    """What is recorded."""

    level: Literal["debug", "info", "warning", "error", "critical"] = "debug"
    """Events below this level are not recorded."""


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


def read_settings(environment: Mapping[str, str] | None = None, **sections: dict[str, Any]) -> Settings:
    """The settings in force; `read_settings(store={"dir": "/data/odibi"})` goes before the environment.

    Raises `ConfigurationError` that names the variable, what it was, and what would be right.
    """
    found = _from_environment(os.environ if environment is None else environment)
    parts: dict[str, Any] = {}
    for section, kind in SECTIONS.items():
        values = {key: value for key, (_, value) in found.get(section, {}).items()}
        values |= {key: _text_of_path(value) for key, value in sections.get(section, {}).items() if value is not None}
        for key, value in values.items():
            _check(section, kind, key, value, found.get(section, {}).get(key, (None, None))[0])
        parts[section] = msgspec.convert(values, kind, strict=False)
    return Settings(**parts)


def environment_value(name: str) -> str | None:
    """One variable that belongs to the ecosystem and not to us, such as `NO_COLOR`."""
    return os.environ.get(name)


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
        raise ConfigurationError(f"{given_as} is {value!r}, which cannot be right: {reason}") from None
