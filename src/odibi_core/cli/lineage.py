"""`odibi lineage`: the columns that the columns of a run come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from odibi_core.cli import options, output, record
from odibi_core.errors import RunNotFoundError, nearest

if TYPE_CHECKING:
    from odibi_core.views.answers import ColumnLineage, ColumnOrigin, ColumnSource, Lineage

_MOST_SOURCES: Final = 6


def lineage(
    run: options.Run = None,
    column: Annotated[
        str | None,
        typer.Option("--column", "-c", metavar="COLUMN", help="Only dataset.column, with all it comes from."),
    ] = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the columns that each column of a run comes from.

    For each frame that a step made: its columns, their sources, how that is
    known and how surely. A column whose sources are not known has the reason.

    odibi lineage nightly
    odibi lineage nightly --column totals.amount
    """
    from odibi_core.views.as_dict import answer_dict
    from odibi_core.views.lineage import LineageView

    kept = record.open_store(store)
    run_id = record.find(kept, run)
    with output.waiting("reading the run"):
        answer = record.fold(LineageView(run_id), record.read(kept, run_id)).answer()
    frames = list(_frames(answer))
    if column is not None:
        frames = _upstream(frames, column)
    if format is options.TextOrJson.json:
        output.write_json({"run_id": run_id, "frames": [{"step": step, **answer_dict(each)} for step, each in frames]})
        return
    if not frames:
        output.nothing("column lineage", kept.root, False, "; it is for steps that take and make frames")
        return
    _show(frames)


def _frames(answer: Lineage) -> Iterator[tuple[str, ColumnLineage]]:
    for node in answer.nodes:
        for each in node.column_lineage:
            yield node.node_name, each


def _upstream(frames: list[tuple[str, ColumnLineage]], wanted: str) -> list[tuple[str, ColumnLineage]]:
    """Return the frames with the wanted column and the columns that it comes from, the latest first.

    Raises:
        RunNotFoundError: No frame has the column.
    """
    from msgspec.structs import replace

    names = {f"{each.dataset}.{origin.column}" for _, each in frames for origin in each.columns}
    if wanted not in names:
        raise RunNotFoundError(f"the run has no lineage of a column {wanted!r}{nearest(wanted, sorted(names))}")
    asked, found = {wanted}, []
    for step, each in reversed(frames):
        kept = [origin for origin in each.columns if f"{each.dataset}.{origin.column}" in asked]
        if kept:
            asked |= {f"{source.dataset}.{source.column}" for origin in kept for source in origin.sources or ()}
            found.append((step, replace(each, columns=kept)))
    return found


def _show(frames: list[tuple[str, ColumnLineage]]) -> None:
    console = output.console()
    for step, each in frames:
        table = output.table("Column", "Comes from", "Known by", right=())
        for origin in each.columns:
            table.add_row(output.cell(origin.column), _sources(origin), output.cell(_method(origin), "dim"))
        console.print(output.styled(f"{each.dataset} (step {step}{_items(each)})"))
        console.print(table)
        console.print(output.styled(f"rows: {_deciding(each)}", "dim"))
        console.print("")


def _sources(origin: ColumnOrigin) -> Any:
    if origin.sources is None:
        return output.styled(f"unknown: {origin.unknown or 'not recorded'}", "dim")
    return output.styled(", ".join(map(_source, origin.sources)) or "no column: a constant, or a count of rows")


def _source(source: ColumnSource) -> str:
    ways = dict.fromkeys(str(each.get("subtype", "")).lower() for each in source.transformations)
    shown = ", ".join(way.replace("_", " ") for way in ways if way not in ("", "identity"))
    return f"{source.dataset}.{source.column}{f' ({shown})' if shown else ''}"


def _method(origin: ColumnOrigin) -> str:
    confidence = "" if origin.confidence in (None, 1.0) else f" {origin.confidence:g}"
    return f"{origin.method or ''}{confidence}"


def _items(frame: ColumnLineage) -> str:
    """Return of how many items of a mapped step the lineage is known."""
    if frame.items_seen is None or frame.items is None:
        return ""
    return f", from {frame.items_seen:,} of {frame.items:,} items"


def _deciding(frame: ColumnLineage) -> str:
    indirect = frame.indirect
    if indirect is None:
        return "the columns that decide about them are unknown"
    if not indirect:
        return "no column decides about them"
    by_rule = ", by the rule that the rows prove" if frame.indirect_method == "rule" else ""
    more = f", and {len(indirect) - _MOST_SOURCES:,} more" if len(indirect) > _MOST_SOURCES else ""
    return f"decided by {', '.join(map(_source, indirect[:_MOST_SOURCES]))}{more}{by_rule}"
