"""Keeping: which datasets of a run are kept for later, and when they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame_size import estimated_bytes
from odibi_core.errors import STOPS
from odibi_core.executors.base import Held
from odibi_core.pipeline import Graph
from odibi_core.pipeline.step import needs_of_checks
from odibi_core.runtime.resume.kept_frames import FrameKeeper, publish
from odibi_core.runtime.step_runner import StepRunner


class Keeping:
    """Keeps datasets of one run; without a keeper it does nothing. It never fails the run.

    Args:
        graph: The steps.
        runner: Has the datasets.
        keeper: Writes them; None to keep none.
        keeps_all: Keep each dataset when it is made, and not only at the end of a run that failed.
    """

    def __init__(self, graph: Graph, runner: StepRunner, keeper: FrameKeeper | None, *, keeps_all: bool) -> None:
        self._graph = graph
        self._runner = runner
        self._keeper = keeper
        self._keeps_all = keeps_all
        self._held_back = 0
        """Bytes of the datasets that stay until the end of the run because a step failed, about."""

    def made(self, index: int, bus: EventBus, run_id: str) -> None:
        """Keep what a step made, before another step can change it."""
        if self._keeper is None or not self._keeps_all:
            return
        keys = [key for key in self._graph.steps[index].outputs.values() if self._graph.consumers[key]]
        publish(bus, (entry for key in keys if (entry := self._keep(self._keeper, key, True)) is not None), run_id)

    def released(self, keys: Iterable[str]) -> list[str]:
        """Return those of the datasets without a further step that may be released after a failure.

        The others stay until the end of the run: a step that failed or was skipped needs them.
        """
        return [key for key in keys if not self._is_held_back(key)]

    def _is_held_back(self, key: str) -> bool:
        frame, outcomes = self._runner.data.get(key), self._runner.outcomes
        takers = [step.name for step in self._graph.steps if key in step.inputs.values()]
        if self._keeper is None or frame is None:
            return False
        if all(outcomes.get(name, {}).get("status") == "success" for name in takers):
            return False
        taken = 0 if isinstance(frame, Held) else estimated_bytes(frame) or 0
        if not self._keeper.has_room(self._held_back + taken):
            self._keeper.refuse(key, "there was no room for it, by ODIBI_KEEP__MAX_MB")
            return False
        self._held_back += taken
        return True

    def end(self, bus: EventBus, run_id: str) -> None:
        """Keep what the steps need that failed or did not run: the inputs of failed steps first."""
        keeper = self._keeper
        if keeper is None:
            return
        try:
            known = set(keeper.entries) if self._keeps_all else set()
            for key in self._needed():
                if key not in known:
                    self._keep(keeper, key, self._runner.is_unchanged(key))
            publish(bus, (entry for key, entry in keeper.entries.items() if key not in known), run_id)
            keeper.delete_oldest()
        except STOPS:
            raise
        except Exception as error:
            bus.count_failure("kept frames", error)

    def _needed(self) -> dict[str, None]:
        """Return the datasets that are needed to go on, those of failed steps first."""
        outcomes = self._runner.outcomes.copy()
        failed = [
            step for step in self._graph.steps if outcomes.get(step.name, {}).get("status") in ("failed", "cancelled")
        ]
        others = [step for step in self._graph.steps if outcomes.get(step.name, {}).get("status") in (None, "skipped")]
        return dict.fromkeys(
            key for step in (*failed, *others) for key in (*step.inputs.values(), *needs_of_checks(step))
        )

    def _keep(self, keeper: FrameKeeper, key: str, is_unchanged: bool | None) -> Any:
        frame = self._runner.data.get(key)
        if frame is None:
            return keeper.entries.get(key)
        if isinstance(frame, Held):
            try:
                assert self._runner.place is not None
                frame = self._runner.place.fetch(frame)
            except STOPS:
                raise
            except Exception as error:
                keeper.refuse(key, f"its worker has lost it: {error}")
                return keeper.entries[key]
        return keeper.keep(key, frame, is_unchanged=is_unchanged)
