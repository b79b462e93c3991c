"""`odibi story`: the story of a run, one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odibi_core.cli import options, output, record
from odibi_core.events.paths import absolute_path


def story(
    run: options.Run = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Output file.", show_default="in the run's folder"),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the story in the browser.")] = False,
    store: options.Store = None,
) -> None:
    """Write the story of a run: one HTML file that opens offline.

    Prints the path of the file. The story is made from the record, so it
    exists for a killed run too, up to the last event.
    """
    from odibi_core.history.for_story import story_history
    from odibi_core.observability import StoryGenerator
    from odibi_core.views.lineage import LineageView

    kept = record.open_store(store)
    run_id = record.find(kept, run)
    with output.waiting("writing the story"):
        lineage = record.fold(LineageView(run_id), record.read(kept, run_id)).answer()
        target, history = out or kept.folder(run_id) / "story.html", story_history(kept, run_id)
        path = absolute_path(StoryGenerator().generate_story(lineage, target, history=history))
    typer.echo(output.for_stdout(str(path)))
    if open_it:
        import webbrowser

        webbrowser.open(path.as_uri())
