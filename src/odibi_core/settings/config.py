"""The settings of the process: `ObservabilityConfig`, flat and lenient, and `read_settings`, strict, for a run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from odibi_core._state import STATE
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events.hosts import is_loopback
from odibi_core.settings.config_attributes import ConfigAttributes
from odibi_core.settings.lists import value_within
from odibi_core.settings.nearest_store import nearest_store
from odibi_core.settings.options import OPTIONS, VARIABLES, options_of, unknown_variables
from odibi_core.settings.reading import CODE, DEFAULT, Given, Reader, converted, with_consequence
from odibi_core.settings.sections import SECTIONS, Settings
from odibi_core.settings.values import masked

_log = logging.getLogger("odibi_core")


class ObservabilityConfig(ConfigAttributes):
    """All settings of code, environment and file: `ObservabilityConfig(log_level="debug")`.

    An invalid value never raises: the setting keeps its default, and `validate()` lists the reason. The same holds for
    an attribute that is assigned later.

    Raises:
        ConfigurationError: An attribute does not exist.
    """

    _general: list[str]
    _unknown: list[str]
    _problems: dict[str, str]
    _own: dict[str, tuple[Any, str]]
    _sources: dict[str, str]

    def __init__(self, **given: Any) -> None:
        reader = Reader()
        own = {
            option.attribute: read[option.key]
            for section in SECTIONS
            for read in [reader.read(section)]
            for option in options_of(section)
        }
        unknown = unknown_variables(reader.environment)
        self.__dict__.update(
            _general=reader.general, _unknown=unknown, _problems=reader.problems, _own=own, _sources={}
        )
        self._settle()
        for attribute, value in given.items():
            if value is not None:
                setattr(self, attribute, value)

    def __setattr__(self, attribute: str, value: Any) -> None:
        option = OPTIONS.get(attribute)
        if option is None:
            raise ConfigurationError(f"ObservabilityConfig has no {attribute!r}{nearest(attribute, OPTIONS)}")
        used, problem = converted(option, Given(value, f"the setting {attribute}", CODE))
        self._problems.pop(attribute, None)
        if problem:
            self._problems[attribute] = with_consequence(problem, used)
        self._own[attribute] = used, DEFAULT if problem else CODE
        self._settle()

    def _settle(self) -> None:
        """Set each attribute: its own value, else the value within a list, else that of the attribute instead of it."""
        for attribute, (value, source) in self._own.items():
            self._put(attribute, value, source)
        for attribute, option in OPTIONS.items():
            if option.within:
                listed, *names = option.within
                text, source = self._own[listed]
                if _rank(source) > _rank(self._sources[attribute]) and (held := value_within(listed, text, names)):
                    self._put(attribute, held, source)
        for attribute, option in OPTIONS.items():
            if option.instead and self._sources[attribute] == DEFAULT:
                self._put(attribute, self.__dict__[option.instead], option.instead)

    def _put(self, attribute: str, value: Any, source: str) -> None:
        self.__dict__[attribute] = value
        self._sources[attribute] = source

    def source(self, attribute: str) -> str:
        """Return the source of a value: `default`, `code`, a variable, a file, or the attribute instead of it."""
        return self._sources[attribute]

    def section(self, name: str) -> Any:
        """Return one section as its own type: `config.section("log")` is a `Log`."""
        return SECTIONS[name](**{option.key: getattr(self, option.attribute) for option in options_of(name)})

    def of_run(self) -> Settings:
        """Return the settings of a run of this program; the store as `read_settings` finds it."""
        sections = {name: self.section(name) for name in Settings.__struct_fields__}
        folder = _folder(self.store_dir, self.source("store_dir"))
        return Settings(**{**sections, "store": msgspec.structs.replace(sections["store"], dir=folder)})

    def validate(self, *sections: str) -> list[str]:
        """Return a sentence for each problem, which names the variable; an empty list if all settings are valid.

        With `sections`, only invalid values of these count: other variables may be meant for other software.
        """
        values = [
            problem
            for attribute, problem in self._problems.items()
            if not sections or OPTIONS[attribute].section in sections
        ]
        across = [] if sections else [problem for found in self._across().values() for problem in found]
        return [*self._general, *values, *across, *self.unknown_variables()]

    def problem_of(self, attribute: str) -> str:
        """Return the reason why the value of one setting is refused; empty if it is valid."""
        return self._problems.get(attribute, "")

    def unknown_variables(self) -> list[str]:
        """Return the variables that are ignored: the part of `validate()` that may concern other software."""
        return list(self._unknown)

    def prevented(self) -> dict[str, list[str]]:
        """Return what is enabled and impossible: `sentry_enabled`, with the reasons that `validate()` lists.

        Every other invalid setting keeps its default, or is ignored, and prevents nothing.
        """
        found = self._across()
        if self.sentry_enabled and (problem := self._problems.get("sentry_dsn")):
            found["sentry_enabled"] = [problem]
        return found

    def _across(self) -> dict[str, list[str]]:
        """Return problems of settings that are valid alone and not together, by the attribute that needs them."""
        found: dict[str, list[str]] = {}
        if self.sentry_enabled and not self.sentry_dsn and "sentry_dsn" not in self._problems:
            found["sentry_enabled"] = [
                "SENTRY_ENABLED is true and SENTRY_DSN is not set: set it to the DSN of your Sentry project"
            ]
        if self.datadog_enabled and not (self.datadog_host and self.datadog_port):
            host = "DATADOG_ENABLED is true and ODIBI_DATADOG__HOST is empty: it is the host of Datadog's agent"
            port = "DATADOG_ENABLED is true and ODIBI_DATADOG__PORT is 0: it is the agent's port, by custom 8125"
            wrong = ((self.datadog_host, host), (self.datadog_port, port))
            found["datadog_enabled"] = [problem for value, problem in wrong if not value]
        if self.metrics_enabled and not self.metrics_token and not is_loopback(self.metrics_host):
            found["metrics_enabled"] = [
                f"METRICS_ENABLED is true and ODIBI_METRICS__HOST is {self.metrics_host!r}, which others can reach: "
                "set ODIBI_METRICS__TOKEN to what they must send, or the host to 127.0.0.1"
            ]
        return found

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={masked(option, getattr(self, name))!r}" for name, option in OPTIONS.items())
        return f"ObservabilityConfig({shown})"


def _rank(source: str) -> int:
    """Rank a source: code before environment before file before default."""
    if source in (DEFAULT, CODE):
        return 0 if source == DEFAULT else 3
    return 2 if source in VARIABLES else 1


class _Configured:
    """The settings of this process, once they were read or given, and the problems already logged."""

    def __init__(self) -> None:
        self.config: ObservabilityConfig | None = None
        self.warned: set[str] = set()


_configured: Final = STATE.part(_Configured)


def get_config() -> ObservabilityConfig:
    """Return the settings of this process: those of `set_config`, else environment and file at the first use."""
    if _configured.config is None:
        with STATE.creation_lock:
            if _configured.config is None:
                _configured.config = ObservabilityConfig()
    return _configured.config


def set_config(config: ObservabilityConfig | None) -> None:
    """Set the settings of the process; None: read them anew at the next use."""
    if not isinstance(config, ObservabilityConfig | None):
        raise ConfigurationError(f"set_config takes an ObservabilityConfig or None, not a {type(config).__name__}")
    _configured.config = config


def _of_code(section: str) -> dict[str, Any]:
    """Return the values of a section that code gave to the settings of this process."""
    config = _configured.config
    return {} if config is None else {
        option.key: getattr(config, option.attribute)
        for option in options_of(section)
        if config.source(option.attribute) == CODE
    }  # fmt: skip


def read_settings(
    environment: Mapping[str, str] | None = None,
    *,
    store: Mapping[str, Any] | None = None,
    snapshot: Mapping[str, Any] | None = None,
    redaction: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a run: `read_settings(store={"dir": "/data/odibi"})`.

    If nothing names a store, it is the nearest `.odibi` upwards from the working directory, or else a new one there.
    An ignored variable is logged once, by the logger `odibi_core` of `logging`.

    Args:
        environment: The variables; by default those of the process, before which goes what code gave to `set_config`.
        store: Values of the section, which go before all others; None counts as not given. A `dir` with `://` is the
            `url` of a shared store.
        snapshot: Likewise.
        redaction: Likewise.
        run: Likewise.

    Raises:
        ConfigurationError: A setting is invalid; the message names the variable, its value and the valid values.
    """
    reader, is_here = Reader(environment, strict=True), environment is None
    if is_here:
        _warn_of_unknown(reader.environment)
    sections = {}
    if store and "://" in str(store.get("dir") or ""):
        store = {**store, "dir": None, "url": store["dir"]}
    given = {"store": store or {}, "snapshot": snapshot or {}, "run": run or {}, "redaction": redaction or {}}
    for section in Settings.__struct_fields__:
        code = _of_code(section) if is_here else {}
        code |= {key: value for key, value in given.get(section, {}).items() if value is not None}
        read = reader.read(section, code)
        if section == "store" and is_here:
            folder, source = read["dir"]
            read["dir"] = _folder(folder, source), source
        sections[section] = SECTIONS[section](**{key: value for key, (value, _) in read.items()})
    return Settings(**sections)


def _folder(named: str, source: str) -> str:
    """Return the folder of the store: the nearest store upwards if nothing names one, and if there is one."""
    return (nearest_store() if source == DEFAULT else None) or named


def _warn_of_unknown(environment: Mapping[str, str]) -> None:
    for problem in unknown_variables(environment):
        if problem not in _configured.warned:
            _configured.warned.add(problem)
            _log.warning(problem)
