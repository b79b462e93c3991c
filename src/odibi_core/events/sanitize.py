"""The sanitizing step of the event bus: normalize → redact → bound, once for each event.

The short path is for ordinary fields: names seen before, short texts found clean before, small numbers. It only sees
that nothing has to be done, in one rule, `_is_clean`; every other value takes the slow path, whole.
"""

from __future__ import annotations

from typing import Any, Final

from odibi_core.events.event import FIELDS_ON_THE_WIRE, HEADER, STANDARD
from odibi_core.events.normalize import MAX_DEPTH, MAX_KEY, MAX_TEXT, to_key, to_plain, to_text
from odibi_core.redaction.keys import Redacted, unique
from odibi_core.redaction.redactor import (
    HIDDEN,
    SMALLEST_CARD,
    Redactor,
    held,
    hidden,
    is_plain_name,
    is_silent,
    named_elsewhere,
    on_new_rules,
    redact_text,
)

_NAMES_KEPT: Final = 4096
_TEXTS_KEPT: Final = 8192
_TEXT_KEPT: Final = 80
_SHORT_WORD: Final = 12
"""No secret with a shape of its own is as short as this and made of letters, digits and `_` alone."""
_LOWEST, _HIGHEST = -float(SMALLEST_CARD), float(SMALLEST_CARD)
_RESERVED: Final = HEADER | {FIELDS_ON_THE_WIRE, ""}
"""Names that no given field may have."""

_ordinary: set[Any] = set()
_clean_texts: set[Any] = set()
_silent: set[str] = set()
_standard: set[str] = set()
"""Standard fields, except those that a configured rule names."""
on_new_rules(_ordinary.clear)
on_new_rules(_clean_texts.clear)
on_new_rules(_silent.clear)


def split_fields(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]:
    """Return `(standard fields, other fields, live objects)`, sanitized; `fields` is taken over.

    Live objects are the values that JSON cannot hold, unchanged, under names without secrets: only hooks of this
    process get them. None instead of an empty dict: every value is a number, a short text or nothing.
    """
    standard: dict[str, Any] = {}
    for name, value in fields.items():
        if not _is_clean(value):
            break
        if name in _ordinary:
            continue
        if name not in _standard:
            break
        standard[name] = value
    else:
        if ("value" not in fields and "values" not in fields) or not named_elsewhere(fields):
            for name in standard:
                del fields[name]
            return standard, fields, None
    return _split_slowly(fields)


def _is_clean(value: Any) -> bool:
    """Return true for a scalar that needs no look: none under an ordinary name can hold a secret."""
    kind = type(value)
    if kind is str:
        return value in _clean_texts
    if kind is int or kind is float:
        return _LOWEST < value < _HIGHEST  # type: ignore[no-any-return]
    return kind is bool or value is None


def _split_slowly(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Split fields of which a name or a value needs a closer look; keep their order."""
    standard: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    live: dict[str, Any] = {}
    for name, columns in named_elsewhere(fields).items():
        if name in fields:
            given = fields[name]
            fields[name] = Redactor().rows(to_plain(given, keep_names=True), columns) if columns else held(given)
    for name, value in fields.items():
        label = _label(name)
        if label in STANDARD:
            standard[label] = sanitize_field(label, value)
            continue
        if label != name or label in rest:
            label = unique(label, {**fields, **rest})
        rest[label] = sanitize_field(label, value)
        if _is_live(value) and rest[label] != HIDDEN:
            live[label] = value
    fields.clear()
    fields.update(rest)
    return standard, fields, live


def _label(name: Any) -> str:
    """Return the name under which a field is kept."""
    if _is_allowed(name):
        return str(name)
    if type(name) is str and (name in HEADER or name == FIELDS_ON_THE_WIRE):
        return f"{name}_"
    return redact_text(to_key(name))


def _is_allowed(name: Any) -> bool:
    """Return true if a field may keep its name; remember an ordinary one, which has no meaning for its value."""
    if name in _ordinary or name in STANDARD:
        return True
    if type(name) is not str or name in _RESERVED or len(name) > MAX_KEY or sanitize_text(name) != name:
        return False
    if is_plain_name(name):
        _remember(_ordinary, name, _NAMES_KEPT)
    return True


def _is_ordinary(name: Any) -> bool:
    return name in _ordinary or (_is_allowed(name) and is_plain_name(name))


def _is_live(value: Any) -> bool:
    return not issubclass(type(value), (str, bytes, int, float, list, tuple, dict, set, frozenset, type(None)))


def sanitize_field(name: str, value: Any, limit: int = MAX_TEXT) -> Any:
    """Return the value of one field as it may be kept, with about `limit` characters at most."""
    if type(value) is Redacted:
        return to_text(value)
    if name not in _standard and not _is_ordinary(name):
        return HIDDEN if hidden(name, value) else Redactor().field(name, to_plain(value, limit, keep_names=True))
    if _is_clean(value):
        return value
    try:
        return _copy(value, MAX_DEPTH, [limit])
    except _NeedsSlowPath:
        return Redactor().field(name, to_plain(value, limit, keep_names=True))


def sanitize_value(value: Any) -> Any:
    """Return any value as it may reach an output: JSON-plain, bounded, redacted. Never raises."""
    if type(value) is str:
        return sanitize_text(value)
    try:
        return _copy(value, MAX_DEPTH, [MAX_TEXT])
    except _NeedsSlowPath:
        return Redactor().of(to_plain(value, keep_names=True))


class _NeedsSlowPath(Exception):
    """A value that may have to be changed."""


def _copy(value: Any, depth: int, room: list[int]) -> Any:
    """Copy a value that is plain and clean already (benchmark: snapshot, a third of the slow path's time)."""
    kind = type(value)
    if kind is str:
        room[0] -= len(value)
        if room[0] < 0 or sanitize_text(value) != value:
            raise _NeedsSlowPath
        return value
    if _is_clean(value):
        return value
    if kind is Redacted:
        room[0] -= len(value)
        return str(value)
    if kind is not list and kind is not tuple and kind is not dict:
        raise _NeedsSlowPath
    room[0] -= 4 + 4 * len(value)
    if depth == 0 or room[0] < 0:
        raise _NeedsSlowPath
    return _copy_fields(value, depth, room) if kind is dict else _copy_items(value, depth, room)


def _copy_items(items: Any, depth: int, room: list[int]) -> list[Any]:
    for item in items:
        if type(item) is str and item not in _silent and not _is_silent(item):
            raise _NeedsSlowPath
    if len(items) == 2 and type(items[0]) is str and items[0] not in _ordinary and not is_plain_name(items[0]):
        raise _NeedsSlowPath  # a name and its value
    return [_copy(item, depth - 1, room) for item in items]


def _copy_fields(fields: dict[Any, Any], depth: int, room: list[int]) -> dict[Any, Any]:
    if named_elsewhere(fields):
        raise _NeedsSlowPath
    for name in fields:
        if name not in _ordinary and not _is_ordinary(name):
            raise _NeedsSlowPath
    return {name: _copy(item, depth - 1, room) for name, item in fields.items()}


def _is_silent(item: str) -> bool:
    """Return true if nothing follows from the item of a list for the next one; remember a short one."""
    if not is_silent(item):
        return False
    if len(item) <= _TEXT_KEPT:
        _remember(_silent, item, _TEXTS_KEPT)
    return True


def sanitize_text(content: str) -> str:
    """Return a text as it may be kept: valid, bounded, without secrets. Remember a short one that is clean."""
    if content in _clean_texts:
        return content
    is_short_word = len(content) <= _SHORT_WORD and content.isidentifier()
    cleaned = content if is_short_word else redact_text(to_text(content))
    if cleaned == content and type(content) is str and len(content) <= _TEXT_KEPT:
        _remember(_clean_texts, content, _TEXTS_KEPT)
    return cleaned


def _remember(kept: set[Any], item: str, limit: int) -> None:
    if len(kept) >= limit:
        kept.clear()
    kept.add(item)


def _judge_standard_fields() -> None:
    _standard.clear()
    _standard.update(filter(is_plain_name, STANDARD))


_judge_standard_fields()
on_new_rules(_judge_standard_fields)
