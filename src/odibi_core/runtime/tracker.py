"""`Tracker`: the lineage of a pipeline that other code or the orchestrator runs."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from copy import deepcopy
from datetime import date
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec

from odibi_core import private_files
from odibi_core.bus.bus import EventBus
from odibi_core.engines.frame import LEVELS, describe
from odibi_core.engines.stats_budget import Budget
from odibi_core.errors import STOPS, ConfigurationError, nearest
from odibi_core.events import Event, clock, kinds, normalize, sanitize_text
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.record import RunRecord
from odibi_core.runtime.run_context import purpose_of, run_context
from odibi_core.settings import get_config
from odibi_core.views.answers import Lineage
from odibi_core.views.as_dict import as_json, lineage_dict
from odibi_core.views.cards import Card, Carded
from odibi_core.views.lineage import LineageView
from odibi_core.views.report import execution_summary

__all__ = ["Tracker"]

WARNING: Final = "tracker_warning"
"""The event of a tracker that was used out of order."""

_log = logging.getLogger("odibi_core")
_REMEMBERED: Final = 8
_P = ParamSpec("_P")


class _Handle:
    """One start of one step of one tracker; `owner` is the token of that tracker, because a context may outlive it."""

    __slots__ = ("dataset_count", "events", "key", "name", "open", "owner", "row_count", "run_id")

    def __init__(self, owner: object, run_id: str, name: str, key: str, events: NodeEvents) -> None:
        self.owner, self.run_id, self.name, self.key, self.events = owner, run_id, name, key, events
        self.open = True
        self.row_count: int | None = None
        self.dataset_count = {"before": 0, "after": 0}


_started: ContextVar[tuple[_Handle, ...]] = ContextVar("odibi_core_tracker_started", default=())
"""Steps that this thread or task started, or the one that created the task before; innermost last."""
_latest: ContextVar[tuple[_Handle, ...]] = ContextVar("odibi_core_tracker_latest", default=())
"""The last step that this thread or task started, for each of the last few trackers."""


def _never_raises(method: Callable[Concatenate[Tracker, _P], None]) -> Callable[Concatenate[Tracker, _P], None]:
    """Log exceptions of a method instead of raising them into the observed code."""

    @wraps(method)
    def quiet(self: Tracker, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except STOPS:
            raise
        except BaseException:
            _log.exception("tracker.%s could not be recorded", method.__name__)

    return quiet


class StepExecution(dict[str, Any]):
    """One step of a lineage, whose keys are attributes too: `execution.duration_ms`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"a step has no {name!r}{nearest(name, self)}") from None


class Tracker(Carded):
    """Records steps and snapshots of their data as events, and computes the lineage from them.

    Without a `bus` it creates one:

    >>> tracker = Tracker()
    >>> tracker.start_pipeline("daily")
    >>> tracker.start_step("clean", "transform")
    >>> tracker.snapshot("after", [{"id": 1}, {"id": 2}])
    >>> tracker.end_step("clean", "success")
    >>> tracker.export_lineage()["steps"][0]["row_count"]
    2

    With a `bus` it receives all events of that bus: for a run of the orchestrator, nothing else needs to be called.
    A snapshot belongs to the innermost open step that its own thread or task started. An edge leads to a step from the
    one that the same thread or task started just before.

    Use out of order (a snapshot outside a step, the end of a step that never started) never raises: the known part is
    recorded, with a `tracker_warning` event. Only `save` and `export_lineage` write files.

    Args:
        log_dir: Folder of `save`; `logs` by default.
        bus: Bus of the events.
        level: Level of detail of snapshots: `off`, `schema`, `counts`, `sample`, `auto` or `stats`.
        run_id: The only run whose events are received; by default, the latest run on the bus.

    Raises:
        ConfigurationError: If there is no such level.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        *,
        bus: EventBus | None = None,
        level: str = "auto",
        run_id: str | None = None,
    ) -> None:
        if level not in LEVELS:
            raise ConfigurationError(f"level must be one of {', '.join(LEVELS)}, got {level!r}{nearest(level, LEVELS)}")
        self.log_dir = None if log_dir is None else Path(log_dir)
        self.level = level
        self.bus = EventBus() if bus is None else bus
        self._token = object()
        self._record: RunRecord | None = None
        self._handles: dict[str, _Handle] = {}
        self._lock = threading.Lock()
        self._first_use = threading.Lock()
        self._budget = Budget()
        self._view = LineageView(run_id)
        self.bus.subscribe(self._view, name="tracker")

    def __reduce__(self) -> tuple[Any, ...]:
        return _copied, (deepcopy(self._view), self.log_dir, self.level)

    def _card(self) -> Card:
        from odibi_core.runtime.run_cards import tracker_card

        return tracker_card(self)

    def _line(self) -> str:
        return f"Tracker({self._view.run_id!r})"

    def receive(self, event: Event) -> None:
        """Fold an event of another process, which was not on the bus."""
        self._view(event)

    def follow(self, run_id: str) -> None:
        """Discard all events, and receive those of one run from now on."""
        self.close()
        self._view = LineageView(run_id)
        self.bus.subscribe(self._view, name="tracker")

    def close(self) -> None:
        """Receive no more events; the lineage so far stays available."""
        self.bus.unsubscribe(self._view)

    @_never_raises
    def start_pipeline(
        self,
        name: str,
        *,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        partition: str | date | None = None,
    ) -> None:
        """Start a run; an earlier run of this tracker that is still open is ended first.

        Args:
            name: Name of the run's pipeline.
            params: Parameters of the run, for the record.
            tags: Tags of the run, `{"team": "sales"}`; those of the settings are added.
            partition: Logical date or partition that the run is for, a text or a date (default: the setting).
        """
        if self._record is not None:
            self.end_pipeline()
        record = RunRecord(_label(name), self.bus, clock.new_id(), tracker=self)
        self.follow(record.run_id)
        with self._lock:
            self._handles.clear()
        self._budget = Budget()
        record.start(open_ended=True, **_context(params, tags, partition))
        self._record = record

    @_never_raises
    def end_pipeline(self, error_message: object = None) -> None:
        """Publish the end of the run that `start_pipeline` started.

        The lineage does not need it: a run whose steps have all ended counts as ended.
        """
        record, self._record = self._record, None
        if record is None:
            self._warn("end_pipeline without start_pipeline: nothing to end")
            return
        with self._lock:
            unfinished = [handle.key for handle in self._handles.values() if handle.open]
        if unfinished:
            self._warn("the pipeline ended before some of its steps", run_id=record.run_id, steps=unfinished[:20])
        failed = error_message is not None or self._view.answer().summary.failed_count > 0
        record.end("failed" if failed else "success", {} if error_message is None else {"error": error_message})

    @_never_raises
    def start_step(self, name: str, layer: str = "transform") -> None:
        """Start a step in this thread or task; a second step of one name in a run is `name#2`."""
        run_id, label = self._run_id(), _label(name)
        before = next((h for h in _latest.get() if h.owner is self._token and h.run_id == run_id), None)
        with self._lock:
            key, number = label, 1
            while key in self._handles:
                number += 1
                key = f"{label}#{number}"
            number_of_name: dict[str, Any] = {} if key == label else {"step_id": key}
            events = NodeEvents(self.bus, run_id, label, _label(layer), **number_of_name)
            handle = self._handles[key] = _Handle(self._token, run_id, label, key, events)
        _started.set((*(h for h in _started.get() if h.open), handle))
        others = (h for h in _latest.get() if h.owner is not self._token)
        _latest.set((handle, *others)[:_REMEMBERED])
        events.start(attempt=1, depends_on=[before.key] if before else [])

    @_never_raises
    def snapshot(self, when: Literal["before", "after"], df: object, context: dict[str, Any] | None = None) -> None:
        """Record the description of a frame; a lazy frame is not executed.

        Args:
            when: `"before"` or `"after"` the work of the current step.
            df: The frame.
            context: Metadata of the snapshot; its `dataset` is the name of the data.
        """
        if self.level == "off":
            return
        handle = self._current()
        if handle is None:
            self._warn("a snapshot outside any step belongs to none", when=when)
        elif when not in ("before", "after"):
            self._warn("a snapshot is of before or after; this one is kept as before", when=when)
        description = describe(df, self.level, budget=self._budget)
        description["metadata"] = {**description["metadata"], **_as_dict(context)}
        side = "after" if when == "after" else "before"
        dataset = _dataset(handle, side, description["metadata"])
        if handle is None:
            fields = {"run_id": self._view.run_id, "when": side, "dataset": dataset, **description}
            self.bus.publish(kinds.SNAPSHOT, fields=fields)
            return
        if side == "after":
            handle.row_count = description["row_count"]
        handle.events.snapshot(side, dataset, description)

    @_never_raises
    def end_step(self, name: str, status: str = "success", error_message: object = None) -> None:
        """End a step, from any thread; only the first end of a step counts."""
        label = _label(name)
        handle = self._open_step(label)
        if handle is None:
            if label in self._handles:
                self._warn("a step was ended twice: the first end counts", node_name=label)
                return
            self._warn("a step ended that was never started: its duration is unknown", node_name=label)
        if status not in ("success", "failed"):
            self._warn("a step ends with success or failed", node_name=label, given=status)
        events = NodeEvents(self.bus, self._run_id(), label, None) if handle is None else handle.events
        rows = None if handle is None else handle.row_count
        if status == "failed" or (status != "success" and error_message is not None):
            events.failed_elsewhere(error_message, rows)
        else:
            events.complete(rows)

    def get_stats(self) -> dict[str, Any]:
        """Return `total_steps, success_count, failed_count, success_rate` (percent), `total_duration_ms` (the sum)."""
        summary = self._view.answer().summary
        wanted = ("total_steps", "success_count", "failed_count", "success_rate", "total_duration_ms")
        return {name: getattr(summary, name) for name in wanted}

    @property
    def executions(self) -> list[StepExecution]:
        """The steps in the order of the lineage, each with its keys as attributes too."""
        return [StepExecution(step) for step in lineage_dict(self._view.answer())["steps"]]

    def get_summary(self) -> str:
        """Return the run as a page of text."""
        return execution_summary(self._view.answer())

    def lineage(self) -> Lineage:
        """Return the lineage of the run."""
        return self._view.answer()

    def export_lineage(self, path: str | os.PathLike[str] | None = None) -> dict[str, Any]:
        """Return the lineage of the run as a dict, and write it to `path` as JSON if there is one.

        If the file cannot be written, a `tracker_warning` and a log line report it; no exception is raised.
        """
        lineage = lineage_dict(self._view.answer())
        if path is not None:
            self._write(Path(path), lineage)
        return lineage

    def save(self) -> Path:
        """Write the lineage into `log_dir`, one file for each run, and return its path."""
        lineage = lineage_dict(self._view.answer())
        path = (self.log_dir or Path("logs")) / _file_name(lineage["pipeline_name"], lineage["run_id"])
        self._write(path, lineage)
        return path

    def _run_id(self) -> str:
        """Return the id of the run of this tracker or on its bus; start one if there is none."""
        if self._record is not None:
            return self._record.run_id
        if self._view.run_id is not None and self._view.status == "running":
            return self._view.run_id
        with self._first_use:
            if self._record is None:
                self.start_pipeline("pipeline")
                self._warn("a step outside any pipeline: one named 'pipeline' began with it")
        return self._record.run_id if self._record is not None else clock.new_id()

    def _current(self) -> _Handle | None:
        return next((h for h in reversed(_started.get()) if h.open and h.owner is self._token), None)

    def _open_step(self, label: str) -> _Handle | None:
        """Close and return the open step of that name; the one of this thread or task first."""
        with self._lock:
            own = [h for h in _started.get() if h.owner is self._token]
            for handle in (*reversed(own), *reversed(self._handles.values())):
                if handle.open and handle.name == label:
                    handle.open = False
                    return handle
        return None

    def _warn(self, message: str, **fields: Any) -> None:
        self.bus.publish(WARNING, message, level="warning", fields={"run_id": self._view.run_id, **fields})

    def _write(self, path: Path, lineage: dict[str, Any]) -> None:
        """Write the file in one piece, so that no reader sees a half."""
        try:
            private_files.write_atomic(path, as_json(lineage))
        except (OSError, ValueError) as error:
            _log.error("the lineage could not be written to %s: %s", path, error)
            self._warn("the lineage could not be written", path=str(path), error=error)


def _context(params: Any, tags: Any, partition: Any) -> dict[str, Any]:
    """Return the context of a run. An argument or a setting that is invalid does not prevent the run."""
    config = get_config()
    settings = config.section("run")
    try:
        return run_context(purpose_of(params, tags, partition, settings), settings)
    except ConfigurationError as error:
        _log.error("the purpose of a run is not recorded: %s", error)
        return run_context(purpose_of(settings=settings), settings)


def _label(name: object) -> str:
    """Return a name as the events have it."""
    return sanitize_text(normalize.to_text(name))


def _as_dict(context: object) -> dict[Any, Any]:
    if context is None:
        return {}
    return context if isinstance(context, dict) else {"context": context}


def _dataset(handle: _Handle | None, side: str, metadata: dict[Any, Any]) -> str | None:
    """Return the name of the data: as given, else None for the first of its side, then `before_2` and so on."""
    named = metadata.get("dataset")
    if named is not None:
        return _label(named)
    if handle is None:
        return None
    handle.dataset_count[side] += 1
    return None if handle.dataset_count[side] == 1 else f"{side}_{handle.dataset_count[side]}"


def _file_name(pipeline: str | None, run_id: str | None) -> str:
    """Return a readable file name; its hash keeps names apart whose readable parts are equal."""
    exact = sha256(f"{pipeline}\0{run_id}".encode("utf-8", "replace")).hexdigest()[:8]
    slugs = (re.sub(r"[^A-Za-z0-9]+", "-", part or "").strip("-")[:60] for part in (pipeline, run_id))
    return "_".join(["lineage", *filter(None, slugs), exact]) + ".json"


def _copied(view: LineageView, log_dir: Path | None, level: str) -> Tracker:
    tracker = Tracker(log_dir, level=level)
    tracker._view = view
    return tracker
