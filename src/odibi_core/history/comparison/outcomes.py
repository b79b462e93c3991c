"""Differences in checks, joins, durations and costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

from odibi_core.history.comparison.difference import Difference
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData, list_of
from odibi_core.views.wording import duration, shorten

_SLOWER: Final = 3.0
_SLOWER_KNOWN: Final = 1.5
_LEAST_MS: Final = 50.0
_LEAST_SHARE: Final = 0.05
"""Without earlier runs, a difference below this share of the run is noise."""
_RATE: Final = 0.05


def checks(before: RunData, after: RunData) -> Iterator[Difference]:
    """Yield the checks that newly fail, those that no longer do, and those that are gone or could not be asked."""
    was, now = (_checks(run) for run in (before, after))
    for key, check in now.items():
        earlier = was.get(key)
        if check["passed"] is False and (earlier is None or earlier["passed"] is not False):
            yield _newly(key, check, earlier)
        elif check["passed"] is True and earlier is not None and earlier["passed"] is False:
            yield _check(key, "check_passed", "passes again", is_notable=False)
        elif check["passed"] is None and earlier is not None and earlier["passed"] is not None:
            yield _check(key, "not_checked", f"could not be asked: {shorten(str(check['message']), 100)}", 0.4)
    for key in was.keys() - now.keys():
        if key[0] in after.nodes and after.nodes[key[0]]["status"] == "success":
            yield _check(key, "check_removed", "is gone", 0.2, is_notable=False)


Key = tuple[str, str, str]


def _checks(run: RunData) -> dict[Key, dict[str, Any]]:
    return {
        (str(row["node_name"]), str(row["check_name"]), str(row["column_name"] or "")): row
        for row in run.rows("checks")
    }


def _newly(key: Key, check: dict[str, Any], earlier: dict[str, Any] | None) -> Difference:
    failed, rows = check["failed_rows"], check["total_rows"]
    share = failed / rows if failed is not None and rows else 0.5
    size = (0.5 if check["severity"] == "error" else 0.2) + 0.5 * share
    new = " (a new check)" if earlier is None else ""
    found = _check(key, "check_failed", f"fails{new}: {shorten(str(check['message'] or ''), 140)}", size)
    found.before, found.after = earlier and earlier["passed"], False
    return found


def _check(key: Key, kind: str, message: str, magnitude: float = 0.0, *, is_notable: bool = True) -> Difference:
    node, name, column = key
    return Difference(
        family="check", kind=kind, node=node, column=column or None, magnitude=min(1.0, magnitude),
        is_notable=is_notable, message=f"{node}: {name}{f' of {column}' if column else ''} {message}",
    )  # fmt: skip


def joins(before: RunData, after: RunData, noise: Noise) -> Iterator[Difference]:
    """Yield the joins whose match rate or fan-out changed."""
    was, now = (
        {(row["target"], row["dataset"], row["join_with"]): row for row in run.rows("edges") if row["join_with"]}
        for run in (before, after)
    )
    for key in was.keys() & now.keys():
        dataset, other = key[1:]
        keys = ", ".join(map(str, list_of(now[key]["join_keys"])))
        a, b = was[key]["match_rate"], now[key]["match_rate"]
        if a is not None and b is not None and abs(b - a) >= _RATE:
            message = f"{b:.0%} of {dataset} find a match in {other} by {keys}, and {a:.0%} before"
            yield _join(key, "match_rate", message, (a, b), abs(b - a), noise)
        a, b = was[key]["fan_out"], now[key]["fan_out"]
        if a and b and not 0.8 <= b / a <= 1.25:
            message = f"{b:.2f} rows of {other} for each matched row of {dataset}, and {a:.2f} before"
            size = min(1.0, abs(math.log2(b / a)) / 4)
            yield _join(key, "fan_out", message, (a, b), size, noise)


def _join(
    key: tuple[str, str, str], kind: str, message: str, values: tuple[float, float], size: float, noise: Noise
) -> Difference:
    node, dataset, _ = key
    return Difference(
        family="join", kind=kind, node=node, dataset=dataset, before=values[0], after=values[1], magnitude=size,
        is_notable=noise.join_is_usual(node, dataset, kind, values[1]) is not True, message=f"{node}: {message}",
    )  # fmt: skip


def durations(before: RunData, after: RunData, noise: Noise) -> Iterator[Difference]:
    """Yield the steps, and the run, that took longer or shorter than their noise explains."""
    found = list(_steps(before, after, noise))
    yield from found
    from_cache = any(node.get("cache_hit") for run in (before, after) for node in run.nodes.values())
    if from_cache or before.run.get("resumed_from") or after.run.get("resumed_from"):
        return  # the duration of a run that took results of another one is that of the other steps
    if not any(each.is_notable for each in found) and before.run.get("status") == after.run.get("status") == "success":
        took = before.run.get("duration_ms"), after.run.get("duration_ms")
        yield from _duration(None, took, noise.durations(), _LEAST_MS)


def _steps(before: RunData, after: RunData, noise: Noise) -> Iterator[Difference]:
    for name, node in after.nodes.items():
        earlier = before.nodes.get(name)
        if earlier is None or node.get("cache_hit") or earlier.get("cache_hit"):
            continue  # loading a result is no run of the step
        if node["status"] == earlier["status"] == "success":
            least = max(_LEAST_MS, _LEAST_SHARE * (before.run.get("duration_ms") or 0.0))
            took = earlier["duration_ms"], node["duration_ms"]
            yield from _duration(name, took, noise.values(name, "duration_ms"), least)


def _duration(
    node: str | None, took: tuple[float | None, float | None], known: list[float], least: float
) -> Iterator[Difference]:
    """Yield the difference of the durations of a step, or of the run for None."""
    was, now = took
    if not was or not now:
        return
    usual = median(known) if known else was
    ratio = now / usual
    beyond = (now > 1.2 * max(known) or now < min(known) / 1.2) if known else True
    limit, least = (_SLOWER_KNOWN, _LEAST_MS) if known else (_SLOWER, least)
    if not 1 / limit < ratio < limit and beyond and abs(now - usual) >= least:
        expected = f"usually {duration(usual)} ({len(known)} runs)" if known else f"{duration(was)} before"
        yield Difference(
            family="duration", kind="slower" if ratio > 1 else "faster", node=node, before=was, after=now,
            is_notable=ratio > 1, magnitude=min(1.0, abs(math.log2(ratio)) / 5),
            message=f"{node or 'the run'} took {duration(now)}, and {expected} ({_times(ratio)})",
        )  # fmt: skip


def _times(ratio: float) -> str:
    return f"{ratio:.1f} ×" if ratio < 100 else f"{ratio:,.0f} ×"


def costs(before: RunData, after: RunData) -> Iterator[Difference]:
    """Yield the difference of the cost of the runs."""
    was, now = before.run.get("cost_usd"), after.run.get("cost_usd")
    if was is None or now is None or was == now:
        return
    ratio = now / was if was else math.inf
    yield Difference(
        family="cost", kind="cost", before=was, after=now, is_notable=not 0.8 < ratio < 1.25,
        magnitude=min(1.0, abs(math.log2(ratio)) / 5) if 0 < ratio < math.inf else 1.0,
        message=f"the run cost {now:,.4g} USD, and {was:,.4g} before",
    )  # fmt: skip
