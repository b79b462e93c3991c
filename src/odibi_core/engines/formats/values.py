"""Values of options that several formats take: moments, names of columns, modes, and the keys of an upsert."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from odibi_core.engines.formats.base import Options
from odibi_core.errors import EngineError, UnreadableSourceError, nearest


def moment(value: Any) -> datetime | None:
    """Return the moment of a datetime or of an ISO text with a time zone; None for any other value."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


def unfit_moment(options: Options) -> list[str]:
    """Return a sentence if `timestamp=` is given and no moment."""
    given = options.get("timestamp")
    if given is None or moment(given) is not None:
        return []
    return [f"timestamp must be a time with its zone, such as 2026-01-31T12:00:00+00:00, got {given!r:.80}"]


def unfit_whole(options: Options, name: str) -> list[str]:
    """Return a sentence if an option is given and no whole number."""
    given = options.get(name)
    if given is None or (type(given) is int and given >= 0):
        return []
    return [f"{name} must be a whole number, got {given!r:.80}"]


def unfit_one_of(options: Options, *names: str) -> list[str]:
    """Return a sentence if more than one of some options is given."""
    given = [name for name in names if options.get(name) is not None]
    return [f"only one of {', '.join(names)} may be set, got {' and '.join(given)}"] if len(given) > 1 else []


def unfit_mode(options: Options, modes: Sequence[str], with_keys: str) -> list[str]:
    """Return sentences for a mode that a format has not, and for keys without the mode that needs them."""
    mode, keys = options.get("mode", modes[0]), options.get("keys")
    if mode not in modes:
        return [f"mode must be one of {', '.join(modes)}, got {mode!r:.80}"]
    if keys is not None and not names_of(keys):
        return [f"keys must be a name of a column or a list of names, got {keys!r:.80}"]
    if (mode == with_keys) != (keys is not None):
        return [f"mode={with_keys!r} needs keys=, the columns that identify a row, and no other mode takes them"]
    return []


def unfit_columns(options: Options) -> list[str]:
    """Return a sentence if `columns=` is given and no list of names."""
    given = options.get("columns")
    if given is None or (not isinstance(given, str) and names_of(given)):
        return []
    return [f"columns must be a list of names, got {given!r:.80}"]


def names_of(value: Any) -> list[str]:
    """Return a name, or a list of names, as a list; an empty one for any other value."""
    if isinstance(value, str):
        return [value]
    is_names = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    return list(value) if is_names else []


def refuse_missing(wanted: Iterable[str], names: Sequence[str], source: str) -> None:
    """Raise UnreadableSourceError for a column to read that is not there."""
    missing = next((name for name in wanted if name not in names), None)
    if missing is not None:
        raise UnreadableSourceError(f"{source} has no column {missing!r}; its columns are {', '.join(names)}")


def refuse_missing_keys(keys: Sequence[str], names: Sequence[str], format: str) -> None:
    """Raise EngineError for a key that is no column of the table that is there."""
    missing = next((key for key in keys if key not in names), None)
    if missing is not None:
        raise EngineError(f"the {format} table has no column {missing!r} for keys={list(keys)}")


def refuse_keys(table: Any, keys: Sequence[str]) -> None:
    """Raise EngineError for keys that do not identify the rows of an Arrow table: missing, null, or there twice."""
    import pyarrow.compute as pc

    for name in keys:
        if name not in table.column_names:
            raise EngineError(f"there is no column {name!r} for keys={list(keys)}{nearest(name, table.column_names)}")
        if table.column(name).null_count:
            raise EngineError(
                f"the key {name!r} is null in {table.column(name).null_count:,} rows, and null equals nothing"
            )
    counts = table.group_by(list(keys)).aggregate([([], "count_all")]).column("count_all")
    twice = pc.sum(pc.greater(counts, 1)).as_py() or 0
    if twice:
        raise EngineError(
            f"{twice:,} values of the keys {', '.join(keys)} are in several rows; which one counts is unknown"
        )
