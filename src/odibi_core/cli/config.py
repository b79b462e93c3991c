"""`odibi config`: the settings, their sources, and their validation."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from odibi_core.cli import exits, help, options, output
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import sanitize_text
from odibi_core.settings import OPTIONS, SECTIONS, ObservabilityConfig, get_config, masked, text_of

config = help.group("config", "Show or check the settings.")


@config.command(cls=help.Command)
def show(
    section: Annotated[
        str | None, typer.Option("--section", metavar="NAME", help="Only this section, such as log.")
    ] = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show each setting with its value and its source.

    The source is code, a variable, the file, or the default. Secrets are
    masked.
    """
    if section is not None and section not in SECTIONS:
        raise ConfigurationError(
            f"--section must be one of {', '.join(SECTIONS)}, got {section!r}{nearest(section, SECTIONS)}"
        )
    in_force = get_config()
    rows = [row for row in _rows(in_force) if section in (None, row["section"])]
    if format is options.TextOrJson.json:
        output.write_json(rows)
    else:
        _show(rows)
    if problems := in_force.validate():
        output.notice(f"{output.count(len(problems), 'problems')}: `odibi config check` lists them")


@config.command(cls=help.Command)
def check(format: options.Format = options.TextOrJson.text) -> None:
    """Check the settings; exit with code 2 if one is wrong.

    A variable that begins with ODIBI_ and is not read is a warning, because
    another program may use it.
    """
    in_force = get_config()
    unknown = in_force.unknown_variables()
    problems = [problem for problem in in_force.validate() if problem not in unknown]
    if format is options.TextOrJson.json:
        output.write_json({"ok": not problems, "problems": problems, "warnings": unknown})
    else:
        _report(problems, unknown)
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
            "is_used": option.is_used,
        }
        for attribute, option in OPTIONS.items()
    ]


def _safe(value: Any) -> Any:
    return sanitize_text(value) if isinstance(value, str) else value


def _source(source: str) -> str:
    """Return the source as shown: a setting that is the default of another, by its name."""
    return OPTIONS[source].name if source in OPTIONS else source


def _show(rows: list[dict[str, Any]]) -> None:
    on = output.console()
    listed = output.table("Setting", "Value", "From", whole=("Setting", "From"))
    for row in rows:
        style = "dim" if row["source"] == "default" else "bold"
        listed.add_row(
            output.cell(row["setting"]),
            output.cell(text_of(row["value"]), style),
            output.cell(row["source"] if row["is_used"] else f"{row['source']} (not used yet)", style),
        )
    output.write(on, listed)


def _report(problems: list[str], unknown: list[str]) -> None:
    on = output.console()
    for state, sentences in (("failed", problems), ("warning", unknown)):
        style = output.STYLES[state]
        for sentence in sentences:
            output.write(on, output.styled(f"{output.sign(state, on)} {sentence}", style))
    if not problems:
        output.write(on, output.styled(f"{output.sign('success', on)} {len(OPTIONS)} settings are valid"))
