"""The purpose of a run: its parameters, its tags and its partition."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from odibi_core.errors import ConfigurationError
from odibi_core.events.normalize import to_key, to_plain, to_text
from odibi_core.events.sanitize import sanitize_field, sanitize_text
from odibi_core.redaction.locations import location
from odibi_core.settings.lists import pairs
from odibi_core.settings.sections import Run

MAX_NAMES: Final = 200
"""Parameters, and tags, of one run."""
MAX_VALUE: Final = 8 * 1024
"""Characters of one parameter: a large one leaves room for the others."""
_MAX_TAG: Final = 400


class Purpose(NamedTuple):
    """The values that a run was given, not redacted: parameters as they are, tags and the partition as texts."""

    params: dict[str, Any]
    tags: dict[str, str]
    partition: str | None

    @property
    def shown_partition(self) -> str | None:
        """The partition as the record has it."""
        return None if self.partition is None else sanitize_text(self.partition)

    def fields(self) -> dict[str, Any]:
        """Return the fields of the first event; numbers stay numbers, times are ISO texts."""
        return {
            "params": {to_key(name): _bounded(name, value) for name, value in _first(self.params)},
            "tags": dict(_first(self.tags)),
            "partition": self.shown_partition,
        }


def purpose_of(params: Any = None, tags: Any = None, partition: Any = None, settings: Run | None = None) -> Purpose:
    """Return the purpose of a run: what code gives goes before the settings.

    Raises:
        ConfigurationError: Parameters or tags are no mapping, or the partition is neither a text nor a date.
    """
    settings = Run() if settings is None else settings
    given = {**pairs(settings.tags), **_mapping("tags", tags)}
    return Purpose(
        params=_mapping("params", params),
        tags={to_key(name): to_text(to_plain(value), _MAX_TAG) for name, value in given.items() if value is not None},
        partition=_partition(settings.partition if partition is None else partition),
    )


def _mapping(name: str, given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"{name} must be a mapping of names to values, got a {type(given).__name__}; pass a dict such as "
            f'{name}={{"region": "north"}}'
        )
    return dict(given)


def _partition(given: Any) -> str | None:
    """Return a date or a time as its ISO text, and a text or a whole number as a text."""
    if isinstance(given, date):  # a datetime too
        given = given.isoformat()
    elif isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if given is None or isinstance(given, str):
        return to_text(given.strip(), _MAX_TAG) if given and given.strip() else None
    raise ConfigurationError(
        f'partition must be a text or a date, got a {type(given).__name__}; pass partition="2026-01-31"'
    )


def _first(values: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the items of a mapping, without those above the limit, whose number is stated."""
    items = list(values.items())
    if len(items) > MAX_NAMES:
        items[MAX_NAMES:] = [("…", f"[cut: {len(values)} names]")]
    return items


def _bounded(name: Any, value: Any) -> Any:
    """Return a value as the record has it, of bounded size.

    It is redacted here, because cutting it loses the names of a named tuple, by which its items are judged.
    """
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is float:
        return value
    if isinstance(value, PurePath):
        return location(str(value))
    return sanitize_field(to_key(name), value, MAX_VALUE)
