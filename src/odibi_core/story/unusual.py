"""The unusual findings of a run and its differences to the last good run, as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from odibi_core.events import kinds
from odibi_core.story.background import Background, Row
from odibi_core.story.steps import compact
from odibi_core.story.wording import cut
from odibi_core.views.values import number
from odibi_core.views.wording import plural, shorten

MOST_FINDINGS: Final = 20
MOST_CHANGES: Final = 30


def anomalies(known: Background) -> list[Row]:
    """Return the alerts of a run that are unusual findings; the others are alerts of its program."""
    return [row for row in known.alerts if row.get("kind") in (None, kinds.ANOMALY)]


def findings(known: Background, places: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the unusual findings that follow from no other, each with those that follow from it.

    `places` are the indexes of the steps by their names.
    """
    alerts = anomalies(known)
    ids = {row.get("alert_id") for row in alerts}
    first = [row for row in alerts if row.get("follows_from") not in ids or row.get("follows_from") is None]
    return [
        _finding(row, places)
        | compact(
            {
                "follows": [
                    _finding(each, places)
                    for each in alerts
                    if each is not row
                    and row.get("alert_id") is not None
                    and each.get("follows_from") == row["alert_id"]
                ]
            }
        )
        for row in first[:MOST_FINDINGS]
    ]


def count(known: Background) -> int:
    """Return the number of unusual findings; without any, 1 for the first step that differs from the last good run."""
    return len(anomalies(known)) or int(text_of(known.run.get("blame")) is not None)


def _finding(row: Row, places: Mapping[str, int]) -> dict[str, Any]:
    name = text_of(row.get("node_name"))
    text = text_of(row.get("message")) or text_of(row.get("series")) or "unusual"
    return compact(
        {
            "step": places.get(name or ""),
            "name": name,
            "text": without_step(name, text),
            "family": text_of(row.get("family")),
            "usual": chance(row) if "expected" in text else usual(row),
            "id": text_of(row.get("alert_id")),
        }
    )


def usual(row: Row) -> str | None:
    """Return the expectation of a finding: `usually 8 (7 to 9) in 12 runs, 1 of 5,000 runs is so far off`."""
    expected, low, high = text_of(row.get("expected")), number(row.get("low")), number(row.get("high"))
    parts = [f"usually {expected}"] if expected else []
    if low is not None and high is not None:
        span = f"{low:,.4g} to {high:,.4g}"
        parts.append(f"({span})" if expected else f"usually {span}")
    runs = row.get("compared_runs")
    if isinstance(runs, int) and runs > 0:
        parts.append(f"in {plural(runs, 'run')}")
    return ", ".join(filter(None, [" ".join(parts), chance(row)])) or None


def chance(row: Row) -> str | None:
    """Return the likelihood of a finding in words; None if it is unknown."""
    share = number(row.get("likelihood"))
    return f"1 of {1 / share:,.0f} runs is so far off" if share is not None and 1e-12 < share < 0.5 else None


def changes(known: Background, places: Mapping[str, int]) -> dict[str, Any] | None:
    """Return the differences to the last good run, the strongest first; None if nothing was compared.

    A difference that is one of the unusual findings has `stated`: the page shows it once. Those that follow from
    another one are in its `follows`.
    """
    if known.changes is None:
        return None
    ids = {text_of(row.get("alert_id")) for row in anomalies(known)} - {None}
    entries = {place: _change(row, places, ids) for place, row in enumerate(known.changes) if _text(row)}
    first: list[int] = []
    for place, entry in entries.items():
        follows = known.changes[place].get("follows")
        if not isinstance(follows, int) or follows not in first:
            first.append(place)
        elif "stated" not in entry:
            entries[follows].setdefault("follows", []).append(entry)
    shown = [_bounded(entries[place]) for place in first[:MOST_CHANGES]]
    more = max(0, len(first) - MOST_CHANGES) or None
    return compact({"with": text_of(known.compared_with), "list": shown, "more": more}) | {"count": len(first)}


def _text(row: Row) -> str:
    return text_of(row.get("text")) or text_of(row.get("message")) or ""


def _bounded(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a difference with at most `MOST_CHANGES` of those that follow from it, and the number of the others."""
    follows = entry.get("follows", [])
    if len(follows) <= MOST_CHANGES:
        return entry
    return entry | {"follows": follows[:MOST_CHANGES], "moreFollow": len(follows) - MOST_CHANGES}


def _change(row: Row, places: Mapping[str, int], ids: set[str | None]) -> dict[str, Any]:
    name = text_of(row.get("step")) or text_of(row.get("node_name"))
    return compact(
        {
            "step": places.get(name or ""),
            "name": name,
            "text": without_step(name, _text(row)),
            "before": _value(row.get("before")),
            "after": _value(row.get("after")),
            "why": text_of(row.get("why")),
            "stated": text_of(row.get("alert")) in ids or None,
        }
    )


def without_step(name: str | None, text: str) -> str:
    """Return a sentence without the step at its start, which the page shows before it."""
    rest = text.removeprefix(name) if name else text
    return rest.lstrip(":. ") if rest[:1] in (":", ".", " ") else text


def _value(value: object) -> str | None:
    return None if value is None else shorten(value if isinstance(value, str) else f"{value}", 200)


def text_of(value: object) -> str | None:
    """Return a text of the background, cut; None for anything else."""
    return cut(value, 1_000) if isinstance(value, str) else None
