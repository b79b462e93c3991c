"""`StepCache`: the step cache of one run, which is asked before a step works and stores what it made.

The process of the run asks and stores, whatever executor the steps work in: frames that stay elsewhere are fetched
for it. An input that is itself an entry has the checksum of that entry as its fingerprint; others are hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from threading import Event as Flag
from typing import Any, Final, Literal, TypeVar

from odibi_core.cache.building import Right, building
from odibi_core.cache.difference import changes, reason_of
from odibi_core.cache.entries import About, CacheFolder, Frame, Made, Missing
from odibi_core.cache.key import Key, KeyBuilder, Unkeyable, unfit
from odibi_core.engines.digests import Digest, NotDigestibleError
from odibi_core.engines.fingerprint import fingerprint
from odibi_core.engines.packing import NotPackableError
from odibi_core.errors import STOPS, ConfigurationError
from odibi_core.events import sanitize_text
from odibi_core.events.clock import monotonic
from odibi_core.pipeline import Graph, Step
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.run_context.packages import packages_of
from odibi_core.runtime.shared_entries import SharedEntries, shared_entries
from odibi_core.settings.sections import Settings

T = TypeVar("T")
Mode = bool | Literal["anyway"]
Fetch = Callable[[Any], Any]
"""Returns a frame of this process for one that may be a handle."""


class Lookup:
    """The answer of the cache for one step: `made` has its frames if there was an entry."""

    def __init__(self, made: dict[str, Any] | None = None) -> None:
        self.made = made

    def keep(self, made: Mapping[str, Any], files: int = 0) -> None:
        """Store what the step made. Never raises for a full disk or a frame that has no exact form.

        Args:
            made: The frames by logical name.
            files: The accesses to files that were seen while the step ran.
        """


_NOT_ASKED: Final = Lookup()


class StepCache:
    """The cache of one run."""

    def __init__(self, folder: CacheFolder, settings: Settings, graph: Graph, default: Mode | None) -> None:
        self.folder = folder
        self.shared: SharedEntries | None = None
        self._settings = settings.cache
        self._graph = graph
        self._default: Mode = settings.cache.enabled if default is None else default
        self._run = ("", "")
        self._entries: dict[str, Frame] = {}
        """The entries that datasets of this run are, by key of the dataset."""
        self._has_stored = False

    def begin(self, run_id: str, pipeline: str) -> StepCache:
        """Return the cache of a new run: runs of one pipeline may overlap, and each has its own datasets."""
        begun = copy(self)
        begun._run, begun._entries, begun._has_stored = (run_id, sanitize_text(pipeline)), {}, False
        return begun

    def mode(self, step: Step) -> Mode:
        return self._default if step.cache is None else step.cache

    @contextmanager
    def asked(
        self, index: int, inputs: Mapping[str, Any], events: NodeEvents, fetch: Fetch, stopped: Flag
    ) -> Iterator[Lookup]:
        """Look up a step; inside, it is built by this process alone if it has no entry.

        Args:
            index: The step.
            inputs: Its inputs by logical name, handles among them.
            events: Where the answer is published.
            fetch: Returns the frame of a handle.
            stopped: Ends the wait for another process.
        """
        step, mode = self._graph.steps[index], self.mode(self._graph.steps[index])
        if not mode:
            yield _NOT_ASKED
            return
        builder = KeyBuilder(step, self._graph.engine_of(index), packages_of, anyway=mode == "anyway")
        key = _guarded(lambda: self._key(builder, inputs, fetch))
        if isinstance(key, str):
            key = Unkeyable([key])
        if isinstance(key, Unkeyable):
            events.not_cached(key.reason, {"reasons": key.reasons[:20]})
            yield _NOT_ASKED
            return
        began = monotonic()
        found = self.folder.load(key.hash)
        if isinstance(found, Made):
            yield self._hit(step, key, found, events, began, Right(False))
            return
        owner = (self._run[0], sanitize_text(step.name))
        with building(self.folder.root, key.hash, owner, self._settings.wait_s, stopped) as right:
            first, found = found.reason, self.folder.load(key.hash) if right.waited_s or right.held else found
            is_shared = isinstance(found, Missing) and self.shared is not None and self.shared.fetch(key.hash)
            if is_shared:
                found = self.folder.load(key.hash)
            if isinstance(found, Made):
                yield self._hit(step, key, found, events, began, right, is_shared=is_shared)
                return
            self._missed(step, key, first or found.reason, events, right)
            yield _Building(self, builder, key, events, fetch)

    def refuse(self, step: Step, events: NodeEvents) -> None:
        """Publish why a step is not cached that another part of the run executes."""
        if self.mode(step):
            events.not_cached(unfit(step) or "it is not run as one step", {})

    def _key(self, builder: KeyBuilder, inputs: Mapping[str, Any], fetch: Fetch) -> Key | Unkeyable:
        if reason := unfit(builder.step):
            return Unkeyable([reason])
        prints, libraries = {}, set()
        for name, frame in inputs.items():
            entry = self._entries.get(builder.step.inputs[name])
            if entry is not None:
                prints[name] = entry.fingerprint
                libraries.add(_LIBRARIES.get(entry.library, ""))
                continue
            value = fetch(frame)
            try:
                prints[name] = fingerprint(value)
            except NotDigestibleError as error:
                return Unkeyable([f"input {name!r}: {error}"])
            libraries.add(type(value).__module__.partition(".")[0])
        return builder.build(prints, libraries - {"", "builtins"})

    def _hit(
        self, step: Step, key: Key, found: Made, events: NodeEvents, began: float, right: Right,
        *, is_shared: bool = False,
    ) -> Lookup:  # fmt: skip
        entry = found.entry
        self.note(step, entry.frames, found.frames)
        fields: dict[str, Any] = {
            "cache_key": key.hash, "entry_run_id": entry.run_id, "entry_created": entry.created, "bytes": entry.bytes,
            "load_ms": round((monotonic() - began) * 1e3, 3), "saved_ms": round(entry.seconds * 1e3, 3),
        }  # fmt: skip
        if is_shared:
            fields["shared"] = True
        if right.owner is not None:
            fields |= {"waited_ms": round(right.waited_s * 1e3, 3), "built_by": right.owner.run_id}
        events.cached(True, fields)
        return Lookup({name: found.frames[name] for name in step.outputs})

    def _missed(self, step: Step, key: Key, damage: str, events: NodeEvents, right: Right) -> None:
        fields: dict[str, Any] = {"cache_key": key.hash}
        latest = self.folder.latest(self._run[1], sanitize_text(step.name))
        if damage:
            reason = damage
        elif latest is None:
            reason = "first time"
        elif latest.key == key.hash:
            reason = "evicted"
        else:
            found = changes(latest.parts, key.parts, (latest.shown, key.shown))
            reason = reason_of(found)
            fields |= {
                "changes": [{"part": each.part, "before": each.before, "after": each.after} for each in found],
                "compared_with": latest.run_id,
            }
        if right.reason:
            fields["not_locked"] = right.reason
        if self.shared is not None and self.shared.problem:
            fields["not_shared"] = self.shared.problem
        events.cached(False, {**fields, "reason": reason})

    def note(self, step: Step, frames: Mapping[str, Frame], made: Mapping[str, Any]) -> None:
        """Note that datasets of this run are entries. Lists and dicts may be changed inside, so they are hashed."""
        for name, frame in frames.items():
            if not isinstance(made[name], list | dict):
                self._entries[step.outputs[name]] = frame

    def store(self, builder: KeyBuilder, key: Key, made: Mapping[str, Any], seconds: float) -> str | None:
        """Store the frames of a step; return the reason if they cannot be stored."""
        step = builder.step
        if not builder.guard.is_unchanged():
            return "a file of it was changed while it ran"
        after = builder.code()
        if any(key.parts.get(name) != digest for name, digest in after.parts.items()):
            changed = reason_of(changes({n: key.parts[n] for n in after.parts if n in key.parts}, after.parts))
            return f"{changed} while it ran"
        lazy = [name for name, value in made.items() if type(value).__module__.strip("_") == "duckdb"]
        if lazy:
            return f"output {lazy[0]!r} is a relation of DuckDB, which storing would run once more"
        try:
            about = About(sanitize_text(step.name), self._run[1], self._run[0], seconds)
            entry = self.folder.store(key, made, about)
        except NotPackableError as error:
            return str(error)
        except OSError as error:
            return f"the entry cannot be written: {error.strerror or error}"
        self._has_stored = True
        if entry is not None:
            self.note(step, entry.frames, made)
            if self.shared is not None:
                self.shared.offer(key.hash)
        return None

    def end(self) -> None:
        """Remove the entries that are too many. Never raises."""
        if self._has_stored:
            self.folder.prune(self._settings.max_gb * 1e9)


class _Building(Lookup):
    """A step that has no entry yet."""

    def __init__(self, cache: StepCache, builder: KeyBuilder, key: Key, events: NodeEvents, fetch: Fetch) -> None:
        super().__init__()
        self._cache, self._builder, self._key, self._events, self._fetch = cache, builder, key, events, fetch
        self._began = monotonic()
        self._about = {"cache_key": key.hash}

    def keep(self, made: Mapping[str, Any], files: int = 0) -> None:
        seconds = monotonic() - self._began
        if files and not self._builder.may_store(files):
            self._events.not_cached("not stored: it used files that its step does not declare", self._about)
            return
        if reason := _guarded(lambda: self._store(made, seconds)):
            self._events.not_cached(f"not stored: {reason}", self._about)

    def _store(self, made: Mapping[str, Any], seconds: float) -> str | None:
        frames = {name: self._fetch(frame) for name, frame in made.items()}
        return self._cache.store(self._builder, self._key, frames, seconds)


def _guarded(call: Callable[[], T]) -> T | str:
    """Return the result of a call, or the reason why it failed: no step fails because of its cache."""
    try:
        return call()
    except STOPS:
        raise
    except Exception as error:
        return f"the cache failed: {type(error).__name__}: {error}"


_LIBRARIES: Final = {"pandas": "pandas", "polars": "polars", "table": "pyarrow"}
"""The library of a frame by the form of its file."""


def cache_folder_of(settings: Settings) -> Path:
    """Return the folder of the cache: of the setting, by default in the store."""
    from odibi_core.events.paths import absolute_path

    return absolute_path(settings.cache.dir) if settings.cache.dir else settings.root / "cache"


def step_cache(settings: Settings, graph: Graph, given: Mode | None, *, has_store: bool) -> StepCache | None:
    """Return the cache of a pipeline; None if no step asks for one.

    Raises:
        ConfigurationError: The argument is invalid, or there is no folder for a cache.
        MissingExtraError: xxhash is not installed.
    """
    if given is not None and type(given) is not bool and given != "anyway":
        raise ConfigurationError(f"cache must be True, False or 'anyway', got {str(given)[:80]!r}")
    cache = StepCache(CacheFolder(cache_folder_of(settings)), settings, graph, given)
    if not any(map(cache.mode, graph.steps)):
        return None
    if not has_store and not settings.cache.dir:
        raise ConfigurationError(
            "cache needs a folder, got a run without a store; set ODIBI_CACHE__DIR, or leave out store=False"
        )
    Digest()
    if settings.cache.shared:
        cache.shared = shared_entries(settings, cache.folder, has_store=has_store)
    return cache
