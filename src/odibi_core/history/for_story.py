"""The background of a run for its story: its tables, the runs before it, and the sources of its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import to_builtins

from odibi_core.errors import STOPS, OdibiError, SourceTextNotFoundError
from odibi_core.events import Event, kinds
from odibi_core.history.figures import Tables, run_figures
from odibi_core.history.index import Index, RunFilter
from odibi_core.history.rows import as_dicts, decoded, tables_of
from odibi_core.store.runs import RunStore
from odibi_core.store.sources import SourceStore

if TYPE_CHECKING:
    from odibi_core.history.comparison.difference import Comparison

LAST: Final = 30
_MOST_SOURCES: Final = 1 << 20
"""Characters of all sources of a story."""
_MOST_COLUMNS: Final = 5_000
_STATISTICS: Final = (
    "node_name", "dataset", "column_name", "null_share", "mean", "q05", "q25", "median", "q75", "q95",
)  # fmt: skip
_MOST_BANDS: Final = 600
_WITHIN_S: Final = 2.0
"""Time for runs that are not in the index yet."""


def story_history(store: RunStore, run_id: str) -> dict[str, Any] | None:
    """Return the background of a run, as `StoryGenerator.generate_story` takes it; None if it cannot be read."""
    try:
        return _history(store, run_id)
    except STOPS:
        raise
    except Exception:  # a story without its background is better than none
        return None


def _history(store: RunStore, run_id: str) -> dict[str, Any]:
    opening: dict[str, Any] = {}
    plain = tables_of(_noting(store.read(run_id), opening))
    tables = {name: as_dicts(name, rows) for name, rows in plain.items()}
    (run,) = tables["runs"] or [{}]
    found: dict[str, Any] = {
        "run": {**decoded("runs", run), "target": opening.get("target")},
        **{name: tables[name] for name in ("nodes", "files", "alerts")},
        "sources": _sources(store, tables["nodes"]),
    }
    return found | _earlier(store, run.get("pipeline_name"), run.get("started"), plain) | _compared(store, run_id)


def _noting(events: Iterable[Event], opening: dict[str, Any]) -> Iterator[Event]:
    """Yield events; put the fields of the first one of the run into `opening`."""
    for event in events:
        if event.event_type == kinds.PIPELINE_START:
            opening.update(event.fields)
        yield event


def _compared(store: RunStore, run_id: str) -> dict[str, Any]:
    """Return the differences to the last good run, the most important first, and the statistics of its columns."""
    from odibi_core.history.comparison.compare import compare
    from odibi_core.history.comparison.stored import two_runs

    try:
        pair = two_runs(store, run_id, within_s=_WITHIN_S)
    except OdibiError:
        return {}
    found = compare(pair.before, pair.after, pair.noise, pair.sources)
    rows = list(_notable(found))
    stated = {row["why"] for row in rows if "follows" not in row}
    rows += [
        {"step": each.node, "text": each.message}
        for each in found.changes
        if not each.is_usual and each.message not in stated
    ]
    columns = [row for row in pair.before.rows("columns") if row["side"] == "after" and row["rows_sampled"]]
    return {
        "changes": rows,
        "compared_with": found.before.get("run_id"),
        "good_columns": [{name: row[name] for name in _STATISTICS} for row in columns[:_MOST_COLUMNS]],
    }


def _notable(found: Comparison) -> Iterator[dict[str, Any]]:
    """Yield the differences beyond the noise; one that follows from another has its place in `follows`."""
    from odibi_core.history.comparison.consequences import begun

    place = 0
    for first, following in begun(found.notable, with_columns=True):
        why = first.cause.message if first.cause else first.why
        yield {"step": first.node, "text": first.message, "why": why, "alert": first.alert_id}
        for each in following:
            yield {"step": each.node, "text": each.message, "alert": each.alert_id, "follows": place}
        place += 1 + len(following)


def _sources(store: RunStore, nodes: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    sources, room = SourceStore(store.root), _MOST_SOURCES
    for name in dict.fromkeys(node["source_hash"] for node in nodes if node["source_hash"]):
        try:
            text = sources.read(name)
        except SourceTextNotFoundError:
            continue
        room -= len(text)
        if room < 0:
            break
        found[name] = text
    return found


def _earlier(store: RunStore, pipeline_name: str | None, started: datetime | None, tables: Tables) -> dict[str, Any]:
    """Return the runs of the pipeline before this one with their steps, the newest first, and what they make usual."""
    if pipeline_name is None or started is None:
        return {}
    with Index(store.root) as index:
        index.refresh(within_s=_WITHIN_S)
        runs = index.runs(RunFilter(pipeline_name=pipeline_name, until=started), limit=LAST)
        found = {"earlier_runs": runs, "earlier_nodes": index.nodes(pipeline_name, before=started, last=LAST)}
        return found | {"usual": _usual(index, tables)}


def _usual(index: Index, tables: Tables) -> dict[str, Any]:
    """Return the usual ranges of the statistics of columns, and the number of runs that they are learned from."""
    from odibi_core.history.noticing.bands import usual_columns
    from odibi_core.history.noticing.notice import earlier_runs

    current = run_figures(tables) if tables.get("columns") else None
    if current is None:
        return {}
    found = usual_columns(current, earlier_runs(index, current))
    shown = found.bands[:_MOST_BANDS]
    return {
        "compared_runs": found.compared_runs,
        "left_out": len(found.bands) - len(shown),
        "bands": [to_builtins(band) for band in shown],
    }
