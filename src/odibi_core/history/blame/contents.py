"""The contents of frames in two runs: the same, another, or unknown; and what kind of change their statistics show."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from odibi_core.events.clock import read_iso
from odibi_core.history.blame.signals import Signal
from odibi_core.history.comparison.run_data import FrameKey, RunData, list_of

State = Literal["same", "other", "unknown"]
_STATS: Final = (
    "rows_sampled", "nulls", "distinct", "min", "max", "mean", "deviation", "q05", "q25", "median", "q75", "q95", "top",
    "length_min", "length_mean", "length_max",
)  # fmt: skip
_SCALED: Final = ("mean", "q05", "q25", "median", "q75", "q95", "deviation")
_ALIKE: Final = 0.01
_LONGEST_SHIFT_S: Final = 14 * 3600
_QUARTER_S: Final = 900
Column = Mapping[str, Any]


class Contents:
    """The frames that both runs made, compared by their statistics."""

    def __init__(self, before: RunData, after: RunData) -> None:
        self._before, self._after = before, after
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
                    node=key[0], effect="values", text=text, size=len(changed) / len(now), is_notable=False,
                    column=changed[0] if len(changed) == 1 else None,
                )  # fmt: skip

    def _of_frame(self, key: FrameKey, was: dict[str, Any], now: dict[str, Any]) -> Iterator[Signal]:
        for name, new in now.items():
            old = was.get(name)
            if old is None or not old["rows_sampled"] or not new["rows_sampled"]:
                continue
            label = f"{key[1] or key[0]}.{name}"
            if (factor := _factor(old, new)) is not None:
                text = f"{label}: every quantile is {factor:.4g} times what it was"
                yield Signal(node=key[0], effect="unit", text=text, size=0.5, column=name, factor=factor)
            elif (shift := _shift(old, new)) is not None:
                text = f"{label}: the first and the last time are {_hours(shift)} than before"
                yield Signal(node=key[0], effect="zone", text=text, size=0.5, column=name)
            elif (pair := _recoded(old, new)) is not None:
                text = f"{label}: {pair[1]!r:.40} stands for {pair[0]!r:.40}, in another encoding"
                yield Signal(node=key[0], effect="encoding", text=text, size=0.5, column=name)

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


def _factor(was: Column, now: Column) -> float | None:
    """Return the factor by which all quantiles of a column were multiplied; None if there is no single one.

    The largest number of a column that counts the rows is another one if there are fewer of them.
    """
    if not math.isclose(was["rows_sampled"], now["rows_sampled"], rel_tol=_ALIKE):
        return None
    if was["type"] != now["type"] and not {was["type"], now["type"]} <= {"Int64", "Float64", "Float32", "Int32"}:
        return None
    pairs = [(was[name], now[name]) for name in _SCALED]
    if any(a is None or b is None for a, b in pairs):
        return None
    ratios = [b / a for a, b in pairs if a]
    if len(ratios) < 4 or any(bool(a) != bool(b) for a, b in pairs):
        return None
    factor = ratios[0]
    alike = all(math.isclose(ratio, factor, rel_tol=_ALIKE) for ratio in ratios)
    return factor if alike and not 0.95 < factor < 1.05 and factor != 0 else None


def _shift(was: Column, now: Column) -> float | None:
    """Return the seconds by which the first and the last time of a column were moved, as another zone moves them."""
    ends = [[_time(row[name]) for name in ("min", "max")] for row in (was, now)]
    if any(end is None for pair in ends for end in pair):
        return None
    low, high = ((b - a).total_seconds() for a, b in zip(*ends, strict=True) if a is not None and b is not None)
    is_zone = low == high and low % _QUARTER_S == 0 and 0 < abs(low) <= _LONGEST_SHIFT_S
    return low if is_zone else None


def _time(value: Any) -> datetime | None:
    """Return a time of day on a date; None for a date alone, and for a number."""
    is_time = isinstance(value, str) and len(value) >= len("2026-01-01T00") and "-" in value[1:]
    return read_iso(value) if is_time else None


def _hours(seconds: float) -> str:
    return f"{abs(seconds) / 3600:g} h {'later' if seconds > 0 else 'earlier'}"


_CODECS: Final = (("latin-1", "utf-8"), ("cp1252", "utf-8"), ("utf-8", "latin-1"), ("utf-8", "cp1252"))
"""Pairs: a text is read in the first encoding, and was written in the second one."""
_UNREADABLE: Final = "\ufffd"


def _recoded(was: Column, now: Column) -> tuple[str, str] | None:
    """Return a text of before and the one that stands for it now, if one of them was read in the wrong encoding."""
    old, new = (_texts(row) for row in (was, now))
    for text in sorted(old - new):
        if text.isascii():
            continue
        for value in sorted(new - old):
            if _UNREADABLE in value or any(_read_as(text, *codecs) == value for codecs in _CODECS):
                return text, value
    return None


def _read_as(text: str, reader: str, writer: str) -> str | None:
    try:
        return text.encode(writer).decode(reader)
    except UnicodeError:
        return None


def _texts(row: Column) -> set[str]:
    pairs = [pair for pair in list_of(row["top"]) if isinstance(pair, list) and pair]
    return {value for value, *_ in pairs if isinstance(value, str)} | {
        value for name in ("min", "max") if isinstance(value := row[name], str) and row["mean"] is None
    }
