"""`compare_runs`: two runs of a store, chosen, read and compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import ConfigurationError, RunNotFoundError, SourceTextNotFoundError
from odibi_core.history.comparison.compare import compare
from odibi_core.history.comparison.difference import Comparison
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData, object_of
from odibi_core.history.index import Index, RunFilter
from odibi_core.store.runs import RunStore
from odibi_core.store.sources import read_source

LAST: Final = 30
"""Earlier runs from which the noise is known."""
_SEARCHED: Final = 200


def compare_runs(
    store: RunStore | str | Path, run: str | None = None, other: str | None = None, *, anyway: bool = False
) -> Comparison:
    """Compare two runs of a store; the earlier one is `before`.

    Args:
        store: The store, or its folder.
        run: The run in question: an id, a part of one, or a pipeline for its latest run; by default the latest run.
        other: The run to compare it with; by default the last good run before it, of the same pipeline and parameters.
        anyway: Compare runs of different pipelines too.

    Raises:
        RunNotFoundError: There is no such run, or no good run to compare with.
        ConfigurationError: The runs are of different pipelines, or are one run.
    """
    kept = store if isinstance(store, RunStore) else RunStore(store)
    run_id = kept.find(run)
    kept.detect_lost(run_id)
    with Index(kept.root) as index:
        index.refresh()
        after = RunData(index.tables(run_id))
        notes: list[str] = []
        before = _of(kept, index, other) if other else _last_good(index, after, run_id, notes)
        if other and _started(before) > _started(after):
            before, after = after, before
        _refuse(before, after, anyway)
        found = compare(before, after, _noise(index, after), _Sources(kept.root))
    found.not_compared[:0] = notes
    found.not_compared += index.problems
    return found


def _of(store: RunStore, index: Index, wanted: str) -> RunData:
    run_id = store.find(wanted)
    store.detect_lost(run_id)
    return RunData(index.tables(run_id))


def _last_good(index: Index, after: RunData, run_id: str, notes: list[str]) -> RunData:
    """Return the last successful run before, with the same parameters if there is one."""
    name, params = after.run.get("pipeline_name"), after.field("params")
    good = RunFilter(pipeline_name=name, until=after.run.get("started"), status="success")
    found = [row for row in index.runs(good, limit=_SEARCHED) if row["run_id"] != run_id]
    if not found:
        raise RunNotFoundError(
            f"there is no good run of {name!r} before {run_id} to compare it with; name one: odibi compare RUN RUN"
        )
    same = [row for row in found if object_of(row["params"]) == params]
    if not same:
        notes.append(f"no good run of {name} before had the same parameters: the last one had others")
    return RunData(index.tables((same or found)[0]["run_id"]))


def _started(run: RunData) -> str:
    return str(run.run.get("started") or "")


def _refuse(before: RunData, after: RunData, anyway: bool) -> None:
    was, now = before.run, after.run
    if not was or not now:
        raise RunNotFoundError("a run without a readable start cannot be compared; `odibi runs` lists those that can")
    if was["run_id"] == now["run_id"]:
        raise ConfigurationError(f"two runs are needed, got {now['run_id']} twice; name another one")
    if was["pipeline_name"] != now["pipeline_name"] and not anyway:
        raise ConfigurationError(
            f"both runs must be of one pipeline, got {was['pipeline_name']!r} and {now['pipeline_name']!r}; "
            "--anyway compares them"
        )


def _noise(index: Index, after: RunData) -> Noise:
    name, started = after.run.get("pipeline_name"), after.run.get("started")
    if not name or started is None:
        return Noise()
    nodes = index.nodes(name, before=started, last=LAST)
    return Noise(nodes, (_file_facts(run.figures) for run in index.figures(name, before=started, last=LAST)))


def _file_facts(figures: dict[str, Any]) -> dict[tuple[str, str], tuple[Any, Any]]:
    return dict(_facts_in(figures))


def _facts_in(figures: dict[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[Any, Any]]]:
    for node, step in figures.get("steps", {}).items():
        for dataset, file in step.get("files", {}).items():
            yield (node, dataset), (file.get("bytes"), file.get("version"))


class _Sources:
    """The stored sources, each read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, str | None] = {}

    def __call__(self, content_hash: str) -> str | None:
        if content_hash not in self._known:
            try:
                self._known[content_hash] = read_source(self._root, content_hash)
            except SourceTextNotFoundError:
                self._known[content_hash] = None
        return self._known[content_hash]
