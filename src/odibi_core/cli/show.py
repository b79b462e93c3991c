"""`odibi show`: the summary of a recorded run, and its purpose: parameters, code, files, findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from odibi_core.cli import options, output, record, row_lines, summary
from odibi_core.cli.about_run import about, document
from odibi_core.cli.unusual import Findings
from odibi_core.errors import RunNotFoundError, nearest

if TYPE_CHECKING:
    from odibi_core.store.runs import RunStore


def show(
    run: options.Run = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="STEP", help="Print the source of this step.")
    ] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the summary of a run again, and what the run was for.

    Steps, errors, failed checks, unusual findings and lost rows; then its
    partition, parameters, tags, commit, command and files. A killed run has
    all of this up to its last event. --source prints the function or the SQL
    of a step as it was when the run began.

    odibi show nightly
    odibi show 3fa2c1b7 --source clean
    """
    from odibi_core.history.rows import RunTables, as_dicts
    from odibi_core.views.lineage import LineageView

    if source is not None:
        options.refuse("with --source", {"--format": format is not options.TextOrJson.text})
    kept = record.open_store(store)
    run_id = record.find(kept, run)
    steps, rows, unusual = LineageView(run_id), RunTables(), Findings()
    with output.waiting("reading the run"):
        for event in record.read(kept, run_id):
            steps(event)
            rows(event)
            if event.event_type in Findings.kinds:
                unusual(event)
        lineage = steps.answer()
    tables = {name: as_dicts(name, found) for name, found in rows.answer().items()}
    if source is not None:
        typer.echo(output.for_stdout(_source_of(kept, tables["nodes"], source)), nl=False)
        return
    files = _files(kept, run_id)
    if format is options.TextOrJson.json:
        output.write_json({**summary.document(lineage, files, unusual), **document(tables)})
    else:
        summary.show(
            lineage, files, [*unusual.lines(output.console()), *row_lines.other_lines(lineage), *about(tables)]
        )


def _source_of(store: RunStore, nodes: list[dict[str, Any]], step: str) -> str:
    """Return the stored source of a step, with a newline at its end.

    Raises:
        RunNotFoundError: The run has no such step, or none of its source.
        SourceTextNotFoundError: The source is no longer stored.
    """
    from odibi_core.store.sources import SourceStore

    hashes = {node["node_name"]: node["source_hash"] for node in nodes}
    if step not in hashes:
        raise RunNotFoundError(f"the run has no step {step!r}{nearest(step, hashes)}")
    if hashes[step] is None:
        raise RunNotFoundError(f"the source of the step {step!r} was not recorded")
    text = SourceStore(store.root).read(hashes[step])
    return text if text.endswith("\n") else f"{text}\n"


def _files(store: RunStore, run_id: str) -> dict[str, str]:
    """Return the paths of the files that the run left."""
    folder = store.folder(run_id)
    names = {"story": "story.html", "lineage": "lineage.json", "metrics": "metrics.prom"}
    found = {name: str(folder / file) for name, file in names.items() if (folder / file).is_file()}
    return {"run": str(folder), **found} if folder.is_dir() else found
