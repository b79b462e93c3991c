"""`odibi logs`: the log of a run, or of all runs."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer

from odibi_core.cli import options, output, record, times
from odibi_core.cli.last_events import last_of_all, of_all
from odibi_core.cli.log_lines import EventFilter, show, write_line
from odibi_core.cli.times import moment
from odibi_core.errors import ConfigurationError
from odibi_core.events import Event, LogLevel, kinds, to_dict
from odibi_core.events.clock import sleep, utc_now
from odibi_core.history.index import RunFilter
from odibi_core.store.follower import Follower
from odibi_core.store.runs import RunStore, pipeline_of
from odibi_core.store.segments import safe_name

_POLL_S: Final = 0.5
_FIRST: Final = 1_000
"""Lines of runs that have ended, if a log of all runs is followed without a limit."""


def logs(
    run: options.Run = None,
    every: Annotated[bool, typer.Option("--all", help="All runs; with a pipeline, its runs.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for further lines.")] = False,
    grep: Annotated[str | None, typer.Option("--grep", metavar="REGEX", help="Only lines with a match.")] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="KIND", help="Only this kind, such as node_failed.")
    ] = None,
    node: Annotated[str | None, typer.Option("--node", metavar="STEP", help="Only this step.")] = None,
    level: Annotated[
        LogLevel | None, typer.Option("--level", metavar="LEVEL", help="Only this level and above.")
    ] = None,
    since: options.Since = None,
    until: options.Until = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=0, help="Number of last lines; 0 for all.")
    ] = 200,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show the log of a run, or of all runs, oldest line first.

    Times are in the local zone, named in the header; JSON has UTC. --since
    and --until take times as printed, ISO 8601, or an age: 10m, 2h, 3d. A
    time without a date belongs to the day on which the run began.

    --grep searches `name=value` of every field. --follow goes on until the
    run has ended; with --all it waits for new runs too, until Ctrl-C.

    Text leaves out metric, pipeline_plan and snapshot, unless --event names
    them. --format json writes every event, one JSON document a line.

    odibi logs --all --since 1h --level error
    odibi logs --all --follow --grep 'order_id=17\\b'
    """
    kept = record.open_store(store)
    run_id = None if every else record.find(kept, run)
    began = None if run_id is None else record.day_of(kept, run_id)
    as_json = format is options.TextOrJson.json
    wanted = EventFilter(
        event=kinds.canonical(event) if event else None,
        node=node,
        severity=kinds.severity(level) if level else 0,
        since=moment(since, "--since", day=began),
        until=moment(until, "--until", day=began, to_its_end=True),
        hidden=frozenset() if as_json or event else kinds.FOR_MACHINES,
        pattern=_pattern(grep),
    )
    if follow:
        _follow(kept, run_id, run, wanted, limit, lambda found: write_line(found, of_runs=every, as_json=as_json))
        return
    with output.waiting("reading the log"):
        found = _last(kept, run_id, run, wanted, limit)
    if as_json:
        output.write_json_lines(map(to_dict, found))
    elif events := list(found):
        show(events, began or times.local(utc_now()).date(), of_runs=every)
    else:
        output.notice("no event matches the options")


def _pattern(grep: str | None) -> re.Pattern[str] | None:
    try:
        return None if grep is None else re.compile(grep, re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigurationError(f"--grep must be a regular expression, got {grep!r}: {error}") from None


def _last(
    store: RunStore, run_id: str | None, pipeline: str | None, wanted: EventFilter, limit: int
) -> Iterator[Event]:
    """Return the last events that pass the filter, the oldest first."""
    if run_id is not None:
        found = (event for event in record.read(store, run_id) if event in wanted)
        return iter(deque(found, limit)) if limit else found
    return iter(last_of_all(store, pipeline, wanted, limit)) if limit else of_all(store, pipeline, wanted)


def _follow(
    store: RunStore,
    run_id: str | None,
    pipeline: str | None,
    wanted: EventFilter,
    limit: int,
    write: Callable[[Event], None],
) -> None:
    """Write the last lines, then each further line when it is there, until nothing is followed any more."""
    if run_id is not None:
        follower = Follower(store, [run_id])
        earlier: list[Event] = []
    else:
        follower, earlier = _of_all(store, pipeline, wanted, limit)
    first = [event for event in follower.poll() if event in wanted]
    lines = sorted([*earlier, *first], key=lambda event: event.timestamp)
    for event in lines[-limit:] if limit else lines:
        write(event)
    while not follower.is_over:
        sleep(_POLL_S)
        for event in follower.poll():
            if event in wanted:
                write(event)
    record.report(follower.read_errors, "the log")


def _of_all(store: RunStore, pipeline: str | None, wanted: EventFilter, limit: int) -> tuple[Follower, list[Event]]:
    """Return the follower of the running and the new runs, and the last events of the others."""
    slug = None if pipeline is None else safe_name(pipeline, 40)
    follower = Follower(store, [], lambda run_id: slug in (None, pipeline_of(run_id)))
    known = set(follower.known)  # taken before the index is read: no run may begin unseen between the two
    with record.indexed(store) as index:
        running = {row["run_id"] for row in index.runs(RunFilter(pipeline_name=pipeline, status="running"))}
        others = {name for name, _ in index.recent(pipeline)} - running
    follower.add(running)
    # A run that began in between is new to the follower, which reads all of it.
    skipped = running | (others - known)
    return follower, last_of_all(store, pipeline, wanted, limit or _FIRST, skipped)
