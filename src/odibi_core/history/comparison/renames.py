"""Renamed columns, found by their content: type, statistics, frequent values; never by position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, Final

from odibi_core.history.comparison.run_data import list_of

_ALIKE: Final = 0.8
_ALIKE_NAMES: Final = 0.75
Column = Mapping[str, Any]
Columns = Mapping[str, Column]


def renamed(
    removed: Columns, added: Columns, looks_like: Callable[[str, Column], bool] = lambda old, now: False
) -> list[tuple[str, str, str]]:
    """Return pairs of old and new names with the reason, the most alike first; each name once.

    Args:
        removed: The columns of the earlier run alone.
        added: The columns of the later run alone.
        looks_like: A test if a new column has values that an old one had in earlier runs: those of a day differ from
            those of the day before.
    """
    scored = sorted(_scores(removed, added, looks_like), reverse=True)
    found: list[tuple[str, str, str]] = []
    taken: set[tuple[str, str]] = set()
    for _, old, new, how in scored:
        if ("old", old) not in taken and ("new", new) not in taken:
            taken |= {("old", old), ("new", new)}
            found.append((old, new, how))
    return found


def _scores(
    removed: Columns, added: Columns, looks_like: Callable[[str, Column], bool]
) -> Iterator[tuple[float, str, str, str]]:
    for old, was in removed.items():
        for new, now in added.items():
            if was["type"] != now["type"]:
                continue
            content = alike(was, now)
            names = SequenceMatcher(None, old.casefold(), new.casefold()).ratio()
            if content is None:
                if names >= _ALIKE_NAMES:
                    yield names / 10, old, new, "by its name: neither has statistics"
            elif content + 0.1 * names >= _ALIKE + 0.03:
                yield content + 0.1 * names, old, new, f"{content:.0%} alike in content"
            elif names >= _ALIKE_NAMES and looks_like(old, now):
                yield 0.5 + names / 10, old, new, "a like name, and values as in the earlier runs"


def alike(was: Mapping[str, Any], now: Mapping[str, Any]) -> float | None:
    """Return how alike the contents of two columns are, 0 to 1; None without statistics."""
    if not was.get("rows_sampled") or not now.get("rows_sampled"):
        return None
    parts = [1 - min(1.0, 5 * abs((was["null_share"] or 0) - (now["null_share"] or 0)))]
    parts += _numbers(was, now) or _texts(was, now)
    if was["distinct"] is not None and now["distinct"] is not None:
        parts.append(_ratio(was["distinct"] + 1, now["distinct"] + 1))
    return sum(parts) / len(parts) if len(parts) > 1 else None


def _numbers(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[float]:
    names = ("mean", "q05", "q25", "median", "q75", "q95")
    pairs = [(was[name], now[name]) for name in names if was.get(name) is not None and now.get(name) is not None]
    if not pairs:
        return []
    edges = [row[name] for row in (was, now) for name in ("q05", "q95") if row.get(name) is not None]
    deviations = [row["deviation"] for row in (was, now) if row.get("deviation")]
    width = max([max(edges) - min(edges) if edges else 0.0, *deviations]) or abs(pairs[0][0]) or 1.0
    return [1 - min(1.0, 4 * abs(a - b) / width) for a, b in pairs]


def _texts(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[float]:
    parts = []
    tops = [{str(pair[0]): pair[1] for pair in list_of(row["top"]) if len(pair) == 2} for row in (was, now)]
    if all(tops):
        first, second = (_shares(top) for top in tops)
        parts.append(sum(min(first.get(value, 0.0), share) for value, share in second.items()))
    if was.get("length_mean") and now.get("length_mean"):
        parts.append(_ratio(was["length_mean"], now["length_mean"]))
    if not parts and was.get("min") is not None:
        parts.append(float(was["min"] == now.get("min")) / 2 + float(was["max"] == now.get("max")) / 2)
    return parts


def _shares(top: Mapping[str, Any]) -> dict[str, float]:
    whole = sum(count for count in top.values() if isinstance(count, int | float)) or 1
    return {value: count / whole for value, count in top.items()}


def _ratio(a: float, b: float) -> float:
    return min(a, b) / max(a, b) if a > 0 and b > 0 else 0.0
