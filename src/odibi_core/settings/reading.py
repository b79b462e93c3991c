"""The reader of settings: environment before file before default, and the reason why a value is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

import msgspec

from odibi_core.errors import ConfigurationError, nearest
from odibi_core.settings.environment import process_environment
from odibi_core.settings.file import settings_file
from odibi_core.settings.lists import buckets
from odibi_core.settings.options import PREFIX, Option, options_of
from odibi_core.settings.reach import overreach
from odibi_core.settings.sections import SECTIONS
from odibi_core.settings.values import masked, text_of

CODE: Final = "code"
DEFAULT: Final = "default"
_SPELLINGS: Final = {"warn": "warning", "fatal": "critical"}
_BOOLEANS: Final = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


class Given(NamedTuple):
    """A value that was given, its name in a message, and its source."""

    value: Any
    called: str
    source: str


class Reader:
    """One look at the environment and the file.

    Args:
        environment: The variables; by default those of the process.
        strict: Raise `ConfigurationError` for the first problem. Otherwise the setting keeps its default, and
            `problems` (by attribute) and `general` (of keys and of the file) list the reasons.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, *, strict: bool = False) -> None:
        self.environment = process_environment() if environment is None else environment
        self.strict = strict
        self.file = settings_file(self.environment)
        self.general: list[str] = []
        self.problems: dict[str, str] = {}
        if self.file.problem:
            self._report(self.file.problem)

    def read(self, section: str, code: Mapping[str, Any] | None = None) -> dict[str, tuple[Any, str]]:
        """Return the value and the source of each setting of a section; values of `code` go before all others."""
        code = code or {}
        for problem in self._unknown_keys(section, code):
            self._report(problem)
        return {option.key: self._value(option, code) for option in options_of(section)}

    def _value(self, option: Option, code: Mapping[str, Any]) -> tuple[Any, str]:
        given, table = self._from_environment(option), self.file.tables.get(option.section, {})
        if option.key in code:
            given = Given(code[option.key], f"the setting {option.name}", CODE)
        elif given is None and option.key in table:
            given = Given(table[option.key], f"{self.file.path}: {option.name}", self.file.path)
            if self.file.is_found and (problem := overreach(option, given.value, self.file.path)):
                self._refuse(option, problem, option.default)
                return option.default, DEFAULT
        if given is None:
            return option.default, DEFAULT
        value, problem = converted(option, given)
        if problem:
            self._refuse(option, problem, value)
        return value, DEFAULT if problem else given.source

    def _from_environment(self, option: Option) -> Given | None:
        """Return the first variable that counts; an empty one with a short or foreign name counts as not set."""
        for variable in option.variables:
            value = self.environment.get(variable)
            if value or (value is not None and variable.startswith(PREFIX)):
                return Given(value, variable, variable)
        return None

    def _unknown_keys(self, section: str, code: Mapping[str, Any]) -> list[str]:
        """Return a sentence for each key that the section does not have: in code, the environment or the file."""
        known = SECTIONS[section].__struct_fields__
        before = f"{PREFIX}{section}__".upper()
        found = {f"the setting {section}.{key}": key for key in code}
        found |= {name: name.removeprefix(before).lower() for name in self.environment if name.startswith(before)}
        found |= {f"{self.file.path}: {section}.{key}": key for key in self.file.tables.get(section, {})}
        return [
            f"{called} is not a setting{nearest(key, known)}; {section} has: {', '.join(known)}"
            for called, key in found.items()
            if key not in known
        ]

    def _report(self, problem: str) -> None:
        if self.strict:
            raise ConfigurationError(problem)
        self.general.append(problem)

    def _refuse(self, option: Option, problem: str, used: Any) -> None:
        if self.strict:
            raise ConfigurationError(problem)
        self.problems[option.attribute] = with_consequence(problem, used)


def with_consequence(problem: str, used: Any) -> str:
    """Return the reason of a refused value, and the value that is used instead."""
    return f"{problem}; {f'{text_of(used)} is used' if used not in ('', ()) else 'it counts as not set'}"


def converted(option: Option, given: Given) -> tuple[Any, str]:
    """Return the value of a setting and, if it is refused, the reason; the value is then the default.

    Of several rules of redaction, the valid ones stay in force.
    """
    try:
        value = msgspec.convert(_plain(option, given.value), option.kind, strict=False)
    except (msgspec.ValidationError, ValueError, OverflowError):
        return option.default, _problem(option, given, _expected(option.kind, given.value))
    if option.key in ("names", "patterns") and (refused := _refused(option, value)):
        right = tuple(rule for rule in value if rule not in refused)
        return right, _problem(option, given, next(iter(refused.values())))
    if option.attribute == "metrics_buckets" and buckets(value) is None:
        return option.default, _problem(option, given, _expected(option.kind, value))
    return value, ""


def _refused(option: Option, rules: tuple[str, ...]) -> dict[str, str]:
    """Return the rules of redaction that are invalid, each with its reason."""
    from odibi_core.redaction.rules import right_name, right_pattern  # here, because few have rules of their own

    check = right_name if option.key == "names" else right_pattern
    refused = {}
    for rule in rules:
        try:
            check(rule)
        except ConfigurationError as error:
            refused[rule] = str(error)
    return refused


def _problem(option: Option, given: Given, reason: str) -> str:
    return f"{given.called} is {_shown(masked(option, given.value))}, which cannot be right: {reason}"


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.200}"
    except Exception:  # the message is about the setting, not about the object that code gave
        return f"a {type(value).__name__}"


def _base(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _plain(option: Option, value: Any) -> Any:
    """Return a value in the form that the converter takes: a path as text, a text as the setting's type."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    kind = _base(option.kind)
    if not isinstance(value, str) or (kind is str and (option.reach == "path" or not _rule(option.kind))):
        return value
    word = value.strip()
    if kind is bool:
        return _BOOLEANS.get(word.lower(), value)
    if get_origin(kind) is Literal:
        return _SPELLINGS.get(word.lower(), word.lower())
    return _listed(word, commas=option.key != "patterns") if get_origin(kind) is tuple else word


def _listed(text: str, *, commas: bool) -> list[str]:
    """Split a list in one text: JSON, else one a line, or with `commas` between; a pattern may hold those itself."""
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        parts = text.replace(",", "\n").splitlines() if commas else text.splitlines()
        return [part.strip() for part in parts if part.strip()]


def _rule(kind: Any) -> str:
    """Return the description of the values that a type allows; empty if it allows all."""
    metadata = getattr(kind, "__metadata__", ())
    return next((str(meta.description) for meta in metadata if isinstance(meta, msgspec.Meta)), "")


def _expected(kind: Any, value: Any) -> str:
    """Return the end of a message: the values that are valid."""
    base = _base(kind)
    if base is bool:
        return "it is true or false (1/0, yes/no, on/off)"
    if get_origin(base) is Literal:
        return f"it is one of {', '.join(get_args(base))}{nearest(_shown(value), get_args(base))}"
    return _rule(kind) or ("it is a text" if base is str else "it is a list of texts")
