"""`odibi story`: the story of a run, as one HTML file, a summary in Markdown, a picture or a PDF."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odibi_core import private_files
from odibi_core.cli import options, output, record
from odibi_core.errors import ConfigurationError, StoryError
from odibi_core.events.paths import absolute_path

if TYPE_CHECKING:
    from odibi_core.views.answers import Lineage


class StoryForm(StrEnum):
    """The form of a story."""

    html = "html"
    md = "md"
    png = "png"
    pdf = "pdf"


_PICTURES = frozenset({StoryForm.png, StoryForm.pdf})
_STDOUT = Path("-")


def story(
    run: options.Run = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File; - for stdout.", show_default="in its folder"),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the story in the browser.")] = False,
    store: options.Store = None,
    form: Annotated[
        StoryForm | None, typer.Option("--format", metavar="FORMAT", help="html, md, png or pdf.", show_default="html")
    ] = None,
) -> None:
    """Write the story of a run: one HTML file that opens offline.

    Prints the path of the file. The story is made from the record, so it
    exists for a killed run too, up to the last event.

    md is a summary for a pull request or a mail: the verdict, the failed
    step with its error, what is unusual, what changed since the last good
    run, and at most 20 steps, the worst first; 60 kB at most. png and pdf
    need an installed Chromium, Chrome or Edge (CHROME_PATH names another).

    odibi story nightly --open
    odibi story nightly --format md -o -
    """
    from odibi_core.history.for_story import story_history
    from odibi_core.views.lineage import LineageView

    chosen = form or _form_of(out)
    if out == _STDOUT:
        options.refuse("with -o -", {"--open": open_it})
        if chosen in _PICTURES and sys.stdout.isatty():
            raise ConfigurationError(f"-o must be a file for {chosen}, got -, which is a terminal; name one")
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    with output.waiting("writing the story"):
        lineage = record.fold(LineageView(run_id), record.read(kept, run_id)).answer()
        history = story_history(kept, run_id)
        if history is None:
            output.notice("the story has no earlier runs, changes and sources: they could not be read")
        made = _made(lineage, history, chosen)
    if out == _STDOUT:
        _write_stdout(made, chosen)
        return
    path = absolute_path(out or kept.folder(run_id) / f"story.{chosen}")
    try:
        private_files.write_atomic(path, made)
    except OSError as error:
        raise StoryError(f"the story could not be written to {path}: {output.reason(error)}; name another -o") from None
    typer.echo(output.for_stdout(str(path)))
    if open_it:
        import webbrowser

        webbrowser.open(path.as_uri())


def _form_of(out: Path | None) -> StoryForm:
    suffixes = {".md": StoryForm.md, ".markdown": StoryForm.md, ".png": StoryForm.png, ".pdf": StoryForm.pdf}
    return suffixes.get(out.suffix.lower(), StoryForm.html) if out else StoryForm.html


def _made(lineage: Lineage, history: dict[str, Any] | None, form: StoryForm) -> bytes:
    if form is StoryForm.md:
        from odibi_core.story.background import read_background
        from odibi_core.story.card import run_card
        from odibi_core.views.cards import markdown

        return markdown.render(run_card(lineage, read_background(history))).encode("utf-8", "replace")
    from odibi_core.observability import StoryGenerator

    with TemporaryDirectory(prefix="odibi-story-") as folder:
        page = Path(StoryGenerator().generate_story(lineage, Path(folder) / "story.html", history=history))
        written = page.read_bytes()
    if form is StoryForm.html:
        return written
    from odibi_core.cli.browser import picture

    return picture(written.decode(), form)


def _write_stdout(made: bytes, form: StoryForm) -> None:
    if form in _PICTURES:
        sys.stdout.buffer.write(made)
    else:
        typer.echo(output.for_stdout(made.decode()), nl=False)
