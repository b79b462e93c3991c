"""The sentences about the rows of a step: lost, gained, without a match, by which rule, and as usual or not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from odibi_core.views.row_changes import RowCause, RowChange, kept_share
from odibi_core.views.row_operators import main_loss
from odibi_core.views.wording import plural, short_id

_LEVELS: Final = {"exact": "proved on all rows", "replayed": "proved on all rows", "no_rule": "no simple rule"}

_SIDES: Final = {"unmatched": "without a match"}


def percent(share: float | None) -> str:
    """Return a share as `64.3 %`; a small one that is not 0 as `< 0.1 %`, one just below 1 as `> 99.9 %`."""
    if share is None:
        return "unknown"
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share:.1%}".replace("%", " %").replace(".0 %", " %")


def row_sentence(change: RowChange) -> str:
    """Return one sentence: the rows, the rule of most of them, and the share that was usual if it is another one."""
    cause = change.main_cause
    parts = list(_facts(change)) or [_counts(change)]
    if cause is not None and (words := cause_words(cause)):
        parts[0] += f": {words}"
    elif (loss := main_loss(change.stages)) is not None:
        parts.append(f"plan: {loss.words}")
    usual = usual_words(change) if change.unusual else _as_usual(change)
    return "; ".join([*parts, *([usual] if usual else [])])


def _as_usual(change: RowChange) -> str:
    rule = usual_rule(change)
    return "" if rule is None else f"as usual by {rule}"


def usual_rule(change: RowChange) -> str | None:
    """Return the rule of the last good run, if the rows are as usual and no rule was looked for."""
    usual = change.usual
    if change.causes or change.unusual is None or usual is None or not has_changed(change):
        return None
    return usual.rule or None


def has_changed(change: RowChange) -> bool:
    """Return whether rows were lost, gained or without a match, as far as it is known."""
    counts = change.rows_in is not None and change.rows_out is not None and change.rows_in != change.rows_out
    if change.rows_in is None and main_loss(change.stages) is not None:
        return True
    return counts or bool(change.lost or change.gained or change.unmatched)


def _facts(change: RowChange) -> Iterator[str]:
    rows_in = change.rows_in
    if change.lost:
        share = f" ({percent(change.lost / rows_in)})" if rows_in else ""
        yield f"{change.lost:,} of {plural(rows_in or 0, 'row')} lost{share}"
    for other, rows in change.unmatched.items():
        if rows == change.lost:  # the rows that an inner join lost
            continue
        share = f" ({percent(rows / rows_in)})" if rows_in else ""
        yield f"{plural(rows, 'row')} without a match in {other}{share}"
    if change.gained and change.kind != "made":
        yield f"{plural(change.gained, 'row')} gained"


def _counts(change: RowChange) -> str:
    rows_in, rows_out = change.rows_in, change.rows_out
    if change.kind == "made" or rows_in is None:
        return "unknown rows" if rows_out is None else f"{plural(rows_out, 'row')} made"
    if rows_out is None:
        return f"{plural(rows_in, 'row')} in, unknown out"
    if change.lost == 0 and change.gained == 0:
        return f"{plural(rows_in, 'row')}, none lost"
    return f"{rows_in:,} rows in, {rows_out:,} out"


def cause_words(cause: RowCause) -> str:
    """Return the rule of a cause, with its share if it is not all rows of its side; an empty text without one."""
    if not cause.text or cause.level == "no_rule":
        return _LEVELS["no_rule"] if cause.level == "no_rule" else ""
    share = cause.share
    return cause.text if share is None or share >= 1 else f"{percent(share)} of them by {cause.text}"


def cause_line(cause: RowCause) -> str:
    """Return one line about a cause: its rows, its rule, and how far that is proved."""
    is_ruled = bool(cause.text) and cause.level != "no_rule"
    rows = cause.rows if is_ruled else cause.of
    line = f"{plural(rows or 0, 'row')} {_SIDES.get(cause.side or '', cause.side)}: "
    if not is_ruled:
        return line + _LEVELS.get(cause.level, "no rule is known")
    proof = f"{percent(cause.share)} of these" if cause.level == "part" else _LEVELS.get(cause.level, "")
    return line + cause.text + (f" [{proof}]" if proof else "")


def cause_lines(change: RowChange) -> list[str]:
    """Return a line for each cause, with the last good run if it had it or not, and for other rules of its rows."""
    lines = []
    for cause in change.causes:
        line = cause_line(cause)
        if cause.is_new is not None and change.usual is not None:
            line += f" {'new since' if cause.is_new else 'as in'} {short_id(change.usual.run_id)}"
        lines += [line, *(f"  the same rows: {other}" for other in cause.same_rows_as)]
    return lines


def usual_words(change: RowChange) -> str:
    """Return what the last good run had: `usual: 0.5 % lost`; an empty text if it is unknown."""
    usual = change.usual
    if usual is None:
        return ""
    kept = kept_share(usual.rows_in, usual.rows_out)
    if change.unmatched and not change.lost:
        rows = sum(usual.unmatched.values())
        return f"usual: {percent(rows / usual.rows_in) if usual.rows_in else f'{rows:,}'} without a match"
    if kept is None:
        return ""
    return f"usual: {percent(1 - kept)} lost" if kept <= 1 else f"usual: {percent(kept - 1)} gained"
