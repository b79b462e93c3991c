"""`SettingsConnection`: a connection whose answers are settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from odibi_core.connections.base import Proof, Question, Values, Written
from odibi_core.connections.toml_file import set_values
from odibi_core.errors import OdibiError
from odibi_core.events.paths import absolute_path
from odibi_core.settings import ObservabilityConfig, environment_value
from odibi_core.settings.file import FILE
from odibi_core.settings.options import FILE_VARIABLE, OPTIONS
from odibi_core.settings.reach import overreach
from odibi_core.settings.reading import CODE, DEFAULT, Given, converted


def config_file() -> Path:
    """Return the file of settings: the one that the variable names, else that of the working directory."""
    return absolute_path(environment_value(FILE_VARIABLE) or FILE)


def is_only_found() -> bool:
    """Return whether no variable names the file, so that it may set less."""
    return not environment_value(FILE_VARIABLE)


class SettingsConnection(ABC):
    """A connection whose answers are settings; a subclass has the questions and the proof."""

    title: str
    questions: tuple[Question, ...]
    switches: ClassVar[Mapping[str, Any]] = {}
    """Settings that are written besides, by attribute."""

    @abstractmethod
    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether the settings lead anywhere."""

    @abstractmethod
    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Send a test signal with these settings; an `OdibiError` is a proof that failed."""

    def known(self) -> dict[str, str]:
        """Return the answers that are set already."""
        config = ObservabilityConfig()
        return {
            each.key: str(getattr(config, each.attribute))
            for each in self.questions
            if each.attribute and config.source(each.attribute) != DEFAULT
        }

    def problems(self, values: Values) -> list[str]:
        """Return a sentence for each answer that its setting refuses."""
        given = ((OPTIONS[each.attribute], each.key, values.get(each.key)) for each in self.questions)
        found = (converted(option, Given(value, f"--set {key}", CODE))[1] for option, key, value in given if value)
        return [problem for problem in found if problem]

    def _config(self, values: Values) -> ObservabilityConfig:
        given = {each.attribute: values[each.key] for each in self.questions if values.get(each.key)}
        return ObservabilityConfig(**self.switches, **given)

    def prove(self, values: Values, within_s: float) -> Proof:
        """Send a test signal."""
        return self._proof(self._config(values), within_s)

    def _proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        try:
            return self.proof(config, within_s)
        except (OdibiError, OSError) as error:
            return Proof("failed", str(error))

    def check(self, within_s: float) -> list[Proof]:
        """Prove the present settings."""
        config = ObservabilityConfig()
        return [self._proof(config, within_s)] if self.is_configured(config) else []

    def write(self, values: Values, *, with_secrets: bool) -> Written:
        """Write the settings into the file, and name the variables of the secrets."""
        config, path, done = self._config(values), config_file(), Written()
        found: dict[tuple[str, str], Any] = {}
        asked = {each.attribute: each.text for each in self.questions if each.attribute and values.get(each.key)}
        for attribute in (*self.switches, *asked):
            option = OPTIONS[attribute]
            value = getattr(config, attribute)
            if option.is_secret and not with_secrets:
                if not any(map(environment_value, option.variables)):
                    done.variables[option.own_variable] = asked[attribute]
                continue
            found[option.section, option.key] = value
            if is_only_found() and overreach(option, value, str(path)):
                done.variables[FILE_VARIABLE] = str(path)
        if found:
            set_values(path, found)
            done.files.append(str(path))
        done.notices += self._config(values).validate()  # of all settings together
        return done
