"""Differences in the values of columns, by their statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from odibi_core.history.comparison.difference import Difference
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import FrameKey, RunData, list_of

_CERTAIN: Final = 4.0
"""Standard errors by which a share or a mean must differ."""
_SHARE: Final = 0.03
_SHIFT: Final = 0.3
_NEW_CATEGORY: Final = 0.03
_OTHER_SHARE: Final = 0.1
_DISTINCT: Final = 1.8
Column = Mapping[str, Any]


def values(before: RunData, after: RunData, noise: Noise, not_compared: list[str]) -> Iterator[Difference]:
    """Yield the columns whose values differ by more than the noise of their rows."""
    without = 0
    for key in before.columns.keys() & after.columns.keys():
        for name in before.columns[key].keys() & after.columns[key].keys():
            was, now = before.columns[key][name], after.columns[key][name]
            if not was["rows_sampled"] or not now["rows_sampled"]:
                without += 1
            else:
                yield from _column(key, name, (was, now), noise)
    if without:
        not_compared.append(f"the values of {without} columns: at least one run has no statistics of them")


def _column(key: FrameKey, name: str, rows: tuple[Column, Column], noise: Noise) -> Iterator[Difference]:
    was, now = rows
    first = (_nulls(was, now), _mean(was, now), _categories(was, now) or _share(was, now), _distinct(was, now))
    found = [each for each in first if each]
    found = found or [each for each in (_form(was, now), _range(was, now), _length(was, now)) if each]
    for kind, message, magnitude, old, new in found:
        dataset = key[1] or key[0]
        yield Difference(
            family="values", kind=kind, node=key[0], dataset=dataset, column=name, before=old, after=new,
            magnitude=min(1.0, magnitude), message=f"{dataset}.{name}: {message}",
            is_notable=not _is_usual(kind, (*key, name), (old, new), noise),
        )  # fmt: skip


def _is_usual(kind: str, column: tuple[str, str, str], values: tuple[Any, Any], noise: Noise) -> bool:
    """Return whether earlier runs differed as much."""
    was, now = values
    statistic = {"nulls": "null_share", "mean": "mean", "distinct": "distinct", "length": "length_mean"}.get(kind)
    if statistic is not None:
        return noise.statistic_is_usual(column, statistic, was, now) is True
    if kind == "range":
        return all(
            noise.statistic_is_usual(column, name, a, b) is True
            for name, a, b in zip(("min", "max"), was, now, strict=True)
        )
    if kind == "share":
        return noise.share_is_usual(column, str(now[0]), now[1]) is True
    if kind == "categories":
        known = noise.usual_categories(column)
        return noise.varies(column) or (known is not None and set(now) <= known and not was)
    return noise.varies(column)


Found = tuple[str, str, float, Any, Any]


def _nulls(was: Column, now: Column) -> Found | None:
    a, b = was["null_share"], now["null_share"]
    if a is None or b is None or not differs(a, b, was["rows_sampled"], now["rows_sampled"]):
        return None
    return "nulls", f"{b:.1%} nulls, and {a:.1%} before", abs(b - a), a, b


def differs(a: float, b: float, rows_a: int, rows_b: int) -> bool:
    """Return whether two shares differ by more than the noise of their numbers of rows."""
    error = 0.5 * math.sqrt(1 / rows_a + 1 / rows_b)
    distance = abs(math.asin(math.sqrt(min(1.0, max(0.0, a)))) - math.asin(math.sqrt(min(1.0, max(0.0, b)))))
    return distance > _CERTAIN * error and abs(a - b) >= _SHARE


def _mean(was: Column, now: Column) -> Found | None:
    a, b, deviation = was["mean"], now["mean"], was["deviation"]
    if a is None or b is None or deviation is None or a == b:
        return None
    wide = max(deviation, now["deviation"] or 0.0)
    filled = [max(1, row["rows_sampled"] - (row["nulls"] or 0)) for row in (was, now)]
    error = wide * math.sqrt(1 / filled[0] + 1 / filled[1])
    shift = abs(b - a) / deviation if deviation else math.inf
    ratio = abs(b / a) if a else math.inf
    if abs(b - a) <= _CERTAIN * error or (shift < _SHIFT and 0.7 < ratio < 1.4):
        return None
    factor = f" ({ratio:.3g} ×)" if 0 < ratio < math.inf and not 0.9 < ratio < 1.1 else ""
    return "mean", f"mean {b:,.4g}, and {a:,.4g} before{factor}", 0.2 + shift / 5, a, b


def _categories(was: Column, now: Column) -> Found | None:
    """Return categories that came or went, if the frequent values are the categories of the column."""
    a, b = (_shares(row) for row in (was, now))
    if not a or not b:
        return None
    came = {value: share for value, share in b.items() if value not in a and share >= _NEW_CATEGORY}
    went = {value: share for value, share in a.items() if value not in b and share >= _NEW_CATEGORY}
    complete = (was["distinct"] or 0) <= len(a) or (now["distinct"] or 0) <= len(b)
    if not complete or not (came or went):
        return None
    parts = [f"{value!r:.40} is new ({share:.0%})" for value, share in list(came.items())[:3]]
    parts += [f"{value!r:.40} is gone ({share:.0%} before)" for value, share in list(went.items())[:3]]
    return "categories", "; ".join(parts), sum(came.values()) + sum(went.values()), sorted(went), sorted(came)


def _share(was: Column, now: Column) -> Found | None:
    """Return the category whose share changed most."""
    a, b = (_shares(row) for row in (was, now))
    both = [each for each in b if each in a]  # of two equal changes the one that grew, always the same
    value = max(both, key=lambda each: (round(abs(a[each] - b[each]), 9), b[each] - a[each]), default=None)
    if value is None or abs(a[value] - b[value]) < _OTHER_SHARE:
        return None
    if not differs(a[value], b[value], was["rows_sampled"], now["rows_sampled"]):
        return None
    message = f"{value!r:.40} is {b[value]:.0%} of the values, and {a[value]:.0%} before"
    return "share", message, abs(a[value] - b[value]), [value, a[value]], [value, b[value]]


def _shares(row: Column) -> dict[str, float]:
    pairs = [pair for pair in list_of(row["top"]) if isinstance(pair, list) and len(pair) == 2]
    return {str(value): count / row["rows_sampled"] for value, count in pairs if isinstance(count, int | float)}


def _distinct(was: Column, now: Column) -> Found | None:
    a, b = was["distinct"], now["distinct"]
    rows = max(was["rows_sampled"], now["rows_sampled"])
    if not a or not b or min(was["rows_sampled"], now["rows_sampled"]) < 0.8 * rows:
        return None
    if 1 / _DISTINCT < b / a < _DISTINCT or abs(b - a) < 5:
        return None
    return "distinct", f"{b:,} distinct values, and {a:,} before", 0.1 + abs(math.log2(b / a)) / 10, a, b


def _range(was: Column, now: Column) -> Found | None:
    edges = [_number(row[name]) for row in (was, now) for name in ("min", "max")]
    if any(edge is None for edge in edges) or was["mean"] is None:
        return None
    low, high, new_low, new_high = (float(edge or 0.0) for edge in edges)
    width = high - low
    if width <= 0 or (new_low >= low - 2 * width and new_high <= high + 2 * width):
        return None
    message = f"from {new_low:,.4g} to {new_high:,.4g}, and from {low:,.4g} to {high:,.4g} before"
    return "range", message, 0.2, [low, high], [new_low, new_high]


def _form(was: Column, now: Column) -> Found | None:
    """Return texts that are written differently: in other letters, digits or signs."""
    forms = [{form_of(row[name]) for name in ("min", "max")} for row in (was, now)]
    if was["length_mean"] is None or now["length_mean"] is None or len(forms[0]) != 1 or len(forms[1]) != 1:
        return None
    if forms[0] == forms[1]:
        return None
    message = f"texts such as {now['min']!r:.40}, and such as {was['min']!r:.40} before"
    return "form", message, 0.3, was["min"], now["min"]


def form_of(text: Any) -> str:
    """Return the form of a text: `A` for capitals, `a` for other letters, `9` for digits, each once in a row."""
    marks = ("A" if c.isupper() else "a" if c.isalpha() else "9" if c.isdigit() else c for c in str(text)[:200])
    return "".join(mark for mark, _ in groupby(marks))


def _length(was: Column, now: Column) -> Found | None:
    a, b = was["length_mean"], now["length_mean"]
    if not a or not b or 0.6 <= b / a <= 1.7:
        return None
    return "length", f"texts of {b:.1f} characters, and {a:.1f} before", 0.15, a, b


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
