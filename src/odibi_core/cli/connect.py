"""`odibi connect`: set up a route of alerts, and prove it with a test signal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote, urlsplit

import typer

from odibi_core.cli import exits, help, options, output
from odibi_core.errors import ConfigurationError
from odibi_core.settings import read_settings

if TYPE_CHECKING:
    from odibi_core.alerts.routes import Route
    from odibi_core.alerts.rulebook import Rulebook

connect = help.group("connect", "Set up a receiver of alerts, and prove it.")
_WITHIN_S: Final = 15.0
_VARIABLES: Final = {"slack": "ALERTS_SLACK_URL", "email": "ALERTS_EMAIL_URL"}
"""The variable of an address that is a secret, by kind."""
_SCHEMES: Final = {"slack": ("slack", "https"), "email": ("mailto", "mailtos")}
_Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="The address, or env:NAME.", show_default="asked for")
]
_Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Name of the route.", show_default="the kind")
]
_Rules = Annotated[
    str | None, typer.Option("--rules", metavar="PATH", help="File or folder of rules.", show_default=False)
]
_Check = Annotated[bool, typer.Option("--check", help="Test the routes that are set up, and change nothing.")]


@connect.command(cls=help.Command)
def alertmanager(url: _Url = None, name: _Name = None, rules: _Rules = None, check: _Check = False) -> None:
    """Send alerts to an Alertmanager.

    A test alert is sent, read back from Alertmanager and resolved; then the
    route is added to the file of routes. With --check the routes that are
    set up are tested, for CI: the exit code is 1 if one of them fails.
    """
    _connect("alertmanager", url, name, rules, check)


@connect.command(cls=help.Command)
def slack(url: _Url = None, name: _Name = None, rules: _Rules = None, check: _Check = False) -> None:
    """Send alerts to a channel of Slack.

    The address of its webhook is a secret: the route reads it from a
    variable, which the command names.
    """
    _connect("slack", url, name, rules, check)


@connect.command(cls=help.Command)
def email(url: _Url = None, name: _Name = None, rules: _Rules = None, check: _Check = False) -> None:
    """Send alerts by e-mail.

    Without --url, the server, the login and the addresses are asked for. The
    route reads them from a variable, which the command names.
    """
    _connect("email", url, name, rules, check)


@connect.command(cls=help.Command)
def webhook(url: _Url = None, name: _Name = None, rules: _Rules = None, check: _Check = False) -> None:
    """Send alerts as JSON to an address of your own."""
    _connect("webhook", url, name, rules, check)


def _connect(kind: str, url: str | None, name: str | None, rules: str | None, check: bool) -> None:
    from odibi_core.alerts.rulebook import read_rules

    if check:
        options.refuse("with --check", {"--url": url is not None})
    place = rules or read_settings().alerts.rules
    book = read_rules(place) if place and Path(place).exists() else read_rules()
    if check:
        _check(kind, book, name)
        return
    route_name = name or kind
    if book.route(route_name) is not None:
        raise ConfigurationError(f"there is a route {route_name!r} already; give --name, or --check to test it")
    file = _file(place)
    route, address = _route(kind, url or _asked(kind), route_name)
    failure = _try(kind, address)
    if failure:
        output.complain(f"{failure}; no route was added")
        raise typer.Exit(exits.FAILED)
    _write(file, route)
    output.notice(f"added the route {route_name!r} to {file}")
    if not place:
        output.notice(f"set ODIBI_ALERTS__RULES={file.parent} to use it")
    for variable in route.secrets():
        output.notice(f"set the variable {variable} to the address for each program that sends alerts")


def _asked(kind: str) -> str:
    """Ask for the address of a receiver.

    Raises:
        ConfigurationError: Standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise ConfigurationError("--url must be given, because standard input is no terminal")
    if kind == "alertmanager":
        return str(typer.prompt("Address of Alertmanager", default="http://127.0.0.1:9093"))
    if kind == "slack":
        return str(typer.prompt("Address of the webhook (https://hooks.slack.com/services/…)", hide_input=True))
    if kind == "webhook":
        return str(typer.prompt("Address (https://…)"))
    host = typer.prompt("Mail server")
    port = typer.prompt("Port", default=587, type=int)
    sender, receiver = typer.prompt("From"), typer.prompt("To")
    user = typer.prompt("User (empty for none)", default="", show_default=False)
    login = f"{quote(user, safe='')}:{quote(typer.prompt('Password', hide_input=True), safe='')}@" if user else ""
    scheme = "mailtos" if user else "mailto"
    return f"{scheme}://{login}{host}:{port}?from={quote(sender)}&to={quote(receiver)}"


def _route(kind: str, url: str, name: str) -> tuple[Route, Route]:
    """Return the route as it is written, and the one with the address, which is tried."""
    from odibi_core.alerts.routes import Route

    variable = _VARIABLES.get(kind)
    key = "url" if variable else kind
    if not variable and not url.startswith("env:") and urlsplit(url).username:
        raise ConfigurationError("--url must not hold a login, which would be in the file; give it as env:NAME")
    try:
        tried = Route(name=name, **{key: url})  # type: ignore[arg-type]
        kept = Route(name=name, url=f"env:{variable}") if variable and not url.startswith("env:") else tried
    except ValueError as error:
        raise ConfigurationError(f"--url: {error}") from None
    return kept, tried


def _try(kind: str, route: Route) -> str:
    """Send a test signal and report what arrived; return the reason of a failure."""
    from odibi_core.alerts.trial import try_route

    with output.waiting("sending a test signal"):
        arrived, failure = try_route(route, _WITHIN_S)
    if not failure:
        output.notice(f"{kind}: {arrived}")
    return failure


def _check(kind: str, book: Rulebook, name: str | None) -> None:
    wanted = [route for route in book.routes if _is_of(kind, route) and name in (None, route.name)]
    if not wanted:
        named = f" {name!r}" if name else ""
        raise ConfigurationError(f"no route{named} to {kind} is set up; `odibi connect {kind}` adds one")
    failed = False
    for route in wanted:
        if failure := _try(f"route {route.name!r}", route):
            failed = True
            output.complain(f"route {route.name!r}: {failure}")
    if failed:
        raise typer.Exit(exits.FAILED)


def _is_of(kind: str, route: Route) -> bool:
    from odibi_core.alerts.receivers import NotConfiguredError, address_of

    if kind not in _SCHEMES:
        return route.target == kind
    if route.target != "url":
        return False
    try:
        address = address_of(route, "url")
    except NotConfiguredError:  # the variable shows the kind, and the test names it as missing
        return route.url == f"env:{_VARIABLES[kind]}"
    scheme = address.partition("://")[0]
    return scheme in _SCHEMES[kind] and (scheme != "https" or "hooks.slack.com" in address)


def _file(place: str) -> Path:
    """Return the file to which a route is added.

    Raises:
        ConfigurationError: The file of rules is YAML.
    """
    path = Path(place or "rules")
    if path.suffix in (".yaml", ".yml"):
        raise ConfigurationError(f"--rules must be a folder or a .toml file to add a route, got {place!r}")
    return path if path.suffix == ".toml" else path / "routes.toml"


def _write(file: Path, route: Route) -> None:
    key = route.target
    file.parent.mkdir(parents=True, exist_ok=True)
    before = "\n" if file.exists() and file.stat().st_size else ""
    with file.open("a", encoding="utf-8") as opened:
        values = {"name": route.name, key: getattr(route, key)}
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
        opened.write(f"{before}[[route]]\n{''.join(lines)}")
