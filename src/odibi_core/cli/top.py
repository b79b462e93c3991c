"""`odibi top`: all runs of a store that run now, refreshed each second."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from odibi_core.cli import options, output, record
from odibi_core.cli.times import moment
from odibi_core.events.clock import iso, monotonic, utc_now

if TYPE_CHECKING:
    from odibi_core.cli.keyboard import Keyboard
    from odibi_core.cli.top_screen import Screen
    from odibi_core.history.live import LiveRuns

_EVERY_S: Final = 1.0
_SHARE: Final = 10
"""Reading and drawing take at most a tenth of the time: a store of many live runs is refreshed less often."""


def top(
    pipeline: options.Pipeline = None,
    since: Annotated[
        str, typer.Option("--since", metavar="WHEN", help="Runs that ended since then too.")
    ] = "10m",
    once: Annotated[bool, typer.Option("--once", help="Show them once, and end.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:  # fmt: skip
    """Show the runs that run now, in any process or on any host.

    For each run its time against the usual one, its steps, the open ones
    with their time, rows, memory and errors. A run whose process died is
    lost; one without an event for a minute is quiet.

    Keys: up and down choose a run, Enter shows its open steps and its log,
    q ends. In a pipe, and with --once or --format json, it shows the runs
    once and ends. Of a shared store the runs of other hosts are as old as
    what these have shipped.

    odibi top
    odibi top nightly --once --format json
    """
    from odibi_core.cli.shared_store import address_of, kept_fresh
    from odibi_core.cli.top_screen import Screen, show_once
    from odibi_core.history.live import LiveRuns

    begin = moment(since, "--since")
    assert begin is not None
    kept = record.open_store(store)
    place, on = str(address_of(store) or kept.root), output.console()
    with output.waiting("reading the runs"):
        live = LiveRuns(kept, utc_now() - begin, pipeline)
        runs = live.poll()
    if format is options.TextOrJson.json:
        document: dict[str, Any] = {"store": place, "at": iso(utc_now())}
        output.write_json({**document, "runs": [run.as_dict() for run in runs]})
    elif once or not output.is_live(on):
        show_once(runs, place, on)
    else:
        with kept_fresh(store) as problem:
            _watch(live, Screen(live, place, on, problem))
    record.report(live.read_errors, "the runs")


def _watch(live: LiveRuns, screen: Screen) -> None:
    """Draw the screen until `q` or Ctrl-C."""
    from rich.live import Live

    from odibi_core.cli.keyboard import Keyboard

    drawing = Live(console=screen.on, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    with _ends_by_sigterm(), Keyboard() as keys:
        screen.has_keys = keys.has_keys
        try:
            with drawing:
                while True:
                    began = monotonic()
                    screen.runs = live.poll()
                    drawing.update(screen.draw(), refresh=True)
                    if not _answer_keys(screen, drawing, keys, max(_EVERY_S, _SHARE * (monotonic() - began))):
                        return
        except KeyboardInterrupt:
            return


def _answer_keys(screen: Screen, drawing: Any, keys: Keyboard, within_s: float) -> bool:
    """Handle keys until the next refresh is due; return False if one of them ends the command."""
    until = monotonic() + within_s
    while (left := until - monotonic()) > 0:
        key = keys.read(left)
        if key in ("q", "Q"):
            return False
        if key is not None and screen.press(key):
            drawing.update(screen.draw(), refresh=True)
    return True


@contextmanager
def _ends_by_sigterm() -> Iterator[None]:
    """Leave the screen as it was before if the process is terminated."""

    def end(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
