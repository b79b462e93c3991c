"""The runs of a backfill: which partitions need one, and each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGINT
from typing import Any, Final

from msgspec.structs import replace

from odibi_core.cli import exits, output, record
from odibi_core.cli.params import parse_tags
from odibi_core.errors import ConfigurationError
from odibi_core.events import sanitize_text
from odibi_core.events.clock import sleep
from odibi_core.history.index import RunFilter
from odibi_core.history.rows.cells import written
from odibi_core.store.runs import RunStore

_OPEN: Final = "running"
_ASK_AGAIN_S: Final = 2.0


@dataclass(frozen=True)
class TagLimit:
    """The greatest number of open runs with a tag."""

    tag: dict[str, str]
    most: int


@dataclass(frozen=True)
class Backfill:
    """A pipeline, its partitions in the order of their runs, and the options of each run."""

    file: str
    name: str
    partitions: Sequence[str]
    params: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    run_options: Sequence[str] = ()
    store: str | None = None
    again: bool = False
    jobs: int = 1
    stop: bool = False
    limits: Sequence[TagLimit] = ()


@dataclass
class Outcome:
    """A partition: `state` is done or running (left out), planned, success, failed, cancelled or not started.

    `given` is its text as the command got it.
    """

    given: str
    state: str
    run_id: str | None = None
    duration_ms: float | None = None
    error: str | None = None

    @property
    def partition(self) -> str:
        """The redacted text."""
        return sanitize_text(self.given)

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome for JSON."""
        return {
            "partition": self.partition, "state": self.state, "run_id": self.run_id, "duration_ms": self.duration_ms,
            "error": self.error,
        }  # fmt: skip


def tag_limit(given: str) -> TagLimit:
    """Return the limit of `TAG=VALUE:N`.

    Raises:
        ConfigurationError: It has another form.
    """
    tag, _, most = given.rpartition(":")
    if not most.isdigit() or int(most) < 1 or "=" not in tag:
        raise ConfigurationError(f"--limit must be TAG=VALUE:N, such as source=sap:2, got {given!r}")
    return TagLimit(parse_tags([tag]), int(most))


def run_backfill(request: Backfill, *, dry_run: bool, as_json: bool) -> int:
    """Run what is missing, show the outcome of each partition, and return the exit code."""
    outcomes = _plan(request)
    if not dry_run:
        _run_all(request, [each for each in outcomes if each.state == "planned"])
    if as_json:
        output.write_json([each.as_dict() for each in outcomes])
    else:
        _show(outcomes, dry_run)
    states = {each.state for each in outcomes}
    if "cancelled" in states:
        return exits.INTERRUPTED
    return exits.FAILED if states & {"failed", "not started"} else exits.SUCCESS


def _plan(request: Backfill) -> list[Outcome]:
    """Return the outcome of each partition that needs no run, and the others as planned."""
    store = _store(request)
    if store is None:
        return [Outcome(each, "planned") for each in request.partitions]
    params = {name: "null" if value is None else str(written(value)) for name, value in request.params.items()}
    wanted = RunFilter(request.name, params=params)
    outcomes = []
    with record.indexed(store) as index:
        for partition in request.partitions:
            latest = next(iter(index.runs(replace(wanted, partition=partition), 1)), {})
            status = latest.get("status")
            done = status == "success" and not latest.get("selection") and not request.again  # not of some steps alone
            state = "done" if done else _OPEN if status == _OPEN else "planned"
            outcomes.append(Outcome(partition, state, None if state == "planned" else latest["run_id"]))
    return outcomes


def _store(request: Backfill) -> RunStore | None:
    """Return the store; None if there is none yet, so that nothing has run."""
    try:
        return record.open_store(request.store)
    except ConfigurationError:
        if request.store is None:
            raise
        return None  # `odibi run` creates the folder of --store


def _run_all(request: Backfill, planned: Sequence[Outcome]) -> None:
    """Run each planned partition, `jobs` at a time; after an interrupt start no more, and wait for the open ones."""
    waiting, children = deque(planned), _Children(request)
    open_runs: dict[Future[None], Outcome] = {}
    with ThreadPoolExecutor(request.jobs) as pool:
        try:
            while waiting or open_runs:
                while waiting and len(open_runs) < request.jobs and _has_room(request):
                    outcome = waiting.popleft()
                    open_runs[pool.submit(children.run, outcome)] = outcome
                ended, _ = wait(open_runs, _ASK_AGAIN_S, FIRST_COMPLETED)
                for each in ended:
                    each.result()
                    _report(open_runs.pop(each))
                if request.stop and any(each.state == "failed" for each in planned):
                    break
                if not open_runs and waiting and not _has_room(request):
                    sleep(_ASK_AGAIN_S)
        except KeyboardInterrupt:
            children.interrupt()
    for outcome in planned:
        if outcome.state == "planned":
            outcome.state = "cancelled" if children.interrupted else "not started"


def _has_room(request: Backfill) -> bool:
    """Return whether each limit allows another open run."""
    if not request.limits:
        return True
    store = _store(request)
    if store is None:
        return True
    with record.indexed(store) as index:
        return all(index.count(RunFilter(status=_OPEN, tags=limit.tag)) < limit.most for limit in request.limits)


class _Children:
    """The processes of the open runs."""

    def __init__(self, request: Backfill) -> None:
        self.interrupted = False
        self._request = request
        self._open: set[subprocess.Popen[bytes]] = set()

    def run(self, outcome: Outcome) -> None:
        """Run one partition in a process, and fill its outcome."""
        if self.interrupted:
            return
        request = self._request
        command = [
            sys.executable, "-m", "odibi_core", "run", request.file, "--partition", outcome.given,
            *request.run_options, *(["--store", request.store] if request.store else []), "--format", "json",
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self._open.add(process)
            out, err = process.communicate()
            self._open.discard(process)
        _fill(outcome, process.returncode, out, err.decode(errors="replace"))

    def interrupt(self) -> None:
        """Cancel the open runs, which close their records, and start no others."""
        self.interrupted = True
        for process in list(self._open):
            with suppress(OSError):
                process.send_signal(SIGINT)


def _fill(outcome: Outcome, code: int, out: bytes, err: str) -> None:
    """Take the state, the run and the error from what `odibi run` printed."""
    try:
        document = json.loads(out)
    except ValueError:
        document = {}
    outcome.run_id = document.get("run_id")
    outcome.duration_ms = document.get("duration_ms")
    cancelled = code in (exits.INTERRUPTED, -SIGINT)
    outcome.state = "success" if code == exits.SUCCESS else "cancelled" if cancelled else "failed"
    if outcome.state == "failed":
        last = next((line for line in reversed(err.splitlines()) if line.strip()), f"exit code {code}")
        failed = (step for step in document.get("steps", []) if step["state"] == "failed")
        outcome.error = next((f"{step['name']}: {step['error_message']}" for step in failed), last.strip())


def _report(outcome: Outcome) -> None:
    """Print a line on stderr when a run has ended."""
    took = f" in {output.duration(outcome.duration_ms)}" if outcome.duration_ms is not None else ""
    error = f": {outcome.error}" if outcome.error else ""
    output.notice(f"{outcome.partition} {outcome.state}{took}{error}")


def _show(outcomes: Sequence[Outcome], dry_run: bool) -> None:
    on = output.console()
    table = output.table("Partition", "State", "Duration", "Run", "", right=("Duration",))
    for each in _rows(outcomes, dry_run):
        table.add_row(
            output.cell(each.partition), output.cell(each.state, _STYLES.get(each.state, "")),
            output.cell(output.duration(each.duration_ms) if each.duration_ms is not None else ""),
            output.cell(each.run_id or ""), output.cell(each.error or "", "red"),
        )  # fmt: skip
    counts = [f"{sum(each.state == state for each in outcomes):,} {state}" for state in _states(outcomes)]
    output.write(on, table, output.styled(", ".join(counts), "dim"))


_STYLES: Final = {"success": "green", "failed": "red", "cancelled": "yellow", "not started": "yellow", "done": "dim"}


def _rows(outcomes: Sequence[Outcome], dry_run: bool) -> Iterator[Outcome]:
    """Return the partitions of the table: those that were left out are only counted, except in a dry run."""
    return (each for each in outcomes if dry_run or each.state not in ("done", "running"))


def _states(outcomes: Sequence[Outcome]) -> list[str]:
    return list(dict.fromkeys(each.state for each in outcomes))
