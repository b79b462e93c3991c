"""`odibi config`: the settings in force, where each came from, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from odibi_core.cli import exits, options, output
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import sanitize_text
from odibi_core.settings import OPTIONS, SECTIONS, ObservabilityConfig, get_config, masked, text_of

config = typer.Typer(
    name="config", help="Show the settings, or check them.", no_args_is_help=True, rich_markup_mode="rich"
)


@config.command()
def show(
    section: Annotated[
        str | None,
        typer.Option("--section", metavar="NAME", help="Only one section, such as log or metrics."),
    ] = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show each setting, its value, and where that came from: code, a variable, the file, or the default.

    Secrets are masked.
    """
    if section is not None and section not in SECTIONS:
        raise ConfigurationError(
            f"there is no section {section!r}{nearest(section, SECTIONS)}; there are: {', '.join(SECTIONS)}"
        )
    in_force = get_config()
    rows = [row for row in _rows(in_force) if section in (None, row["section"])]
    if format is options.TextOrJson.json:
        output.write_json(rows)
    else:
        _show(rows)
    if problems := in_force.validate():
        output.notice(f"{output.count(len(problems), 'problems')}: `odibi config check` tells which")


@config.command()
def check(format: options.Format = options.TextOrJson.text) -> None:
    """Tell all that is wrong with the settings; exit code 2 if there is anything.

    A variable beginning with ODIBI_ that nothing reads is told of too; it may be another program's, and is no fault.
    """
    in_force = get_config()
    unknown = in_force.unknown_variables()
    problems = [problem for problem in in_force.validate() if problem not in unknown]
    if format is options.TextOrJson.json:
        output.write_json({"ok": not problems, "problems": problems, "warnings": unknown})
    else:
        _tell(problems, unknown)
    if problems:
        raise typer.Exit(exits.USAGE)


def _rows(in_force: ObservabilityConfig) -> list[dict[str, Any]]:
    return [
        {
            "section": option.section,
            "setting": option.name,
            "value": _safe(masked(option, getattr(in_force, attribute))),
            "source": _source(in_force.source(attribute)),
            "default": option.default,
            "variables": option.variables,
            "attribute": attribute,
        }
        for attribute, option in OPTIONS.items()
    ]


def _safe(value: Any) -> Any:
    return sanitize_text(value) if isinstance(value, str) else value


def _source(source: str) -> str:
    """As it is shown: a setting that stands in for another by its name."""
    return OPTIONS[source].name if source in OPTIONS else source


def _show(rows: list[dict[str, Any]]) -> None:
    on = output.console()
    listed = output.table("Setting", "Value", "From", whole=("Setting", "From"))
    for row in rows:
        style = "dim" if row["source"] == "default" else "bold"
        listed.add_row(
            output.cell(row["setting"]),
            output.cell(text_of(row["value"]), style),
            output.cell(row["source"], style),
        )
    output.write(on, listed)


def _tell(problems: list[str], unknown: list[str]) -> None:
    on = output.console()
    for state, sentences in (("failed", problems), ("warning", unknown)):
        style = output.STYLES[state]
        for sentence in sentences:
            output.write(on, output.styled(f"{output.sign(state, on)} {sentence}", style))
    if not problems:
        output.write(
            on, output.styled(f"{output.sign('success', on)} nothing is wrong with {len(OPTIONS)} settings")
        )
