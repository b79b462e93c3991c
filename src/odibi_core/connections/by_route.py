"""`RouteConnection`: a receiver of alerts, which is a route in a file of rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Final

from odibi_core.alerts.routes import Route
from odibi_core.alerts.rulebook import read_rules
from odibi_core.alerts.trial import try_route
from odibi_core.connections.base import Proof, Question, Values, Written
from odibi_core.connections.by_settings import config_file, is_only_found
from odibi_core.connections.toml_file import set_row, set_values
from odibi_core.errors import ConfigurationError
from odibi_core.events.paths import absolute_path
from odibi_core.settings import ObservabilityConfig, environment_value
from odibi_core.settings.options import FILE_VARIABLE

_RULES: Final = "rules"
_FILE: Final = "routes.toml"
NAME: Final = Question("name", "Name of the route; empty for the usual one")


class RouteConnection(ABC):
    """A receiver of alerts; a subclass has the questions, and makes the address of the route."""

    title: str
    questions: tuple[Question, ...]
    name: ClassVar[str]
    """The usual name of the route."""
    target: ClassVar[str] = "url"
    """The key of the route that has the address."""
    variable: ClassVar[str] = ""
    """The variable that has the address, if it is a secret."""
    form: ClassVar[str] = ""
    """The form of a secret address, for people."""

    @abstractmethod
    def address(self, values: Values) -> str:
        """Return the address of the route. Raises `ConfigurationError`."""

    @abstractmethod
    def is_own(self, route: Route) -> bool:
        """Return whether a route is of this kind."""

    def known(self) -> dict[str, str]:
        """Return nothing: the parts of an address are in no setting."""
        return {}

    def problems(self, values: Values) -> list[str]:
        """Return a sentence if the answers make no route, or if its name is that of another receiver."""
        try:
            route = self._route(values)
            there = _present_route(route.name)
        except (ConfigurationError, ValueError) as error:
            return [str(error)]
        if there is None or there.target == self.target:
            return []
        return [f"there is a route {route.name!r} to another receiver already; give another --set name=…"]

    def _route(self, values: Values) -> Route:
        return Route(**{"name": values.get("name") or self.name, self.target: self.address(values)})  # type: ignore[arg-type]

    def prove(self, values: Values, within_s: float) -> Proof:
        """Send a test alert."""
        return _proof(self._route(values), within_s)

    def check(self, within_s: float) -> list[Proof]:
        """Send a test alert on each route of this kind."""
        return [_proof(route, within_s) for route in _present_routes() if self.is_own(route)]

    def write(self, values: Values, *, with_secrets: bool) -> Written:
        """Write the route into the file of rules, and name that file in the settings."""
        route, done = self._route(values), Written()
        path = self._file(done)
        address = getattr(route, self.target)
        if self.variable and not with_secrets and not address.startswith("env:"):
            if environment_value(self.variable) != address:
                done.variables[self.variable] = self.form
            address = f"env:{self.variable}"
        set_row(path, "route", {"name": route.name, self.target: address})
        done.files.insert(0, str(path))
        return done

    def _file(self, done: Written) -> Path:
        """Return the file for the route; without one, its folder is named in the settings."""
        given = ObservabilityConfig().alerts_rules
        path = absolute_path(given) if given else config_file().with_name(_RULES)
        if path.suffix in (".yaml", ".yml"):
            raise ConfigurationError(f"a route is added to a folder or a .toml file, got {path}; add it there by hand")
        if not given:
            settings = config_file()
            set_values(settings, {("alerts", "rules"): str(path)})
            done.files.append(str(settings))
            if is_only_found():
                done.variables[FILE_VARIABLE] = str(settings)
        return path if path.suffix == ".toml" else path / _FILE


def _present_routes() -> tuple[Route, ...]:
    given = ObservabilityConfig().alerts_rules
    return read_rules(given if given and absolute_path(given).exists() else "").routes


def _present_route(name: str) -> Route | None:
    return next((route for route in _present_routes() if route.name == name), None)


def _proof(route: Route, within_s: float) -> Proof:
    arrived, failure = try_route(route, within_s)
    where = f"route {route.name!r}: "
    if failure:
        return Proof("failed", failure if route.name in failure else f"{where}{failure}")
    return Proof("arrived", f"{where}{arrived}")
