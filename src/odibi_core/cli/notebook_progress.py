"""The progress of runs in a notebook: one display a run, which is replaced while the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Signal
from threading import Lock, Thread
from typing import Any, Final

from odibi_core.cli.steps_table import worth_showing
from odibi_core.errors import STOPS
from odibi_core.events import Event, kinds
from odibi_core.events.clock import monotonic, new_id, utc_now
from odibi_core.views.answers import Node, Timeline
from odibi_core.views.cards import Card, Section, Table, html, plain
from odibi_core.views.run_head import CLOSING
from odibi_core.views.timeline import TimelineView
from odibi_core.views.wording import and_more, count, duration, plural

_EVERY_S: Final = 0.5
"""A shorter run shows nothing while it runs."""
_SHARE: Final = 20
"""Drawing takes at most 1/20 of the time."""
_MOST_STEPS: Final = 15
_MOST_RUNS: Final = 20
"""Runs that are followed at the same time: a loop may start many."""
_WITHIN_S: Final = 2.0
_BAR: Final = 20
_KINDS: Final = frozenset({kinds.PIPELINE_START, kinds.PIPELINE_PLAN, kinds.NODE_START, kinds.NODE_COMPLETE,
                           kinds.NODE_FAILED, kinds.NODE_SKIPPED, kinds.NODE_RETRY, kinds.TASK, *CLOSING})  # fmt: skip
_ENDED: Final = {"success": "succeeded", "failed": "failed", "cancelled": "was cancelled", "lost": "was lost"}

Publish = Callable[..., Any]
"""`display_pub.publish` of a shell of IPython."""


class NotebookProgress:
    """A sink of all events of the process, which draws the runs among them.

    Args:
        publish: Shows data in the notebook.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._runs: dict[str, _RunDisplay] = {}
        self._owned: dict[str, bool] = {}

    def own(self, run_id: str, *, quiet: bool) -> None:
        """Leave the end of a run to the code that calls `end`, and show nothing of a quiet one."""
        self._owned[run_id] = quiet

    def end(self, run_id: str, card: Card | None) -> None:
        """Replace the progress of a run by its card."""
        self._owned.pop(run_id, None)
        display = self._runs.pop(run_id, None) or _RunDisplay(run_id, self._publish)
        display.end()
        if card is not None:
            display.show(card)

    def __call__(self, event: Event) -> None:
        """Take an event; the first one of a run begins its display, and the last one ends it."""
        run_id, kind = event.run_id, event.event_type
        if run_id is None or kind not in _KINDS:
            return
        display = self._runs.get(run_id)
        if display is None:
            if kind != kinds.PIPELINE_START or self._owned.get(run_id) or len(self._runs) >= _MOST_RUNS:
                return
            display = self._runs[run_id] = _RunDisplay(run_id, self._publish)
            display.begin()
        display.view(event)
        if kind in CLOSING:
            display.end()
            if run_id not in self._owned:
                del self._runs[run_id]
                if display.is_shown:
                    display.show(_final(display.view.answer()))


class _RunDisplay:
    """The display of one run, drawn by a thread of its own, because a step may run for long without an event."""

    def __init__(self, run_id: str, publish: Publish) -> None:
        self.view = TimelineView(run_id)
        self.is_shown = False
        self._publish, self._id = publish, new_id()
        self._over, self._lock = Signal(), Lock()
        self._thread = Thread(target=self._follow, name="odibi-notebook", daemon=True)

    def begin(self) -> None:
        """Begin to draw."""
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be started at the end of the interpreter
            pass

    def end(self) -> None:
        """Draw no more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(_WITHIN_S)

    def show(self, card: Card) -> None:
        """Show a card in place of what was shown before."""
        with self._lock:
            data = {"text/html": html.render(card), "text/plain": plain.render(card)}
            self._publish(data=data, metadata={}, transient={"display_id": self._id}, update=self.is_shown)
            self.is_shown = True

    def _follow(self) -> None:
        pause = _EVERY_S
        while not self._over.wait(pause):
            began = monotonic()
            try:
                self.show(_running(self.view.answer()))
            except STOPS:
                raise
            except BaseException:  # the run goes on without its progress
                return
            pause = max(_EVERY_S, _SHARE * (monotonic() - began))


def _running(run: Timeline) -> Card:
    """Return the card of a run that goes on: a bar, and the steps that matter most."""
    shown = worth_showing(run.nodes, _MOST_STEPS)
    done = _done(run)
    filled = _BAR * done // max(1, run.total)
    table = Table(
        ("Step", "State", "Rows", "Duration"), [_row(node) for node in shown], right=("Rows", "Duration"),
        more=and_more(len(run.nodes) - len(shown), "step"),
    )  # fmt: skip
    took = duration((utc_now() - run.start).total_seconds() * 1e3) if run.start else ""
    return Card(
        title=f"{run.pipeline_name or 'pipeline'} is running",
        tone="bad" if run.counts["failed"] else "running",
        facts=[f"{'█' * filled}{'░' * (_BAR - filled)} {done:,} of {plural(run.total, 'step')}", took],
        sections=[Section(table=table)] if shown else [],
    )


def _done(run: Timeline) -> int:
    return run.counts["success"] + run.counts["failed"] + run.counts["skipped"]


def _row(node: Node) -> tuple[str, ...]:
    took = node.duration_ms
    if node.state == "running" and node.start is not None:
        took = (utc_now() - node.start).total_seconds() * 1e3
    state = (node.error or "failed").strip().partition("\n")[0] if node.state == "failed" else node.state
    return node.node_name, state, count(node.row_count), duration(took)


def _final(run: Timeline) -> Card:
    """Return one line about a run that has ended; its result has the rest."""
    return Card(
        title=f"{run.pipeline_name or 'pipeline'} {_ENDED.get(run.status, run.status)} in {duration(run.duration_ms)}",
        tone="good" if run.status == "success" else "bad",
        facts=[f"{run.counts['success']:,} of {plural(run.total, 'step')}"],
    )
