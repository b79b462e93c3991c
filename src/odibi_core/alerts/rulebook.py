"""`Rulebook`: the rules, routes and silences of files and of code, validated before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core import plugins
from odibi_core._state import STATE
from odibi_core.alerts.reading import read_struct
from odibi_core.alerts.routes import Route, Silence
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import sanitize_text
from odibi_core.events.paths import absolute_path
from odibi_core.plugins import missing_extra
from odibi_core.rules.base import Rule

_TABLES: Final = ("rule", "route", "silence")
_ENDINGS: Final = (".toml", ".yaml", ".yml")
_LARGEST: Final = 5 << 20
_MOST_PROBLEMS: Final = 20


class Rulebook(msgspec.Struct, frozen=True):
    """The rules, routes and silences in force."""

    rules: tuple[Rule, ...] = ()
    routes: tuple[Route, ...] = ()
    silences: tuple[Silence, ...] = ()
    files: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules or self.routes)

    @property
    def by_name(self) -> dict[str, Rule]:
        """The rules by name."""
        return {rule.name: rule for rule in self.rules}

    def route(self, name: str) -> Route | None:
        """Return a route by its name, or None."""
        return next((route for route in self.routes if route.name == name), None)


class _OfCode:
    """The rules, routes and silences that code gave, and the last rulebook that was read from files."""

    def __init__(self) -> None:
        self.book = Rulebook()
        self.signature: tuple[Any, ...] | None = None
        self.last = Rulebook()


_of_code: Final = STATE.part(_OfCode)


def configure_alerts(
    rules: Sequence[Rule] = (), routes: Sequence[Route] = (), silences: Sequence[Silence] = ()
) -> None:
    """Set the rules, routes and silences of this process, besides those of the files; a second call replaces them.

    Raises:
        ConfigurationError: A name is there twice, an escalation names no route, or an element is no rule.
    """
    for what, kind, given in (("rules", Rule, rules), ("routes", Route, routes), ("silences", Silence, silences)):
        wrong = next((each for each in given if not isinstance(each, kind)), None)
        if wrong is not None:
            raise ConfigurationError(f"{what} must be {kind.__name__} objects, got a {type(wrong).__name__}")
    book = Rulebook(tuple(rules), tuple(routes), tuple(silences))
    _refuse(list(_across(book, "configure_alerts()")))
    _of_code.book, _of_code.signature = book, None


def read_rules(path: str | os.PathLike[str] = "") -> Rulebook:
    """Return the rules in a file or a folder, and those of `configure_alerts`.

    Args:
        path: A TOML or YAML file, or a folder of them; empty for those of code alone.

    Raises:
        ConfigurationError: A file cannot be read, or a key in it is wrong; the message has a line for each problem.
        MissingExtraError: A file is YAML, and PyYAML is not installed.
    """
    if not os.fspath(path):
        return _of_code.book
    files = _files(absolute_path(os.fspath(path)))
    signature = tuple((str(file), *_stamp(file)) for file in files)
    if signature == _of_code.signature:
        return _of_code.last
    problems: list[str] = []
    parts = [_of_file(file, problems) for file in files]
    own = _of_code.book
    book = Rulebook(
        (*own.rules, *(each for part in parts for each in part.rules)),
        (*own.routes, *(each for part in parts for each in part.routes)),
        (*own.silences, *(each for part in parts for each in part.silences)),
        tuple(map(str, files)),
    )
    _refuse([*problems, *_across(book, os.fspath(path))])
    _of_code.signature, _of_code.last = signature, book
    return book


def _refuse(problems: Sequence[str]) -> None:
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        shown = [*problems[:_MOST_PROBLEMS], *([f"and {more} more problems"] if more > 0 else [])]
        raise ConfigurationError("\n".join(shown))


def _files(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            return sorted(each for each in path.iterdir() if each.suffix in _ENDINGS and each.is_file())
    except OSError as error:
        raise ConfigurationError(f"alerts.rules: {path} cannot be read: {error.strerror or error}") from None
    if path.suffix not in _ENDINGS:
        found = "is no such file" if path.exists() else "does not exist"
        raise ConfigurationError(f"alerts.rules must be a folder, or a .toml or .yaml file; {path} {found}")
    return [path]


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise ConfigurationError(f"alerts.rules: {file} cannot be read: {error.strerror or error}") from None
    return found.st_mtime_ns, found.st_size


def _of_file(file: Path, problems: list[str]) -> Rulebook:
    tables = _content(file)
    found: dict[str, list[Any]] = {name: [] for name in _TABLES}
    for name, listed in tables.items():
        if name not in found:
            problems.append(f"{file}: {name!r} is no part of a file of rules{nearest(name, _TABLES)}; write [[rule]]")
        elif not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
            problems.append(f"{file}: {name} must be a list of tables, as [[{name}]] begins one")
        else:
            for place, table in enumerate(listed, start=1):
                where = f"{file}: {name} {str(table['name'])!r:.80}" if "name" in table else f"{file}: {name} {place}"
                made = _made(name, dict(table), where, problems)
                if made is not None:
                    found[name].append(made)
    return Rulebook(tuple(found["rule"]), tuple(found["route"]), tuple(found["silence"]))


def _made(name: str, table: dict[str, Any], where: str, problems: list[str]) -> Any:
    if name != "rule":
        return read_struct(table, Route if name == "route" else Silence, where, problems)
    kind = table.pop("kind", None)
    # The search of the installed packages takes longer than the rest, and most rules are built in.
    kinds = plugins.built_in_names("rules")
    if not isinstance(kind, str) or (kind not in kinds and kind not in (kinds := plugins.names("rules"))):
        got = "it is missing" if kind is None else f"got {kind!r:.80}{nearest(kind, kinds)}"
        problems.append(f"{where}: kind must be one of {', '.join(kinds)}; {got}")
        return None
    return read_struct(table, plugins.load("rules", kind), where, problems)


def _content(file: Path) -> Mapping[str, Any]:
    try:
        content = file.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{file} must be at most 5 MiB long, got {len(content):,} bytes")
    if file.suffix == ".toml":
        import tomllib  # here, because most programs have no rules

        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{file} is not TOML: {error}") from None
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise missing_extra("yaml", f"the file of rules {file.name}") from error
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, Mapping | None):
        raise ConfigurationError(f"{file} must hold the keys {', '.join(_TABLES)}, got a {type(found).__name__}")
    return {str(key): value for key, value in (found or {}).items()}


def _across(book: Rulebook, where: str) -> Iterator[str]:
    """Yield what is wrong between rules and routes: names that are there twice, and escalations to no route."""
    for what, names in (("rule", [each.name for each in book.rules]), ("route", [each.name for each in book.routes])):
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        yield from (f"{where}: {what} {name!r} is there twice; a name is unique in all files" for name in twice)
    for name in (*(rule.name for rule in book.rules), *(route.name for route in book.routes)):
        if sanitize_text(name) != name:
            yield f"{where}: the name {sanitize_text(name)!r} must not look like a secret: events have it"
    routes = [route.name for route in book.routes]
    for route in book.routes:
        yield from (f"{where}: route {route.name!r}: {problem}" for problem in _unusable(route))
    for rule in book.rules:
        for name in rule.escalate_to:
            if name not in routes:
                got = f"got {name!r}{nearest(name, routes)}; there are: {', '.join(routes) or 'none'}"
                yield f"{where}: rule {rule.name!r}: escalate_to must name a route, {got}"


def _unusable(route: Route) -> Iterator[str]:
    """Yield why a route cannot be used here: a template that is none, or a library that is not installed."""
    for name in ("title", "body"):
        if text := getattr(route, name):
            from odibi_core.alerts.messages import template_problem  # here, because few routes have templates

            if problem := template_problem(text):
                yield f"{name} must be a Jinja template: {problem}"
    if route.url and find_spec("apprise") is None:
        yield str(missing_extra("apprise", "a route with `url`"))
