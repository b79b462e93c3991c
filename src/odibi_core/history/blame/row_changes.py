"""The row changes of two runs, step by step: other shares of rows lost, doubled or unmatched, and other rules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from odibi_core.history.blame.signals import Effect, Signal
from odibi_core.history.comparison.noise import Noise
from odibi_core.history.comparison.run_data import RunData, list_of, object_of
from odibi_core.history.comparison.values import differs
from odibi_core.history.usual_range import BEYOND, is_beyond_range
from odibi_core.views.row_operators import pairs, passing
from odibi_core.views.row_wording import percent
from odibi_core.views.values import count

NOTABLE: Final = 0.02
"""The part of the rows by which a share must differ."""
_DEVIATIONS: Final = 3.0
_LEAST: Final = 0.002
_LONGEST: Final = 120
"""Characters of a second rule that is shown beside the first one."""
_PROVED: Final = frozenset({"exact", "replayed", "part"})
_VERBS: Final[dict[str, str]] = {"lost": "lost", "gained": "gained", "unmatched": "did not match"}
Key = tuple[str, str]


class Side(Struct, frozen=True):
    """One number of a row change: the rows lost, gained, or unmatched in one input, with the cause of most of them."""

    effect: Effect
    other: str
    rows: int
    of: int
    causes: tuple[dict[str, Any], ...] = ()

    @property
    def share(self) -> float:
        """The rows as a part of those that came in."""
        return self.rows / self.of if self.of else 0.0

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are proved for some of the rows, as texts."""
        return tuple(str(cause["text"]) for cause in self.causes if cause.get("level") in _PROVED and cause.get("text"))


def changes_of(run: RunData) -> dict[Key, dict[str, Any]]:
    """Return the row changes of a run by step and dataset."""
    return {(str(row["node_name"]), str(row["dataset"] or "")): row for row in run.rows("row_changes")}


def sides_of(row: Mapping[str, Any]) -> dict[tuple[Effect, str], Side]:
    """Return the numbers of a row change by effect and other input; those that are unknown are left out."""
    of = count(row.get("rows_in")) or 0
    causes = [cause for cause in list_of(row.get("causes")) if isinstance(cause, dict)]
    numbers: list[tuple[Effect, str, Any]] = [("lost", "", row.get("lost")), ("gained", "", row.get("gained"))]
    numbers += [("unmatched", str(name), rows) for name, rows in object_of(row.get("unmatched_by")).items()]
    return {
        (effect, other): Side(effect, other, rows, of, _causes_of(effect, rows, causes))
        for effect, other, value in numbers
        if (rows := count(value)) is not None
    }


def _causes_of(effect: Effect, rows: int, causes: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return the causes of a side; rows without a partner that an inner join lost have those of lost rows."""
    found = tuple(each for each in causes if each.get("side") == effect)
    if found or effect != "unmatched":
        return found
    lost = tuple(each for each in causes if each.get("side") == "lost")
    return lost if lost and count(lost[0].get("rows")) == rows else ()


def signals(before: RunData, after: RunData, noise: Noise | None = None) -> Iterator[Signal]:
    """Yield a signal for each share of rows and each rule that is another one than before.

    A share that earlier runs had too is within the noise.
    """
    was = changes_of(before)
    for key, row in changes_of(after).items():
        earlier = was.get(key)
        if earlier is None:
            continue
        beyond = None if noise is None else is_beyond(key[0], row["rows_in"], row["rows_out"], noise)
        for each in _of_step(key[0], earlier, row):
            judged = beyond is not None and each.effect in ("lost", "gained")
            yield replace(each, is_notable=beyond) if judged else each


def is_beyond(node: str, rows_in: Any, rows_out: Any, noise: Noise) -> bool | None:
    """Return whether earlier runs of a step made another number of rows of each one; None if too few are known."""
    taken, made = count(rows_in), count(rows_out)
    known = noise.values(node, "selectivity")
    if not known or not taken or made is None:
        return None
    return is_beyond_known(made / taken, known, taken)


def is_beyond_known(share: float, known: Sequence[float], of: int, beyond: float = BEYOND) -> bool:
    """Return whether a share of so many rows is beyond those of earlier runs, and beyond what varies by chance."""
    low, high = min(known), max(known)
    by_chance = _DEVIATIONS * math.sqrt(max(0.0, min(high, 1.0) * (1.0 - min(low, 1.0))) / of)
    return is_beyond_range(share, known, beyond, max(_LEAST, by_chance))


def _of_step(node: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Signal]:
    before, after = sides_of(was), sides_of(now)
    for place, side in after.items():
        # a join without unmatched rows has no number of them
        earlier = before.get(place) or _earlier(place, was, now)
        if earlier is not None:
            yield from _of_side(node, earlier, side)
    if ("lost", "") not in after or (("lost", "") not in before and _earlier(("lost", ""), was, now) is None):
        yield from _of_counts(node, was, now)
    if was["kind"] != now["kind"] and "unknown" not in (was["kind"], now["kind"]) and now["kind"] != "same":
        text = f"{node}: a step of the kind {now['kind']}, and {was['kind']} before"
        yield Signal(node=node, effect="rule", text=text, size=0.3, is_notable=False)
    yield from _of_stages(node, list_of(was.get("stages")), list_of(now.get("stages")))
    if not any(side.rules for side in after.values()):
        yield from _of_operators(node, list_of(was.get("stages")), list_of(now.get("stages")))


def _earlier(place: tuple[Effect, str], was: Mapping[str, Any], now: Mapping[str, Any]) -> Side | None:
    """Return a side of the last good run by its numbers of rows alone; None if they do not show it.

    A join without unmatched rows has no number of them. Of a step that multiplies no rows, those that are not in the
    output were lost.
    """
    effect, other = place
    rows_in, rows_out = count(was["rows_in"]), count(was["rows_out"])
    if other:
        return Side(effect, other, 0, rows_in or 0)
    if effect != "lost" or now["gained"] != 0 or rows_in is None or rows_out is None or rows_out > rows_in:
        return None
    return Side(effect, other, rows_in - rows_out, rows_in)


def _of_counts(node: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Signal]:
    """Yield a signal if a step made another number of rows of each one, and which of them it lost is unknown."""
    counts = [count(row[name]) for row in (was, now) for name in ("rows_in", "rows_out")]
    if None in counts:
        return
    before_in, before_out, now_in, now_out = (each or 0 for each in counts)
    if before_out * now_in == now_out * before_in or not before_in or not now_in:
        return
    kept, usual = now_out / now_in, before_out / before_in
    notable = abs(kept - usual) > NOTABLE * max(1.0, usual) and (
        max(kept, usual) > 1.0 or differs(usual, kept, before_in, now_in)
    )
    text = f"{node} made {now_out:,} rows of {now_in:,} ({percent(kept)}), and {percent(usual)} before"
    effect: Effect = "lost" if kept < usual else "gained"
    yield Signal(node=node, effect=effect, text=text, size=min(1.0, abs(kept - usual)), is_notable=notable)


def _of_side(node: str, was: Side, now: Side) -> Iterator[Signal]:
    apart = abs(now.share - was.share)
    rule, is_new = _rule(was, now)
    about: dict[str, Any] = {
        "node": node, "side": now.other or None, "rows": now.rows, "of": now.of, "rule": rule, "usual": was.share,
        "level": next((cause.get("level") for cause in now.causes), None), "is_new": is_new,
    }  # fmt: skip
    if was.rows * now.of != now.rows * was.of:
        notable = apart > NOTABLE and differs_clearly(was, now)
        shown = f"{shown_rows(now)}{f': {rule}' if rule else ''}; {percent(was.share)} before"
        yield Signal(effect=now.effect, text=f"{node} {shown}", size=apart, is_notable=notable, **about)
    elif is_new and was.rules and now.rules:
        shown = f"{shown_rows(now)} by another rule: {rule}; it was {was.rules[0]}"
        yield Signal(effect="rule", text=f"{node} {shown}", size=max(now.share, NOTABLE), **about)


def _rule(was: Side, now: Side) -> tuple[str | None, bool | None]:
    """Return the rule of most rows, with a narrower one that is new; and whether one of them is, None if unknown."""
    proved = [cause for cause in now.causes if cause.get("level") in _PROVED and cause.get("text")]
    if not proved:
        return None, None
    known = {str(cause.get("text")) for cause in was.causes}
    first = str(proved[0]["text"])
    if was.rows and not known:
        return first, None
    fresh = [cause for cause in proved[1:] if str(cause["text"]) not in known and len(str(cause["text"])) <= _LONGEST]
    narrower = next(iter(fresh), None)
    if narrower is None:
        return first, first not in known
    rows, of = count(narrower.get("rows")) or 0, count(narrower.get("of")) or 0
    share = "all" if rows == of else percent(rows / of) if of else "some"
    return f"{first}; {share} of them: {narrower['text']}", True


def differs_clearly(was: Side, now: Side) -> bool:
    """Return whether two shares differ by more than the noise of their numbers of rows."""
    if not was.of or not now.of:
        return False
    return differs(min(1.0, was.share), min(1.0, now.share), was.of, now.of)


def shown_rows(side: Side) -> str:
    """Return the rows of a side in words: `lost 216,583 of 336,776 rows (64.3 %)`."""
    where = f" in {side.other}" if side.other else ""
    if side.effect == "gained":
        return f"gained {side.rows:,} rows to {side.of:,}"
    share = f" ({percent(side.share)})" if side.of else ""
    return f"{_VERBS[side.effect]}{where} {side.rows:,} of {side.of:,} rows{share}"


def _of_stages(node: str, was: list[Any], now: list[Any]) -> Iterator[Signal]:
    """Yield a signal for each condition of a SQL step that the last good run did not have."""
    known = {_condition(stage) for stage in was}
    for stage in now:
        if was and (condition := _condition(stage)) not in known and condition[1]:
            passed = next(iter(passing([stage])), None)
            text = f"{node}: {condition[0]} by {condition[1]} is new{f': {passed.words}' if passed else ''}"
            rows, of = (passed.before - passed.after, passed.before) if passed else (None, None)
            rule = passed.rule if passed else condition[1]
            yield Signal(
                node=node,
                effect="rule",
                text=text,
                size=0.1,
                is_notable=False,
                rule=rule,
                is_new=True,
                rows=rows,
                of=of,
            )


def _of_operators(node: str, was: list[Any], now: list[Any]) -> Iterator[Signal]:
    """Yield a signal for the operator of a plan that dropped another share of its rows than the same one before."""
    apart: list[Signal] = []
    for each, before in pairs(map(object_of, now), map(object_of, was)):
        if not before.before or not each.before:
            continue
        share, usual = (1.0 - one.share for one in (each, before))
        if abs(share - usual) <= NOTABLE or not differs(max(0.0, usual), max(0.0, share), before.before, each.before):
            continue
        effect: Effect = "lost" if share > usual else "gained"
        text = f"{node}: {each.words}; {percent(max(0.0, usual))} lost before"
        apart.append(
            Signal(
                node=node, effect=effect, text=text, size=min(1.0, abs(share - usual)), rule=each.rule, is_new=False,
                rows=abs(each.before - each.after), of=each.before, usual=max(0.0, usual),
            )
        )  # fmt: skip
    yield from sorted(apart, key=lambda each: -each.size)[:1]


def _condition(stage: Any) -> tuple[str, str]:
    row = stage if isinstance(stage, dict) else {}
    return str(row.get("operator") or ""), str(row.get("detail") or "")
