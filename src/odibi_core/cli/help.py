"""Typer classes and panel titles for help that fits a terminal of 80 columns."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

RUN: Final = "Run pipelines"
ONE_RUN: Final = "Read one run"
ALL_RUNS: Final = "Read all runs"
CHECK: Final = "Check"


class Command(TyperCommand):
    """A command without the type `<bool>` beside its flags."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters of the command, `--help` included."""
        return _without_flag_types(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands without the type `<bool>` beside its flags."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters of the group, `--help` included."""
        return _without_flag_types(super().get_params(ctx))


def _without_flag_types(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""
        if param.name == "show_completion":  # the text of Typer takes three lines
            param.help = "Print the completion of the current shell."
    return params
