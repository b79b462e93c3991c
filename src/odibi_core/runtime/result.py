"""The result of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import sanitize_text
from odibi_core.events.failure import typed_message_of
from odibi_core.views.cards import Card, Carded
from odibi_core.views.values import CHECK_RESULTS

if TYPE_CHECKING:
    from odibi_core.history.comparison import Comparison
    from odibi_core.runtime.why import Why


class Result(Carded, Mapping[str, Any]):
    """The result of a run: a mapping whose keys are also attributes.

    - `run_id`, `pipeline_name`, `status`, `success` (bool), `error` (text or None) and `duration_ms`.
    - `nodes_executed`: the number of nodes that ran, with the failed and without the skipped ones.
    - `nodes[name]`: a dict of `status`, `duration_ms`, `row_count` and `error`; `taken_from` is the earlier run of a
      step that was not run again.
    - `overhead_ms` and `overhead_pct`: the time that recording took of the run, in ms and in percent of both.
    - `checks`: the numbers of checks that `passed`, `failed` and were `not_checked`.
    - `params`, `tags` and `partition` of the run.
    - `data`: the datasets that no step takes, or those that `keep` names.
    - `tracker` and `metrics` of the run; `path`: its folder, None without a store.
    """

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise KeyError(f"a result has no {key!r}{nearest(key, self._values)}") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"a result has no {name!r}{nearest(name, self._values)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def compare(self, other: str | None = None, *, anyway: bool = False) -> Comparison:
        """Compare this run with another: the differences, the most important first, with the probable cause.

        Args:
            other: The other run: an id, a part of one, or a pipeline; by default the last good run before this one, of
                the same pipeline and parameters.
            anyway: Compare runs of different pipelines too.

        Raises:
            ConfigurationError: The run has no store, or the runs are of different pipelines.
            RunNotFoundError: There is no such run, or no good run to compare with.
        """
        from odibi_core.history.comparison import compare_runs

        if self["path"] is None:
            raise ConfigurationError("store must be a folder to compare runs, got False; run the pipeline with a store")
        return compare_runs(self["path"].parent.parent, self["run_id"], other, anyway=anyway)

    def why(self, step: str | None = None, *, against: str | None = None, rows: int = 3, replays: bool = False) -> Why:
        """Return which rows the steps lost, doubled or did not match, by which rule, and whether that is new.

        Args:
            step: One step, more closely: its rule if the run recorded only counts, examples, the way of one row.
            against: The run to compare with; by default the last good run before this one.
            rows: Examples of rows of the step.
            replays: Run steps again whose datasets were not kept.

        Raises:
            ConfigurationError: The run has no store.
            RunNotFoundError: There is no such step, or no such run.
        """
        from odibi_core.runtime.why import Asked, why

        if self["path"] is None:
            raise ConfigurationError("store must be a folder to ask why, got False; run the pipeline with a store")
        asked = Asked(step=step, against=against, rows=rows, replays=replays)
        return why(self["path"].parent.parent, self["run_id"], asked)

    def _card(self) -> Card:
        from odibi_core.runtime.run_cards import result_card

        return result_card(self)

    def failures(self) -> list[str]:
        """Return the failed steps as text: for each its error and the frames of its own code, the innermost first."""
        from odibi_core.runtime.run_cards import failures

        return failures(self)

    def _line(self) -> str:
        name = sanitize_text(self["pipeline_name"])
        return f"Result({name!r}, {self['status']}, {self['duration_ms']:.0f} ms, {self['run_id']})"


def check_counts(results: list[bool | None]) -> dict[str, int]:
    """Return the numbers of checks that passed, failed and were not checked."""
    return {word: results.count(result) for result, word in CHECK_RESULTS.items()}


def reason_of(nodes: Mapping[str, Mapping[str, Any]], error: BaseException | None) -> str | None:
    """Return why a run failed, by its failed nodes, or else by the error that ended it; None if it did not fail."""
    failed = {name: node["error"] for name, node in nodes.items() if node["status"] == "failed"}
    failures = [f"{sanitize_text(name)}: {message}" for name, message in failed.items()]
    reason = "; ".join(failures[:3]) + (f"; and {len(failures) - 3} more" if len(failures) > 3 else "")
    if error is not None and not reason:
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else typed_message_of(error)
    return reason or None
