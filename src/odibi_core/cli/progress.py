"""The progress of a run on stderr: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from odibi_core.cli import output
from odibi_core.cli.steps_table import steps_table, worth_showing
from odibi_core.events import Event, kinds
from odibi_core.events.clock import monotonic, utc_now
from odibi_core.logs.program_logger import is_logged
from odibi_core.sinks.console import ConsoleSink
from odibi_core.views.answers import Timeline
from odibi_core.views.timeline import TimelineView

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_EVERY_S: Final = 0.1
_SHARE: Final = 20
"""Drawing takes at most 1/20 of the time, so that it does not slow a pipeline of thousands of steps."""
_BESIDE: Final = 6
"""Lines of the terminal that are not steps."""


class Progress(Protocol):
    """A sink that shows the progress of a run while it is entered."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, *_: object) -> None: ...
    def __call__(self, event: Event, /) -> None: ...


def new_progress() -> Progress:
    """Return the progress that fits stderr."""
    on = output.console(sys.stderr)
    return LiveProgress(on) if output.is_live(on) else PlainProgress()


class PlainProgress(AbstractContextManager["PlainProgress"]):
    """A line for each event, as `sinks.console` writes it.

    Checks that passed have none, and lines that the log of the program writes to stderr by itself are not repeated.
    """

    def __init__(self) -> None:
        self._sink = ConsoleSink(sys.stderr)

    def __call__(self, event: Event) -> None:
        if (event.event_type == kinds.CHECK_RESULT and event.status == "success") or is_logged(event):
            return
        self._sink(_brief(event))

    def __exit__(self, *_: object) -> None:
        pass


class LiveProgress(AbstractContextManager["LiveProgress"]):
    """A live table of the steps and a bar; it is erased at the end, because the summary repeats it."""

    def __init__(self, on: Console) -> None:
        from rich.live import Live

        self._on = on
        self._view = TimelineView()
        self._drawn: RenderableType = ""
        self._due = 0.0
        self._live = Live(
            console=on, get_renderable=self._draw, transient=True, refresh_per_second=1 / _EVERY_S,
            redirect_stdout=sys.stdout.isatty(), redirect_stderr=True, vertical_overflow="crop",
        )  # fmt: skip

    def __call__(self, event: Event) -> None:
        self._view(event)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _draw(self) -> RenderableType:
        now = monotonic()
        if now >= self._due:
            self._drawn = draw(self._view.answer(), self._on)
            self._due = now + (monotonic() - now) * _SHARE
        return self._drawn


_BRIEF: Final = frozenset(
    {kinds.PIPELINE_START, kinds.PIPELINE_COMPLETE, kinds.PIPELINE_ERROR, kinds.NODE_START, kinds.NODE_COMPLETE,
     kinds.NODE_FAILED, kinds.NODE_RETRY, kinds.NODE_SKIPPED, kinds.CHECK_RESULT}
)  # fmt: skip
"""Events shown by message and figures alone; events of the user's code are shown with all fields."""


def _brief(event: Event) -> Event:
    """Return the event without the fields that the summary, the story and the log have."""
    if event.event_type not in _BRIEF:
        return event
    kind = {"error_type": event.fields["error_type"]} if "error_type" in event.fields else {}
    plain = {"layer": None, "engine": None, "status": None, "cache_hit": None, "metadata": None}
    return msgspec.structs.replace(event, fields=kind, **plain)


def draw(run: Timeline, on: Console) -> RenderableType:
    """Return the answer of a `TimelineView` as a table that fits the height of the terminal."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    if run.start is None:
        return output.styled("starting", "dim")
    counts = run.counts
    done = counts["success"] + counts["failed"] + counts["skipped"]
    shown = worth_showing(run.nodes, on.height - _BESIDE)
    below = Table.grid(padding=(0, 2, 0, 0))
    bar = ProgressBar(
        total=max(1, run.total), completed=done, width=min(40, max(10, on.width // 3)),
        complete_style="red" if counts["failed"] else "green", finished_style="red" if counts["failed"] else "green",
    )  # fmt: skip
    facts = [f"{done:,} of {run.total:,} steps", _elapsed(run.start)]
    facts += [f"{counts[state]:,} {state}" for state in ("failed", "skipped") if counts[state]]
    below.add_row(bar, output.styled(output.joined(facts, on)))
    hidden = len(run.nodes) - len(shown)
    more = [output.styled(f"and {hidden:,} more steps", "dim")] if hidden > 0 else []
    title = output.styled(run.pipeline_name or "pipeline", "bold")
    return Group(title, steps_table(shown, on), *more, "", below)


def _elapsed(start: datetime) -> str:
    return output.duration(max(0.0, (utc_now() - start).total_seconds() * 1e3))
