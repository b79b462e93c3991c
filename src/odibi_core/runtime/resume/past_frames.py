"""`PastFrames`: the datasets of a recorded run, from what it kept, from the step cache, or by replaying steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from odibi_core.cache.entries import CacheFolder, Made
from odibi_core.errors import STOPS, ConfigurationError, OdibiError, StoreError
from odibi_core.pipeline import Graph, Step
from odibi_core.runtime.resume.kept_frames import load, missing
from odibi_core.runtime.resume.past_run import PastRun
from odibi_core.runtime.resume.replaying import made_again
from odibi_core.runtime.step_cache import cache_folder_of
from odibi_core.settings import Settings
from odibi_core.store.runs import RunStore
from odibi_core.views.values import record

KEEP: Final = "ODIBI_KEEP__FRAMES=all"
Define = Callable[[str], tuple[Step, Graph]]
"""Returns the definition of a step of the run."""


class PastFrames:
    """The datasets of one run.

    Args:
        past: The run.
        cache: The folder of the step cache.
        define: Returns the definition of a step, if steps may run again; None if they may not.
    """

    def __init__(self, past: PastRun, cache: Path, define: Define | None = None) -> None:
        self._past, self._cache, self._define = past, CacheFolder(cache), define
        self._frames: dict[str, Any] = {}
        self._reasons: dict[str, str] = {}
        self._made = {str(key): name for name, row in past.plan.items() for key in record(row.get("outputs")).values()}

    def dataset(self, key: str) -> Any:
        """Return a dataset.

        Raises:
            StoreError: It was not kept, is in no cache, and cannot be made again; the message has each reason.
        """
        if key not in self._frames:
            if key in self._reasons:
                raise StoreError(self._reasons[key])
            self._frames[key] = self._find(key)
        return self._frames[key]

    def inputs_of(self, step: str) -> dict[str, Any]:
        """Return the frames that a step took, by logical name.

        Raises:
            StoreError: One of them was not kept, is in no cache, and cannot be made again.
        """
        taken = record(self._past.plan.get(step, {}).get("inputs"))
        return {name: self.dataset(str(key)) for name, key in taken.items()}

    def outputs_of(self, step: str) -> list[str]:
        """Return the keys of the datasets that a step made."""
        return [str(key) for key in record(self._past.plan.get(step, {}).get("outputs")).values()]

    def _find(self, key: str) -> Any:
        reasons = []
        for way in (self._kept, self._cached, self._replayed):
            try:
                return way(key)
            except STOPS:
                raise
            except OdibiError as error:
                reasons.append(str(error))
        known = "; ".join(filter(None, dict.fromkeys(reasons)))
        self._reasons[key] = f"{key}: {known}; {KEEP} keeps what the steps of later runs take"
        raise StoreError(self._reasons[key])

    def _kept(self, key: str) -> Any:
        entry = self._past.kept.get(key)
        reason = missing(self._past.folder, entry)
        if reason is None and entry is not None and entry.is_unchanged is False:
            reason = "a step changed it in place after it was made"
        if reason is not None:
            raise StoreError(reason)
        assert entry is not None
        return load(self._past.folder, entry)

    def _cached(self, key: str) -> Any:
        step = self._made.get(key)
        hash_of_key = self._past.cache_keys.get(step or "")
        if hash_of_key is None:
            raise StoreError("")  # it was not asked
        found = self._cache.load(hash_of_key)
        if not isinstance(found, Made):
            raise StoreError(f"the cache does not have it: {found.reason or 'it was removed'}")
        names = {str(value): name for name, value in record(self._past.plan[str(step)].get("outputs")).items()}
        return found.frames[names[key]]

    def _replayed(self, key: str) -> Any:
        """Make a dataset again; every dataset of the same step is known afterwards."""
        name = self._made.get(key)
        if self._define is None or name is None:
            raise StoreError("its step is run again with --replay" if name is not None else "no step makes it")
        step, graph = self._define(name)
        if step.operation not in ("call", "sql") or step.layer == "connect" or step.map is not None:
            raise ConfigurationError(f"step {name!r} reads, writes, connects or is mapped, so it is not run again")
        inputs = {logical: self.dataset(taken) for logical, taken in step.inputs.items()}
        try:
            made = made_again(step, graph, self._past, inputs)
        except STOPS:
            raise
        except BaseException as error:
            raise StoreError(f"step {name!r} failed when it ran again: {type(error).__name__}: {error}") from None
        found = {step.outputs[logical]: frame for logical, frame in made.items()}
        self._frames |= {other: frame for other, frame in found.items() if other != key}
        return found[key]


def frames_of_run(store: RunStore, run_id: str, settings: Settings, *, replays: bool) -> PastFrames:
    """Return the datasets of a run of a store; `replays` makes them again with the recorded file of the pipeline."""
    from odibi_core.runtime.resume.definition import step_of

    past = PastRun(store, run_id)
    define: Define | None = (lambda name: step_of(past, name, None, {})) if replays else None
    return PastFrames(past, cache_folder_of(settings), define)
