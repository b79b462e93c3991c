"""The screen of `odibi top`: a table of the live runs, and the open steps and the log of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from odibi_core.cli import keyboard, output, times
from odibi_core.cli.log_lines import event_text
from odibi_core.events.clock import utc_now
from odibi_core.history.live import QUIET_S, LiveRun, LiveRuns, OpenStep
from odibi_core.views.wording import and_more, short_id, size

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

_WIDE: Final = 110
"""Columns with room for run, host, rows, memory and a bar."""
_NARROW: Final = 70
"""Columns without room for the id of the run."""
_BESIDE: Final = 7
"""Lines of the list that are no runs, and lines of one run that are neither steps nor log."""
_BAR: Final = 10
_LONG: Final = 1.5
"""The share of the usual duration from which on it is marked."""
_STATES: Final = {
    "success": "succeeded", "failed": "failed", "cancelled": "cancelled", "lost": "lost: its process died",
}  # fmt: skip
_BLOCKS: Final = ("█", "░")
_PLAIN_BLOCKS: Final = ("#", ".")


class Screen:
    """The state of the screen: the chosen run, and whether its steps are shown.

    Args:
        live: The live runs, for the log of one.
        place: The name of the store.
        on: The terminal.
        problem: Returns the reason why runs of other hosts may be missing; empty for none.
    """

    def __init__(self, live: LiveRuns, place: str, on: Console, problem: Callable[[], str]) -> None:
        self.runs: list[LiveRun] = []
        self.on = on
        self.has_keys = True
        self._live, self._place, self._problem = live, place, problem
        self._chosen: str | None = None
        self._is_open = False

    def press(self, key: str) -> bool:
        """Handle a key; return whether the screen is another one then."""
        if key in (keyboard.UP, keyboard.DOWN) and self.runs:
            place = self._place_of_chosen() + (1 if key == keyboard.DOWN else -1)
            self._chosen = self.runs[min(max(0, place), len(self.runs) - 1)].run_id
        elif key == keyboard.ENTER and self.runs:
            self._chosen = self.runs[self._place_of_chosen()].run_id
            self._is_open = not self._is_open
        elif key == keyboard.BACK:
            self._is_open = False
        else:
            return False
        return True

    def _place_of_chosen(self) -> int:
        """Return the place of the chosen run, which stays chosen when others begin and end."""
        return next((place for place, run in enumerate(self.runs) if run.run_id == self._chosen), 0)

    def draw(self) -> RenderableType:
        """Return the screen, as high as the terminal."""
        from rich.console import Group

        parts: list[RenderableType] = [output.cell(heading(self.runs, self._place, self.on), "bold"), ""]
        if self._is_open and self.runs:
            parts += self._one(self.runs[self._place_of_chosen()])
        elif self.runs:
            parts += self._all()
        else:
            parts.append(output.styled("no run is live; it appears here when it begins", "dim"))
        if problem := self._problem():
            parts.append(output.cell(problem, "yellow"))
        return Group(*parts)

    def _keys(self) -> RenderableType:
        words = "esc all runs" if self._is_open else "up/down choose   enter steps and log"
        return output.cell(f"{words}   q quit" if self.has_keys else "Ctrl-C quits", "dim")

    def _all(self) -> Iterator[RenderableType]:
        room = max(1, self.on.height - _BESIDE)
        place = self._place_of_chosen()
        first = max(0, min(place - room // 2, len(self.runs) - room))
        shown = self.runs[first : first + room]
        yield runs_table(shown, self.on, chosen=self.runs[place].run_id if self.has_keys else None)
        if more := and_more(len(self.runs) - len(shown), "run"):
            yield output.styled(more, "dim")
        yield from ("", self._keys())

    def _one(self, run: LiveRun) -> Iterator[RenderableType]:
        yield runs_table([run], self.on)
        facts = [run.run_id, f"{run.host or 'unknown host'}, process {run.pid or 'unknown'}"]
        if run.memory_mb is not None:
            facts.append(_memory(run))
        yield output.cell(output.joined(facts, self.on), "dim")
        if run.error:
            yield output.cell(run.error.strip().partition("\n")[0], "red")
        room = max(3, self.on.height - _BESIDE - (2 if run.error else 1))
        steps = run.open_steps[: max(1, room // 2)]
        room -= len(steps)
        if steps:
            yield from ("", _steps_table(steps))
            room -= 2
            if more := and_more(len(run.open_steps) - len(steps), "open step"):
                yield output.styled(more, "dim")
                room -= 1
        lines = self._live.lines(run.run_id)[-max(1, room - 1) :]
        yield ""
        for event in lines:
            style = output.STYLES.get(event.level, "")
            yield output.cell(f"{times.local(event.timestamp):%H:%M:%S}  {event_text(event)}", style)
        yield from ("", self._keys())


def heading(runs: Sequence[LiveRun], place: str, on: Console) -> str:
    """Return the numbers of runs, the store and the time in one line."""
    running = sum(run.status == "running" for run in runs)
    ended = len(runs) - running
    parts = [f"{running:,} running", *([f"{ended:,} ended"] if ended else []), f"{times.local(utc_now()):%H:%M:%S}"]
    return output.joined(["odibi top", *parts, place], on)


def show_once(runs: Sequence[LiveRun], place: str, on: Console) -> None:
    """Write the runs as a table, with every column in a pipe."""
    if not runs:
        output.notice(f"no run is live in {place}; --since 1d shows those that ended")
        return
    output.write(on, output.styled(heading(runs, place, on), "bold"), runs_table(runs, on))


def runs_table(runs: Sequence[LiveRun], on: Console, chosen: str | None = None) -> Table:
    """Return a row for each run; a narrow terminal has fewer columns.

    Args:
        runs: The runs.
        on: The terminal.
        chosen: The run whose row is marked.
    """
    wide, with_run = on.width >= _WIDE, on.width >= _NARROW
    figures = ("Rows", "Memory") if wide else ()
    usual = "Of usual"
    made = output.table(
        "", "Pipeline", *(["Run"] if with_run else []), *(["Host"] if wide else []), "Time", usual, "Steps", *figures,
        "Errors", "Now",
        right=("Time", "Steps", *figures, "Errors"), whole=("Run", usual),
    )  # fmt: skip
    for run in runs:
        is_chosen = run.run_id == chosen
        style = output.STYLES.get(run.status, "")
        errors = output.cell(f"{run.errors:,}" if run.errors else "", "red")
        made.add_row(
            output.cell(output.sign(run.status, on), style),
            output.cell(run.pipeline_name or "?", "bold"),
            *([output.cell(short_id(run.run_id), "dim")] if with_run else []),
            *([output.cell(_host(run))] if wide else []),
            _time(run),
            _of_usual(run, on, with_bar=wide),
            f"{run.done:,}/{run.steps:,}",
            *((output.count(_rows(run)), _memory(run)) if wide else ()),
            errors,
            output.cell(*_now(run)),
            style="reverse" if is_chosen else None,
        )
    return made


def _time(run: LiveRun) -> str:
    """Return the time of a run; of a lost one the time until its last event, after which it died."""
    took = output.duration(run.elapsed_ms)
    return f"> {took}" if run.status == "lost" and took else took


def _host(run: LiveRun) -> str:
    host = "here" if run.is_here else run.host or "?"
    return host if run.pid is None else f"{host}:{run.pid}"


def _rows(run: LiveRun) -> int | None:
    return run.rows_published if run.rows_published is not None else run.rows_read


def _memory(run: LiveRun) -> str:
    return "" if run.memory_mb is None else size(int(run.memory_mb * 2**20))


def _of_usual(run: LiveRun, on: Console, *, with_bar: bool) -> RenderableType:
    """Return the time as a share of the usual one; of a run that has ended or is the first, nothing."""
    share = run.share
    if share is None or run.status != "running":
        return output.cell("" if run.status != "running" else "not known", "dim")
    words, style = f"{share:.0%}", "yellow" if share > _LONG else ""
    if not with_bar:
        return output.cell(words, style)
    full, empty = _BLOCKS if output.is_unicode(on) else _PLAIN_BLOCKS
    filled = min(_BAR, int(_BAR * share))
    return output.cell(f"{full * filled}{empty * (_BAR - filled)} {words:>5}", style)


def _now(run: LiveRun) -> tuple[str, str]:
    """Return the longest open step of a run, or its end, and the style of that."""
    if run.status != "running":
        reason = (run.error or "").strip().partition("\n")[0]
        is_bad = run.status == "failed" and reason
        return (f"failed: {reason}" if is_bad else _STATES.get(run.status, run.status)), output.STYLES[run.status]
    quiet = f"quiet for {output.duration(run.quiet_s * 1e3)}" if run.quiet_s and run.quiet_s > QUIET_S else ""
    first, others = next(iter(run.open_steps), None), len(run.open_steps) - 1
    step = "" if first is None else f"{first.name} {output.duration(first.elapsed_ms)}{f' +{others}' if others else ''}"
    return ", ".join(filter(None, (quiet, step))), "yellow" if quiet else ""


def _steps_table(steps: Sequence[OpenStep]) -> Table:
    made = output.table("Open step", "Layer", "Time", "Usually", "Worker", right=("Time", "Usually"))
    for step in steps:
        is_long = step.usual_ms is not None and (step.elapsed_ms or 0.0) > _LONG * step.usual_ms
        attempt = f", attempt {step.attempts}" if (step.attempts or 1) > 1 else ""
        made.add_row(
            output.cell(f"{step.name}{attempt}", "bold"),
            output.cell(step.layer or "", "dim"),
            output.cell(output.duration(step.elapsed_ms), "yellow" if is_long else ""),
            output.duration(step.usual_ms) or "not known",
            output.cell(step.worker or "", "dim"),
        )
    return made
