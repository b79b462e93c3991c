"""`import_invocation`: the record of an invocation of dbt, from the files of its folder `target`, with its own times.

dbt itself is not needed: it may be in another environment, or on another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from odibi_core import private_files
from odibi_core.bus.bus import EventBus
from odibi_core.checks.base import CheckResult
from odibi_core.events.clock import SYSTEM
from odibi_core.integrations.dbt_files import Invocation, Result
from odibi_core.integrations.host_run import shared_run_id
from odibi_core.runtime.node_events import NodeEvents
from odibi_core.runtime.observer import Observer
from odibi_core.runtime.run_context import purpose_of, run_context
from odibi_core.settings import read_settings

__all__ = ["import_invocation", "pipeline_of"]

_WHOLE: Final = ("build", "run", "retry")
"""Commands that make the models; the runs of any other command are a pipeline of their own."""
_NODES: Final = ("model", "seed", "snapshot")
_SELECTIONS: Final = ("select", "exclude", "selector", "resource_types", "exclude_resource_types")
_TESTS: Final = ("test", "unit_test")
_FAILED: Final = ("error", "fail", "runtime error", "partial success")


class _Happening(NamedTuple):
    """Something that happened in the invocation: its time, its place among those of one time, and its event."""

    moment: datetime
    place: int
    publish: Callable[[], None]


class _Clock:
    """A clock that shows the times of the events that are imported."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return SYSTEM.monotonic()


def pipeline_of(invocation: Invocation) -> str:
    """Return the name of the pipeline: the project, and the command if it does not make the models."""
    return invocation.project if invocation.command in _WHOLE else f"{invocation.project} {invocation.command}"


def import_invocation(
    invocation: Invocation, store: str | Path | None = None, exit_code: int | None = None
) -> tuple[str, bool]:
    """Record an invocation; return the id of its run, and False if it is in the store already.

    Args:
        invocation: The invocation.
        store: Folder of the record; by default `.odibi`, or the setting.
        exit_code: The exit code of dbt, if it is known.

    Raises:
        ConfigurationError: A setting is wrong.
    """
    return _Import(invocation, store).record(exit_code)


class _Import:
    """The import of one invocation."""

    def __init__(self, invocation: Invocation, store: str | Path | Literal[False] | None) -> None:
        self._invocation = invocation
        self._clock = _Clock(invocation.began)
        settings = read_settings(store={"dir": store or None})
        params = invocation.args.get("vars")
        purpose = purpose_of(params if isinstance(params, Mapping) else None, None, None, settings.run)
        name = pipeline_of(invocation)
        run_id = shared_run_id(name, invocation.began, f"dbt:{invocation.id}")
        bus = EventBus(clock=self._clock)
        self._observer = Observer(name, store=store, settings=settings, bus=bus, purpose=purpose, run_id=run_id)
        self._observer.descriptions.lineage = False

    def record(self, exit_code: int | None) -> tuple[str, bool]:
        """Publish the events in the order of their times."""
        observer, invocation = self._observer, self._invocation
        folder = observer.path
        if folder is not None and (folder.exists() or observer.run_id in _known(observer)):
            return observer.run_id, False
        observer.open()
        if folder is not None:
            private_files.create_atomic(folder / "started", b"")
        selection = {name: invocation.args[name] for name in _SELECTIONS if invocation.args.get(name)}
        if invocation.command == "retry":
            selection["retry"] = True
        about: dict[str, Any] = {"selection": selection} if selection else {}
        about |= self._context(is_here=exit_code is not None)
        observer.record.start(
            outlives_process=True, integration="dbt", integration_version=invocation.version,
            external_run_id=invocation.id, **about,
        )  # fmt: skip
        observer.record.plan([self._row(unique_id) for unique_id in self._ordered()])
        for each in sorted(self._happenings(), key=lambda each: each[:2]):
            self._clock.moment = each.moment
            each.publish()
        self._end(exit_code)
        return observer.run_id, True

    def _context(self, *, is_here: bool) -> dict[str, Any]:
        """Return the context of the run; of one that this program did not start, only what the files have."""
        purpose, settings = self._observer.purpose, self._observer.settings
        if not is_here:
            return {**purpose.fields(), "host": None}
        return {**run_context(purpose, settings.run), "packages": {}}  # those of dbt are in its own environment

    def _end(self, exit_code: int | None) -> None:
        invocation = self._invocation
        self._clock.moment = invocation.ended
        failed = [each for each in invocation.results if each.status in _FAILED]
        duration_ms = (invocation.ended - invocation.began).total_seconds() * 1e3
        about: dict[str, Any] = {"duration_ms": duration_ms}
        if failed or exit_code:
            first = failed[0] if failed else None
            about["error"] = f"dbt exited with {exit_code}" if first is None else f"{_short(first)}: {first.message}"
        self._observer.end("failed" if "error" in about else "success", about)

    def _happenings(self) -> list[_Happening]:
        """Return the starts and ends of nodes and the results of tests, each with its time and its order."""
        results = self._invocation.results
        built = {result.unique_id: result for result in results if result.kind not in _TESTS}
        tests: dict[str, list[Result]] = {}
        for result in results:
            if result.kind in _TESTS:
                tests.setdefault(self._tested(result), []).append(result)
        found: list[_Happening] = []
        for place, unique_id in enumerate(self._ordered()):
            made, checks = built.get(unique_id), tests.get(unique_id, [])
            found += self._of_node(place, self._events(unique_id), made, checks)
        return found

    def _of_node(
        self, place: int, events: NodeEvents, result: Result | None, checks: list[Result]
    ) -> Iterator[_Happening]:
        """Yield what happened to a node; one that was only tested lasts from its first test to its last."""
        of = [result] if result is not None else checks
        began, ended = self._times(of)
        if any(each.status != "skipped" for each in of):
            yield _Happening(began, 3 * place, partial(events.start, began=0.0, worker=of[0].worker))
        for each in checks:
            yield _Happening(self._times([each])[1], 3 * place + 1, partial(self._check, events, each))
        verdict = next((each for each in of if each.status in _FAILED), of[0])
        done = partial(self._finish, events, verdict, (ended - began).total_seconds())
        yield _Happening(ended, 3 * place + (1 if result is not None else 2), done)

    def _times(self, results: list[Result]) -> tuple[datetime, datetime]:
        """Return the first start and the last end of some results; the end of the invocation if they have none."""
        last = self._invocation.ended
        began = min((each.began for each in results if each.began is not None), default=last)
        return began, max((each.ended for each in results if each.ended is not None), default=began)

    def _finish(self, events: NodeEvents, result: Result, duration_s: float) -> None:
        events.pause(duration_s)
        if result.kind == "source":
            self._freshness(events, result)
        if result.status == "skipped":
            events.skipped(result.message or "a node that it needs failed", None)
        elif result.status in _FAILED:
            events.failed_elsewhere(result.message or result.status, result.rows)
        else:
            events.complete(result.rows)

    def _check(self, events: NodeEvents, result: Result) -> None:
        node = self._invocation.nodes.get(result.unique_id, {})
        passed = {"pass": True, "fail": False, "warn": False}.get(result.status)
        severity = "warn" if result.status == "warn" else str(_of(node, "config", "severity") or "error").lower()
        failures = result.fields.get("failures")
        outcome = CheckResult(
            check=str(_of(node, "test_metadata", "name") or node.get("name") or result.unique_id),
            column=node.get("column_name"),
            passed=passed,
            failed_rows=failures if isinstance(failures, int) else None,
            total_rows=None,
            severity="warn" if severity == "warn" else "error",
            message=result.message or result.status,
            examples=[],
        )
        began, ended = self._times([result])
        events.check(outcome, (ended - began).total_seconds() * 1e3)

    def _freshness(self, events: NodeEvents, result: Result) -> None:
        age = result.fields.get("max_loaded_at_time_ago_in_s")
        known = f"the newest row is {age:,.0f} s old" if isinstance(age, int | float) else "the age is unknown"
        outcome = CheckResult(
            check="freshness", column=None, passed={"pass": True, "warn": False, "error": False}.get(result.status),
            failed_rows=None, total_rows=None, severity="warn" if result.status == "warn" else "error",
            message=f"{known}: {result.status}", examples=[],
        )  # fmt: skip
        events.check(outcome, 0.0)

    def _events(self, unique_id: str) -> NodeEvents:
        return NodeEvents(self._observer.bus, self._observer.run_id, self._name(unique_id), "transform")

    def _tested(self, result: Result) -> str:
        """Return the node that a test is about; the test itself if that is none."""
        node = self._invocation.nodes.get(result.unique_id, {})
        about = [node.get("attached_node"), *(_of(node, "depends_on", "nodes") or ())]
        return next((each for each in about if each in self._invocation.nodes), result.unique_id)

    def _ordered(self) -> list[str]:
        """Return the nodes of the run, each after those that it needs."""
        wanted = dict.fromkeys(
            self._tested(result) if result.kind in _TESTS else result.unique_id for result in self._invocation.results
        )
        nodes = self._invocation.nodes
        needs = {
            each: sorted(_of(nodes.get(each, {}), "depends_on", "nodes") or ()) for each in sorted({*wanted, *nodes})
        }
        return [each for each in TopologicalSorter(needs).static_order() if each in wanted]

    def _row(self, unique_id: str) -> dict[str, Any]:
        """Return the row of the plan: the compiled SQL as source, the relations that it reads as inputs."""
        node = self._invocation.nodes.get(unique_id, {})
        needs = [each for each in _of(node, "depends_on", "nodes") or () if each in self._invocation.nodes]
        names = [self._name(each) for each in needs]
        kind = str(_of(node, "config", "materialized") or node.get("resource_type") or unique_id.partition(".")[0])
        code = next((node[key] for key in ("compiled_code", "raw_code") if node.get(key)), None)
        source = {} if code is None else self._observer.sources.of_text(code, node.get("original_file_path"), 1)
        made = [each for each in needs if each.partition(".")[0] in _NODES]
        return {
            "name": self._name(unique_id), "type": kind, "layer": "transform", "inputs": {n: n for n in names},
            "outputs": {"out": self._name(unique_id)}, "depends_on": [self._name(each) for each in made],
            "relation": node.get("relation_name"), **source,
        }  # fmt: skip

    def _name(self, unique_id: str) -> str:
        """Return the name of a node, with its package if that is not the project."""
        parts = unique_id.split(".")
        if parts[0] == "source":
            return ".".join(parts[2:])
        return ".".join(parts[2:] if parts[1:2] == [self._invocation.project] else parts[1:])


def _short(result: Result) -> str:
    return ".".join(result.unique_id.split(".")[2:]) or result.unique_id


def _of(node: Mapping[str, Any], part: str, name: str) -> Any:
    """Return a value of a part of a node that may be missing."""
    return (node.get(part) or {}).get(name)


def _known(observer: Observer) -> frozenset[str]:
    """Return the ids of the runs in the store."""
    return frozenset() if observer.store is None else frozenset(observer.store.ids())
