"""The one way in: what a caller says becomes fields that are plain, redacted and bounded, before anyone hears them.

The way is short for what is ordinary. A name that was seen before has its role in a table, a short text that was
found clean is remembered, numbers need one look. The short way only sees that nothing has to be done: as soon as
something may have to, the long way does it, for the whole value. So there is one set of rules.
"""

from __future__ import annotations

from typing import Any, Final

from odibi_core.events.event import FIELDS_ON_THE_WIRE, HEADER, STANDARD
from odibi_core.events.normalise import (
    MAX_DEPTH,
    MAX_KEY,
    MAX_TEXT,
    key,
    number,
    plain_with_names,
    text,
)
from odibi_core.redaction.keys import unique
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
    redact,
    redact_text,
)

_NAMES_KEPT: Final = 4096
_TEXTS_KEPT: Final = 8192
_TEXT_KEPT: Final = 80
_SMALL: Final = 16
_TOO_SHORT: Final = 12
"""No secret that is told by its shape is as short as this, and only of letters, digits and `_`."""

_TAKEN: Final = HEADER | {FIELDS_ON_THE_WIRE, ""}
"""Names that no field of a caller may have."""

_ordinary: set[Any] = set()
_clean_texts: set[str] = set()
_silent: set[str] = set()
_standard: set[str] = set()
"""Standard fields, but for those that the user's own rules name."""
on_new_rules(_ordinary.clear)
on_new_rules(_clean_texts.clear)
on_new_rules(_silent.clear)


def sift(said: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]:
    """What was said as `(standard fields, other fields, live objects)`; takes `said` over.

    Live objects are the values that JSON cannot hold, as they were: only hooks in this process get them,
    under the names that are free of secrets, while the fields hold their description. None instead of no
    objects says more: that every value is a number, a short text, or nothing.
    """
    standard: dict[str, Any] = {}
    ordinary, clean, allowed = _ordinary, _clean_texts, _standard
    for name, value in said.items():
        # Written out, with SMALLEST_CARD as a literal, because every event passes here.
        kind = type(value)
        if kind is str:
            if value not in clean:
                break
        elif kind is int:
            if not -100_000_000_000_000 < value < 100_000_000_000_000:
                break
        elif kind is float:
            if not -100_000_000_000_000.0 < value < 100_000_000_000_000.0:
                break
        elif kind is not bool and value is not None:
            break
        if name in ordinary:
            continue
        if name not in allowed:
            break
        standard[name] = value
    else:
        if ("value" not in said and "values" not in said) or not named_elsewhere(said):
            for name in standard:
                del said[name]
            return standard, said, None
    return _sift_strange(said)


def _sift_strange(said: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The long way, for what has a name or a value that needs a closer look; the order of the fields is kept."""
    standard: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    live: dict[str, Any] = {}
    for name, columns in named_elsewhere(said).items():
        if name in said:
            said[name] = (
                Redactor().rows(plain_with_names(said[name]), columns) if columns else held(said[name])
            )
    for name, value in said.items():
        label = _label(name)
        if label in STANDARD:
            standard[label] = clean_field(label, value)
            continue
        if label != name or label in rest:
            label = unique(label, {**said, **rest})
        rest[label] = clean_field(label, value)
        if _is_live(value) and rest[label] != HIDDEN:
            live[label] = value
    said.clear()
    said.update(rest)
    return standard, said, live


def _label(name: Any) -> str:
    """The name under which a field is kept."""
    if _is_plain_name(name):
        return str(name)
    if type(name) is str and (name in HEADER or name == FIELDS_ON_THE_WIRE):
        return f"{name}_"
    return redact_text(key(name))


def _is_plain_name(name: Any) -> bool:
    """Whether a field may keep its name; an ordinary one, of no special meaning, is remembered."""
    if name in _ordinary or name in STANDARD:
        return True
    if type(name) is not str or name in _TAKEN or len(name) > MAX_KEY or clean_text(name) != name:
        return False
    if is_plain_name(name):
        if len(_ordinary) >= _NAMES_KEPT:
            _ordinary.clear()
        _ordinary.add(name)
    return True


def _is_ordinary(name: str) -> bool:
    """Whether a field of this name holds no secret, whatever its value is; remembered then."""
    return _is_plain_name(name) and name in _ordinary


def _is_live(value: Any) -> bool:
    return not issubclass(
        type(value), (str, bytes, int, float, list, tuple, dict, set, frozenset, type(None))
    )


def clean_field(name: str, value: Any) -> Any:
    """The value of one field as it may be kept."""
    if name not in _ordinary and name not in _standard and not _is_ordinary(name):
        return HIDDEN if hidden(name, value) else Redactor().field(name, plain_with_names(value))
    if type(value) is str:
        if value in _clean_texts or clean_text(value) == value:
            return value
        return Redactor().field(name, text(value))
    if type(value) is float and not abs(value) >= SMALLEST_CARD:
        return number(value)
    if type(value) is int and -SMALLEST_CARD < value < SMALLEST_CARD:
        return value
    try:
        return _copy(value, MAX_DEPTH, [MAX_TEXT])
    except _StrangeError:
        return Redactor().field(name, plain_with_names(value))


def tidy(value: Any) -> Any:
    """Any value, plain, bounded and redacted. What is plain already is copied in one quick walk."""
    if type(value) is dict and len(value) <= _SMALL and _is_ordinary_record(value):
        return value.copy()
    try:
        return _copy(value, MAX_DEPTH, [MAX_TEXT])
    except _StrangeError:
        return redact(plain_with_names(value))


def _is_ordinary_record(value: dict[Any, Any]) -> bool:
    """Whether all its names are ordinary and all its values numbers or short texts that were found clean."""
    ordinary, clean = _ordinary, _clean_texts
    for name, item in value.items():
        kind = type(item)
        if name not in ordinary or not (
            item in clean
            if kind is str
            else -SMALLEST_CARD < item < SMALLEST_CARD
            if kind is int or kind is float
            else kind is bool or item is None
        ):
            return False
    return ("value" not in value and "values" not in value) or not named_elsewhere(value)


class _StrangeError(Exception):
    """Something in a value needs the long way."""


def _copy(value: Any, depth: int, room: list[int]) -> Any:
    kind = type(value)
    if kind is str:
        room[0] -= len(value)
        if room[0] < 0 or (value not in _clean_texts and clean_text(value) != value):
            raise _StrangeError
        return value
    if value is None or kind is bool or (kind is int and -SMALLEST_CARD < value < SMALLEST_CARD):
        return value
    if kind is float and -SMALLEST_CARD < value < SMALLEST_CARD:
        return value
    if kind is not list and kind is not tuple and kind is not dict:
        raise _StrangeError
    room[0] -= 4 + 4 * len(value)
    if depth == 0 or room[0] < 0:
        raise _StrangeError
    return _copied_fields(value, depth, room) if kind is dict else _copied_items(value, depth, room)


def _copied_items(value: Any, depth: int, room: list[int]) -> list[Any]:
    for item in value:
        if type(item) is str and item not in _silent and not _is_silent(item):
            raise _StrangeError
    if (
        len(value) == 2
        and type(value[0]) is str
        and value[0] not in _ordinary
        and not is_plain_name(value[0])
    ):
        raise _StrangeError  # a name and its value
    return [_copy(item, depth - 1, room) for item in value]


def _copied_fields(value: dict[Any, Any], depth: int, room: list[int]) -> dict[Any, Any]:
    if named_elsewhere(value):
        raise _StrangeError
    for name in value:
        if name not in _ordinary and not (_is_plain_name(name) and is_plain_name(name)):
            raise _StrangeError
    return {name: _copy(item, depth - 1, room) for name, item in value.items()}


def _is_silent(item: str) -> bool:
    """Whether the item of a list says nothing of the next; remembered if it is short."""
    if not is_silent(item):
        return False
    if len(item) <= _TEXT_KEPT:
        if len(_silent) >= _TEXTS_KEPT:
            _silent.clear()
        _silent.add(item)
    return True


def clean_text(content: str) -> str:
    """A text as it may be kept: valid, bounded, without secrets. Short clean ones are remembered."""
    if content in _clean_texts:
        return content
    short_name = len(content) <= _TOO_SHORT and content.isidentifier()
    cleaned = content if short_name else redact_text(text(content))
    if cleaned == content and type(content) is str and len(content) <= _TEXT_KEPT:
        if len(_clean_texts) >= _TEXTS_KEPT:
            _clean_texts.clear()
        _clean_texts.add(content)
    return cleaned


def _judge_standard_fields() -> None:
    _standard.clear()
    _standard.update(filter(is_plain_name, STANDARD))


_judge_standard_fields()
on_new_rules(_judge_standard_fields)


def clean(value: Any) -> Any:
    """Any value as it may reach an output: JSON-plain, bounded, redacted. Never raises."""
    return clean_text(value) if type(value) is str else tidy(value)
