"""From what was given to a value: code before environment before file before default, and why one is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from odibi_core.errors import nearest
from odibi_core.settings.environment import process_environment
from odibi_core.settings.file import settings_file
from odibi_core.settings.options import PREFIX, Option
from odibi_core.settings.reach import overreach
from odibi_core.settings.sections import SECTIONS, FilePath
from odibi_core.settings.values import masked, refusal

CODE: Final = "code"
DEFAULT: Final = "default"
_SPELLINGS: Final = {"warn": "warning", "fatal": "critical"}
_BOOLEANS: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off"), False
)


class Given(NamedTuple):
    """A value that somebody gave: how a message calls it, and where it came from."""

    value: Any
    called: str
    source: str


class Reading:
    """The environment and the file, looked at once."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.environment = process_environment() if environment is None else environment
        self.file = settings_file(self.environment)

    def given(self, option: Option) -> Given | None:
        """What the environment, else the file, gives; an empty variable with a short name counts as not set."""
        for variable in option.variables:
            value = self.environment.get(variable)
            if value or (value is not None and variable.startswith(PREFIX)):
                return Given(value, variable, variable)
        table = self.file.tables.get(option.section, {})
        if option.key in table and not self._refusal(option):
            return Given(table[option.key], f"{self.file.path}: {option.name}", self.file.path)
        return None

    def overreach(self, option: Option) -> str:
        """Return the sentence that refuses what a found file gives; empty if it gives nothing that counts."""
        return self._refusal(option) if self.given(option) is None else ""

    def _refusal(self, option: Option) -> str:
        value = self.file.tables.get(option.section, {}).get(option.key)
        return overreach(option, value, self.file.path) if self.file.is_found else ""

    def strangers(self, section: str) -> list[str]:
        """A sentence for each key of the section, in the environment or in the file, that does not exist."""
        known = SECTIONS[section].__struct_fields__
        before = f"{PREFIX}{section}__".upper()
        found = {
            name: name.removeprefix(before).lower() for name in self.environment if name.startswith(before)
        }
        found |= {f"{self.file.path}: {section}.{key}": key for key in self.file.tables.get(section, {})}
        return [stranger(called, section, key) for called, key in found.items() if key not in known]


def stranger(called: str, section: str, key: str) -> str:
    """What is said of a key that a section does not have."""
    known = SECTIONS[section].__struct_fields__
    return f"{called} is not a setting{nearest(key, known)}; {section} has: {', '.join(known)}"


def judged(option: Option, given: Given) -> tuple[Any, str]:
    """The value of a setting and, where what was given cannot be right, the sentence that says why.

    The value is then the default; but of rules of redaction, those that are right stay in force.
    """
    hint = _hints(option.section)[option.key]
    try:
        plain = {option.key: _plain(option, given.value, hint)}
        value = getattr(msgspec.convert(plain, SECTIONS[option.section], strict=False), option.key)
    except (msgspec.ValidationError, ValueError, OverflowError):
        return option.default, _problem(option, given, _wanted(hint, given.value))
    if option.key in ("names", "patterns") and (refused := _refused(option, value)):
        right = tuple(rule for rule in value if rule not in refused)
        return right, _problem(option, given, next(iter(refused.values())))
    return value, ""


def _refused(option: Option, rules: tuple[str, ...]) -> dict[str, str]:
    return {rule: why for rule in rules if (why := refusal(option, rule))}


def _problem(option: Option, given: Given, reason: str) -> str:
    return f"{given.called} is {_shown(masked(option, given.value))}, which cannot be right: {reason}"


@cache
def _hints(section: str) -> dict[str, Any]:
    return get_type_hints(SECTIONS[section], include_extras=True)


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.200}"
    except Exception:  # whatever code gave, the message is about the setting
        return f"a {type(value).__name__}"


def _plain(option: Option, value: Any, hint: Any) -> Any:
    """What was given in the form that the converter takes: a path as text, a text as what the setting is."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or hint is str or hint == FilePath:
        return value
    word = value.strip()
    if hint is bool:
        return _BOOLEANS.get(word.lower(), value)
    if get_origin(hint) is Literal:
        return _SPELLINGS.get(word.lower(), word.lower())
    return _listed(word, commas=option.key == "names") if get_origin(hint) is tuple else word


def _listed(text: str, *, commas: bool) -> list[str]:
    """A list in one text: in JSON, else one a line, or with `commas` between; a pattern may hold those itself."""
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        parts = text.replace(",", "\n").splitlines() if commas else text.splitlines()
        return [part.strip() for part in parts if part.strip()]


def _wanted(hint: Any, value: Any) -> str:
    """What would be right."""
    if hint is bool:
        return "it is true or false (1/0, yes/no, on/off)"
    if get_origin(hint) is Literal:
        return f"it is one of {', '.join(get_args(hint))}{nearest(_shown(value), get_args(hint))}"
    if get_origin(hint) is Annotated:
        return str(hint.__metadata__[0].description)
    return "it is a text" if hint is str else "it is a list of texts"
