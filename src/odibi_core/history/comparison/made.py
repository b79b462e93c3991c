"""Differences in what the steps made: failures, columns, rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from odibi_core.history.comparison.difference import Difference
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.renames import renamed
from odibi_core.history.comparison.run_data import FrameKey, RunData
from odibi_core.views.wording import error_words, plural, shorten

_GOOD: Final = ("success",)
_PAST: Final = {
    "success": "succeeded", "failed": "failed", "lost": "was lost", "cancelled": "was cancelled",
    "skipped": "was skipped", "pending": "was not started", "running": "was running",
}  # fmt: skip
_GOES_ON: Final = frozenset({"running", "pending"})
"""States of the steps of a run that goes on, which differ from those of an ended run without a meaning."""
_ROWS_MARGIN: Final = 0.05
_ROWS_SHARE: Final = 0.1
_KEPT: Final = 0.03
_CERTAIN: Final = 4.0


def failures(before: RunData, after: RunData) -> Iterator[Difference]:
    """Yield the steps that no longer succeed, those that do again, and those of one run alone.

    A run that goes on differs in none of the steps that have not ended.
    """
    was, now = before.run.get("status"), after.run.get("status")
    is_running, has_failed = now == "running", any(node["status"] == "failed" for node in after.nodes.values())
    for name, node in after.nodes.items():
        earlier = before.nodes.get(name)
        if earlier is None:
            yield Difference(
                family="failure", kind="step_added", node=name, after=node["status"],
                is_notable=node["status"] == "failed", magnitude=0.9,
                message=f"step {name} is new{', and failed' if node['status'] == 'failed' else ''}",
            )  # fmt: skip
        elif node["status"] != earlier["status"] and not (is_running and node["status"] in _GOES_ON):
            yield _status(name, earlier, node)
    for name, node in before.nodes.items():
        if name not in after.nodes and not is_running:
            made = sum(key[0] == name for key in before.frames)
            yield Difference(
                family="failure", kind="step_removed", node=name, before=node["status"], magnitude=0.3,
                is_notable=bool(after.nodes), message=f"step {name} is gone, with {made} of its datasets",
            )  # fmt: skip
    if was != now and now not in _GOOD and not is_running and not has_failed:
        message = f"the run {_past(now)}, and {_past(was)} before{_reason(after.run)}"
        yield Difference(family="failure", kind="run_status", before=was, after=now, magnitude=1.0, message=message)


def _status(name: str, earlier: dict[str, Any], node: dict[str, Any]) -> Difference:
    was, now = earlier["status"], node["status"]
    worse = now not in _GOOD
    sizes = {"failed": 1.0, "lost": 0.95, "cancelled": 0.9, "running": 0.5, "skipped": 0.4, "pending": 0.4}
    return Difference(
        family="failure", kind="status", node=name, before=was, after=now,
        is_notable=worse, magnitude=sizes.get(str(now), 0.3),
        message=f"{name} {_past(now)}, and {_past(was)} before{_reason(node) if worse else ''}",
    )  # fmt: skip


def _past(status: object) -> str:
    return _PAST.get(str(status), f"was {status}")


def _reason(row: dict[str, Any]) -> str:
    reason = row.get("error") or row.get("skip_reason")
    kind = row.get("error_type")
    if not reason:
        return ""
    return f": {error_words(kind, shorten(str(reason), 160))}"


def schemas(before: RunData, after: RunData, noise: Noise, not_compared: list[str]) -> Iterator[Difference]:
    """Yield columns that were renamed, removed, added or got another type, of each frame that both runs made."""
    for key in before.columns.keys() & after.columns.keys():
        if before.frames.get(key, {}).get("schema_hash") == after.frames.get(key, {}).get("schema_hash") is not None:
            continue
        pandas = all(str(run.frames.get(key, {}).get("frame")).startswith("pandas.") for run in (before, after))
        is_empty = any(run.frames.get(key, {}).get("row_count") == 0 for run in (before, after))
        every = list(_schema(key, before.columns[key], after.columns[key], noise))
        for found in _without_types(every, key, not_compared) if is_empty else every:
            column = str(found.column)
            if found.kind == "retyped":  # a column without fractions or nulls today
                usual = found.after in noise.types(*key, column)
                found.is_notable = not (usual or (pandas and _is_by_nulls(before, after, key, column)))
            yield found
    for key in (before.frames.keys() & after.frames.keys()) - (before.columns.keys() & after.columns.keys()):
        reasons = [frames[key]["not_described"] for frames in (before.frames, after.frames)]
        if before.frames[key]["column_count"] != 0 or after.frames[key]["column_count"] != 0:
            why = next((reason for reason in reasons if reason), "not described")
            not_compared.append(f"the columns of {key[1] or key[0]}: {why}")


def _without_types(found: list[Difference], key: FrameKey, not_compared: list[str]) -> list[Difference]:
    """Return the differences without those of types: a reader guesses the types of a frame from its rows."""
    kept = [each for each in found if each.kind != "retyped"]
    if len(kept) < len(found):
        columns = plural(len(found) - len(kept), "column")
        not_compared.append(f"the types of {columns} of {key[1] or key[0]}: one run has no rows of it")
    return kept


def _is_by_nulls(before: RunData, after: RunData, key: FrameKey, column: str) -> bool:
    """Return whether pandas made floats of integers, or the reverse, because one run alone has nulls."""
    rows = [run.columns[key][column] for run in (before, after)]
    nulls = {row["type"]: row["nulls"] for row in rows}
    return nulls.keys() == {"Int64", "Float64"} and nulls["Int64"] == 0 and bool(nulls["Float64"])


def _schema(key: FrameKey, was: dict[str, Any], now: dict[str, Any], noise: Noise) -> Iterator[Difference]:
    removed = {name: row for name, row in was.items() if name not in now}
    added = {name: row for name, row in now.items() if name not in was}
    node, dataset = key[0], key[1] or key[0]

    def difference(kind: str, column: str, message: str, magnitude: float, **values: Any) -> Difference:
        return Difference(
            family="schema", kind=kind, node=node, dataset=dataset, column=column, magnitude=magnitude,
            message=f"{dataset}: {message}", **values,
        )  # fmt: skip

    for old, new, how in renamed(removed, added, lambda old, row: noise.looks_like((*key, old), row)):
        del removed[old], added[new]
        message = f"column {old} is now {new} ({how})"
        yield difference("renamed", old, message, 0.9, before=old, after=new)
    for name, row in removed.items():
        yield difference("removed", name, f"column {name} ({row['type']}) is gone", 1.0, before=row["type"])
    for name, row in added.items():
        yield difference("added", name, f"column {name} ({row['type']}) is new", 0.3, after=row["type"])
    for name in was.keys() & now.keys():
        if was[name]["type"] != now[name]["type"]:
            message = f"column {name} is {now[name]['type']}, and was {was[name]['type']}"
            yield difference("retyped", name, message, 0.8, before=was[name]["type"], after=now[name]["type"])


def rows(before: RunData, after: RunData, noise: Noise) -> Iterator[Difference]:
    """Yield the steps that made another number of rows; none at all counts as a failure."""
    for name, node in after.nodes.items():
        earlier = before.nodes.get(name)
        if earlier is None or node["status"] not in _GOOD or earlier["status"] not in _GOOD:
            continue
        was, now = earlier["rows_out"], node["rows_out"]
        if was is None or now is None or was == now:
            continue
        yield _rows(name, (was, now), (earlier["selectivity"], node["selectivity"]), noise)


def _rows(name: str, counts: tuple[int, int], kept: tuple[float | None, float | None], noise: Noise) -> Difference:
    was, now = counts
    if now == 0:
        return Difference(
            family="failure", kind="no_rows", node=name, before=was, after=0, magnitude=0.97,
            message=f"{name} made no rows, and {was:,} before",
        )  # fmt: skip
    change = (now - was) / was if was else math.inf
    shown = f"{change:+.0%}" if abs(change) < 10 else f"{now / was if was else now:.0f} ×"
    message = f"{name} made {now:,} rows, and {was:,} before ({shown}){_selected(kept)}"
    return Difference(
        family="rows", kind="rows", node=name, before=was, after=now, message=message,
        is_notable=_rows_matter(name, was, now, noise) or _selects_otherwise(name, kept, noise),
        magnitude=min(1.0, abs(math.log2((now or 1) / (was or 1))) / 4),
    )  # fmt: skip


def _rows_matter(name: str, was: int, now: int, noise: Noise) -> bool:
    usual = noise.is_usual(name, "rows", now, _ROWS_MARGIN)
    if usual is not None:
        return not usual
    return abs(now - was) > _ROWS_SHARE * was and abs(now - was) > _CERTAIN * math.sqrt(max(was, now))


def _selects_otherwise(name: str, kept: tuple[float | None, float | None], noise: Noise) -> bool:
    """Return whether a step kept another share of its input than in any earlier run."""
    was, now = kept
    if was is None or now is None or abs(now - was) < _KEPT:
        return False
    return noise.is_usual(name, "selectivity", now, _ROWS_MARGIN) is False


def _selected(kept: tuple[float | None, float | None]) -> str:
    was, now = kept
    if was is None or now is None or abs(now - was) < 0.005:
        return ""
    return f"; it kept {now:.1%} of its input, and {was:.1%} before"
