"""`odibi compare`: the differences between two runs, and their probable cause."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odibi_core import private_files
from odibi_core.cli import options, output, record

if TYPE_CHECKING:
    from odibi_core.history.comparison import Comparison


class Form(StrEnum):
    """The form of a comparison."""

    text = "text"
    json = "json"
    md = "md"
    markdown = "markdown"
    """Another word for md."""
    html = "html"


def compare(
    run: options.Run = None,
    other: Annotated[
        str | None, typer.Argument(metavar="RUN", help="The run to compare it with.", show_default="the last good one")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to a file.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show diffs of sources in full.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Compare runs of different pipelines too.")] = False,
    store: options.Store = None,
    format: Annotated[
        Form | None, typer.Option("--format", metavar="FORMAT", help="Output: text, json, md or html.")
    ] = None,
) -> None:
    """Compare two runs: what differs, the most important first, and why.

    The default is the latest run against the last good run before it of the
    same pipeline and parameters. Of two named runs, the earlier one counts
    as before. With -o, the suffix .html, .md or .json selects the form.

    odibi compare nightly
    odibi compare 3fa2c1b7 9d41e0aa -o changes.html
    """
    from odibi_core.history.comparison import compare_runs

    form = format or _form_of(out)
    if form is not Form.text:
        options.refuse(f"in the format {form.value}", {"--diff": diff})
    kept = record.open_store(store)
    with output.waiting("comparing the runs"):
        found = compare_runs(kept, run, other, anyway=anyway)
    if out is None and form is Form.text:
        _show(found, diffs=diff)
        return
    text = _written(found, form, diffs=diff)
    if out is None:
        typer.echo(output.for_stdout(text), nl=False)
        return
    private_files.write_atomic(out, text)
    typer.echo(output.for_stdout(str(out.absolute())))


def _form_of(out: Path | None) -> Form:
    suffixes = {".html": Form.html, ".htm": Form.html, ".md": Form.md, ".json": Form.json}
    return suffixes.get(out.suffix.lower(), Form.text) if out else Form.text


def _written(found: Comparison, form: Form, *, diffs: bool) -> str:
    if form is Form.json:
        import msgspec

        return msgspec.json.format(output.as_json(found.as_dict())).decode() + "\n"
    if form is Form.text:
        from odibi_core.history.comparison.lines import lines

        return "\n".join(lines(found, diffs=diffs)) + "\n"
    return found.to_html() if form is Form.html else found.to_markdown()


def _show(found: Comparison, *, diffs: bool) -> None:
    from odibi_core.history.comparison.lines import lines
    from odibi_core.history.comparison.outline import POSSIBLE, PROBABLE, sections

    on = output.console()
    width = on.width if on.file.isatty() else 80
    titles = {section.title for section in sections(found)}
    for place, line in enumerate(lines(found, width, diffs=diffs)):
        style = "dim" if place == 0 else "bold" if line in titles else ""
        if line.startswith((PROBABLE, POSSIBLE)):
            style = "yellow"
        elif line.startswith("    | "):
            style = {"+": "green", "-": "red"}.get(line[6:7], "dim")
        output.write(on, output.styled(line, style))
