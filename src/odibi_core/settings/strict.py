"""For whoever cannot go on with a wrong setting: one section or a few, and an error instead of a default."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from odibi_core._state import STATE
from odibi_core.errors import ConfigurationError
from odibi_core.settings.config import of_config
from odibi_core.settings.options import options_of, unknown_variables
from odibi_core.settings.reading import CODE, Given, Reading, judged, stranger
from odibi_core.settings.sections import SECTIONS, Settings

_log = logging.getLogger("odibi_core")


class _Warned:
    """The unknown variables of which a warning was logged."""

    def __init__(self) -> None:
        self.problems: set[str] = set()


_warned: Final = STATE.part(_Warned)


def read_settings(
    environment: Mapping[str, str] | None = None,
    *,
    store: Mapping[str, Any] | None = None,
    snapshot: Mapping[str, Any] | None = None,
    redaction: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a run; `read_settings(store={"dir": "/data/odibi"})` goes before everything else.

    What code gave to the config of `set_config` comes next, unless an `environment` is given. Raises
    `ConfigurationError` that names the variable, what it was, and what would be right. Of a variable that nothing reads
    our logger in `logging` is told, once.
    """
    reading, is_here = Reading(environment), environment is None
    if is_here:
        for problem in unknown_variables(reading.environment):
            if problem not in _warned.problems:
                _warned.problems.add(problem)
                _log.warning(problem)
    found = {}
    for section, given in (("store", store), ("snapshot", snapshot), ("redaction", redaction)):
        code = of_config(section) if is_here else {}
        code |= {key: value for key, value in (given or {}).items() if value is not None}
        found[section] = _read(section, reading, code)
    return Settings(**found)


def _read(section: str, reading: Reading, code: Mapping[str, Any]) -> Any:
    """A section, or the first reason why it cannot be had."""
    known = SECTIONS[section].__struct_fields__
    strange = [stranger(f"the setting {section}.{key}", section, key) for key in code if key not in known]
    for problem in [reading.file.problem, *strange, *reading.strangers(section)]:
        if problem:
            raise ConfigurationError(problem)
    values = {}
    for option in options_of(section):
        given = reading.given(option)
        if option.key in code:
            given = Given(code[option.key], f"the setting {option.name}", CODE)
        elif problem := reading.overreach(option):
            raise ConfigurationError(problem)
        if given is not None:
            values[option.key], problem = judged(option, given)
            if problem:
                raise ConfigurationError(problem)
    return SECTIONS[section](**values)
