"""Typer classes and panel titles for help that fits a terminal of 80 columns."""

from __future__ import annotations

from typing import Any, Final

from typer import Typer
from typer.core import TyperCommand, TyperGroup

BEGIN: Final = """To begin, `odibi demo` records an example, and `odibi run pipeline.py` a
pipeline of your own. `odibi show` and `odibi story --open` show the
latest run. `odibi COMMAND --help` explains a command."""
RUN: Final = "Run pipelines"
ONE_RUN: Final = "Read one run"
ALL_RUNS: Final = "Read all runs"
CHECK: Final = "Check"
STYLE: Final[dict[str, Any]] = {
    "no_args_is_help": True, "rich_markup_mode": "rich", "context_settings": {"help_option_names": ["-h", "--help"]},
}  # fmt: skip
"""The settings of the application and of its groups."""
_WITHOUT_VALUE: Final = {"--resume": "latest"}
"""Options that may be given without a value, which Typer does not have, and the value that they then have."""


class Command(TyperCommand):
    """A command without the type `<bool>` beside its flags, and with options that may be given without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line."""
        return super().parse_args(ctx, _with_values(args))

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters of the command, `--help` included."""
        return _without_flag_types(super().get_params(ctx))


class ScriptCommand(Command):
    """A command whose arguments, from the first on, are those of a script: options among them are its own."""

    allow_interspersed_args = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options before the script."""
        return TyperCommand.parse_args(self, ctx, args)


class OtherCommand(ScriptCommand):
    """A command whose arguments are those of a command of another program, also the options before its first word."""

    ignore_unknown_options = True


class Group(TyperGroup):
    """A group of commands without the type `<bool>` beside its flags."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters of the group, `--help` included."""
        return _without_flag_types(super().get_params(ctx))


def group(name: str, text: str, *, alone: bool = False) -> Typer:
    """Return a group of commands, to which they are added with `cls=help.Command`.

    Args:
        name: Its name.
        text: Its help.
        alone: True if the group is a command too, by its callback.
    """
    style = {**STYLE, "no_args_is_help": False, "invoke_without_command": True} if alone else STYLE
    return Typer(cls=Group, name=name, help=text, **style)


def _with_values(args: list[str]) -> list[str]:
    """Return the arguments with a value behind each option of `_WITHOUT_VALUE` that has none.

    An option or a Python file behind it is not its value.
    """
    found: list[str] = []
    for place, argument in enumerate(args):
        found.append(argument)
        if argument == "--":
            return found + args[place + 1 :]
        following = args[place + 1] if place + 1 < len(args) else "-"
        if argument in _WITHOUT_VALUE and (following.startswith("-") or ".py" in following):
            found.append(_WITHOUT_VALUE[argument])
    return found


def _without_flag_types(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""
        if param.name == "show_completion":  # the text of Typer takes three lines
            param.help = "Print the completion of the current shell."
    return params
