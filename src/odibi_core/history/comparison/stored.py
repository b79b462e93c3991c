"""`compare_runs`: two runs of a store, chosen, read and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from odibi_core.errors import ConfigurationError, RunNotFoundError, SourceTextNotFoundError
from odibi_core.history.comparison.code import Sources
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
    store: RunStore | str | Path,
    run: str | None = None,
    other: str | None = None,
    *,
    anyway: bool = False,
    within_s: float | None = None,
) -> Comparison:
    """Compare two runs of a store; the earlier one is `before`.

    Args:
        store: The store, or its folder.
        run: The run in question: an id, a part of one, or a pipeline for its latest run; by default the latest run.
        other: The run to compare it with; by default the last good run before it, of the same pipeline and parameters.
        anyway: Compare runs of different pipelines too.
        within_s: Seconds for runs that are not in the index yet; by default as many as it takes.

    Raises:
        RunNotFoundError: There is no such run, or no good run to compare with.
        ConfigurationError: The runs are of different pipelines, or are one run.
    """
    pair = two_runs(store, run, other, anyway=anyway, within_s=within_s)
    found = compare(pair.before, pair.after, pair.noise, pair.sources)
    found.not_compared[:0] = pair.notes
    found.not_compared += pair.problems
    return found


class TwoRuns(NamedTuple):
    """Two runs of a store, the earlier one first, and the known noise of their pipeline.

    `notes` has a sentence for a choice that is not the best, `problems` one for each part that could not be read.
    """

    before: RunData
    after: RunData
    noise: Noise
    sources: Sources
    notes: list[str]
    problems: list[str]


def two_runs(
    store: RunStore | str | Path,
    run: str | None = None,
    other: str | None = None,
    *,
    anyway: bool = False,
    within_s: float | None = None,
) -> TwoRuns:
    """Return two runs of a store, chosen as `compare_runs` does, with the same arguments and errors."""
    kept = store if isinstance(store, RunStore) else RunStore(store)
    run_id = kept.find(run)
    kept.detect_lost(run_id)
    with Index(kept.root) as index:
        index.refresh(within_s)
        after = RunData(index.tables(run_id))
        notes: list[str] = []
        noise = noise_of(index, after)
        before = _of(kept, index, other) if other else last_good(index, after, noise, notes)
        if other and _started(before) > _started(after):
            before, after = after, before
        _refuse(before, after, anyway)
        return TwoRuns(before, after, noise, StoredSources(kept.root), notes, index.problems)


def run_data(store: RunStore, run_id: str) -> RunData:
    """Return one run of a store, by its whole id."""
    with Index(store.root) as index:
        index.refresh()
        return RunData(index.tables(run_id))


def _of(store: RunStore, index: Index, wanted: str) -> RunData:
    run_id = store.find(wanted)
    store.detect_lost(run_id)
    return RunData(index.tables(run_id))


def last_good(index: Index, after: RunData, noise: Noise, notes: list[str]) -> RunData:
    """Return the last successful run before, without unusual findings and with the same parameters if there is one.

    Parameters that are others in each run, such as the day of a daily run, are left out.
    """
    name, run_id = after.run.get("pipeline_name"), after.run.get("run_id")
    earlier = RunFilter(pipeline_name=name, until=after.run.get("started"), status="success")
    # A run of selected steps is no measure for the others.
    found = [row for row in index.runs(earlier, limit=_SEARCHED) if row["run_id"] != run_id and not row["selection"]]
    if not found:
        raise RunNotFoundError(
            f"there is no good run of {name!r} before {run_id} to compare it with; name one: odibi compare RUN RUN"
        )

    def fixed(params: dict[str, Any]) -> dict[str, Any]:
        return {param: value for param, value in params.items() if not noise.param_varies(param)}

    same = [row for row in found if fixed(object_of(row["params"])) == fixed(after.field("params"))]
    if not same:
        notes.append(f"no good run of {name} before had the same parameters: the last one had others")
    chosen = same or found
    good = next((row for row in chosen if not row["unusual"]), chosen[0])
    return RunData(index.tables(good["run_id"]))


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


def noise_of(index: Index, after: RunData) -> Noise:
    """Return the noise of the pipeline of a run, from the figures of its earlier runs."""
    name, started = after.run.get("pipeline_name"), after.run.get("started")
    if not name or started is None:
        return Noise()
    earlier_runs = index.figures(name, before=started, last=LAST)
    good = [run.figures for run in earlier_runs if run.status == "success" and not run.figures.get("is_partial")]
    earlier = index.runs(RunFilter(pipeline_name=name, until=started), limit=LAST)
    return Noise(good, [object_of(row["params"]) for row in earlier])


class StoredSources:
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
