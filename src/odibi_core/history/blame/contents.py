"""The contents of frames in two runs: the same, another, or unknown; and what kind of change their statistics show."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, Literal

from odibi_core.history.blame.forms import Column, change_of_form, moved_clock
from odibi_core.history.blame.signals import Signal
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import FrameKey, RunData

State = Literal["same", "other", "unknown"]
_ENOUGH: Final = 5
"""Earlier runs of one content from which on another one is no coincidence."""
_STATS: Final = (
    "rows_sampled", "nulls", "distinct", "min", "max", "mean", "deviation", "q05", "q25", "median", "q75", "q95", "top",
    "length_min", "length_mean", "length_max",
)  # fmt: skip


class Contents:
    """The frames that both runs made, compared by their statistics."""

    def __init__(self, before: RunData, after: RunData, noise: Noise | None = None) -> None:
        self._before, self._after = before, after
        self._noise = noise or Noise()
        keys = before.frames.keys() | after.frames.keys()
        self._states: dict[FrameKey, State] = {key: self._state(key) for key in keys}

    def of_step(self, node: str) -> State:
        """Return whether all that a step made is the same; unknown if it made nothing that was described."""
        return _together([state for key, state in self._states.items() if key[0] == node])

    def of_inputs(self, node: str) -> State:
        """Return whether all that a step took is the same; unknown for a step that takes nothing."""
        return _together([self.of_step(name) for name in self._after.depends_on.get(node, ())])

    def signals(self) -> Iterator[Signal]:
        """Yield a signal for each column that was scaled, shifted in time, written otherwise, or is another one."""
        for key, now in self._after.columns.items():
            was = self._before.columns.get(key)
            if was is None or self._states.get(key) != "other":
                continue
            yield from self._of_frame(key, was, now)
            changed = sorted(name for name in now if name in was and _compared(was[name], now[name]) == "other")
            if changed:
                shown = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
                text = f"{key[1] or key[0]}: other values in {shown}"
                yield Signal(
                    node=key[0], effect="values", text=text, size=len(changed) / len(now),
                    is_notable=self._was_constant(key), column=changed[0] if len(changed) == 1 else None,
                )  # fmt: skip

    def _was_constant(self, key: FrameKey) -> bool:
        """Return whether a source had one content in all earlier runs."""
        earlier = self._noise.contents(*key)
        return not self._after.depends_on.get(key[0]) and len(earlier) >= _ENOUGH and len(set(earlier)) == 1

    def _of_frame(self, key: FrameKey, was: dict[str, Any], now: dict[str, Any]) -> Iterator[Signal]:
        for name, new in now.items():
            old = was.get(name)
            if old is None or not old["rows_sampled"] or not new["rows_sampled"]:
                continue
            found = change_of_form(old, new) or moved_clock(old, new, *self._earlier_ends(key, name))
            if found is not None:
                text = f"{key[1] or key[0]}.{name}: {found.text}"
                yield Signal(node=key[0], effect=found.effect, text=text, size=0.5, column=name, factor=found.factor)

    def _earlier_ends(self, key: FrameKey, name: str) -> tuple[list[float], list[float]]:
        """Return the first and the last values of a column in the earlier runs."""
        column = (*key, name)
        return self._noise.statistics(column, "min"), self._noise.statistics(column, "max")

    def _state(self, key: FrameKey) -> State:
        was, now = self._before.frames.get(key), self._after.frames.get(key)
        if was is None or now is None:
            return "unknown"
        if was["row_count"] != now["row_count"] or was["schema_hash"] != now["schema_hash"]:
            return "other"
        old, new = self._before.columns.get(key, {}), self._after.columns.get(key, {})
        if old.keys() != new.keys() or was["row_count"] is None:
            return "unknown"
        return _together([_compared(old[name], new[name]) for name in old])


def _together(states: Collection[State]) -> State:
    """Return the state of a whole by those of its parts: other if one is, unknown without any part."""
    if "other" in states:
        return "other"
    return "unknown" if not states or "unknown" in states else "same"


def _compared(was: Column, now: Column) -> State:
    """Return whether a column is the same by its statistics; unknown if these are of other rows, or missing in one run.

    Statistics are left out if computing them takes too long, which depends on the machine.
    """
    rows = was["rows_sampled"], now["rows_sampled"]
    if was["type"] != now["type"]:
        return "other"
    if not all(rows) or rows[0] != rows[1]:
        return "unknown"
    pairs = [(was[name], now[name]) for name in _STATS]
    if any(a != b for a, b in pairs if a is not None and b is not None):
        return "other"
    is_described = was["distinct"] is not None or was["nulls"] == was["rows_sampled"]
    return "same" if is_described and all((a is None) == (b is None) for a, b in pairs) else "unknown"
