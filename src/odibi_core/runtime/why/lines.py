"""The answer of `why` as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from odibi_core.runtime.tracing.lines import WIDTH, item, link_lines, number_words, row_words
from odibi_core.runtime.why.answer import StepRows, Why
from odibi_core.views.row_wording import percent, usual_rule
from odibi_core.views.wording import plural, short_id, shorten

_MOST_STEPS: Final = 12
_LONGEST_RULE: Final = 160
_LONGEST_OF_STEP: Final = 2_000
_MOST_NAMES: Final = 6
_SINCE: Final = {"as before": "as in {run}", "new": "new since {run}", "unknown": ""}
_LEVELS: Final = {"exact": "exact", "replayed": "exact, replayed", "no_rule": "no simple rule", "part": "a part"}


def lines(why: Why, width: int = WIDTH) -> list[str]:
    """Return the answer: the sentence first, then the steps, the conditions, the way of a row, and what is missing."""
    return [line for block in _blocks(why, width) for line in block]


def _blocks(why: Why, width: int) -> Iterator[list[str]]:
    yield wrap(why.sentence, width)
    if why.blame is not None and why.sentence == why.blame.sentence:
        yield [line for each in why.blame.further for line in item(each, width, "  because ")]
    other = f", against {short_id(why.compared_with)}" if why.compared_with else ""
    yield ["", f"{why.pipeline_name} {short_id(why.run_id)}, {why.status}{other}"]
    for each in why.steps[:_MOST_STEPS]:
        yield ["", *_step(each, why, width)]
    yield from _rest(why, width)
    if why.conjuncts:
        yield ["", "rows that fail each condition, and only it:"]
        yield [f"  {each.fails:>11,} {each.only:>11,}  {shorten(each.text, width - 27)}" for each in why.conjuncts]
    if why.examples:
        yield ["", "examples:", *(line for each in why.examples for line in item(row_words(each), width, "  "))]
    if why.way:
        yield ["", f"the way of {why.way_of}:", *(line for link in why.way for line in link_lines(link, width))]
    if why.differences:
        yield ["", f"against {short_id(why.compared_with)}:"]
        yield [line for each in why.differences for line in item(each, width, "  ")]
    if why.missing:
        yield ["", *(line for each in why.missing for line in item(each, width, "not known: "))]


def _rest(why: Why, width: int) -> Iterator[list[str]]:
    if len(why.steps) > _MOST_STEPS:
        yield ["", f"and {len(why.steps) - _MOST_STEPS} more steps that changed rows"]
    if why.step is None and why.unchanged:
        yield ["", f"{plural(why.unchanged, 'other dataset')} with the rows of the input"]
    if why.unknown:
        names = ", ".join(why.unknown[:_MOST_NAMES])
        more = f" and {len(why.unknown) - _MOST_NAMES} more" if len(why.unknown) > _MOST_NAMES else ""
        yield item(f"{names}{more}", width, "rows not compared: ")


def _step(rows: StepRows, why: Why, width: int) -> Iterator[str]:
    change = rows.change
    counts = f"{number_words(change.rows_in)} -> {number_words(change.rows_out)}"
    mark = "   UNUSUAL" if change.unusual else ""
    kind = "" if change.kind == "unknown" else f"   {change.kind}"
    made = "" if rows.dataset == rows.step else f" {rows.dataset}"
    yield f"{rows.step}{made}{kind}   {counts}{mark}"
    since = _SINCE[rows.since].format(run=short_id(why.compared_with))
    numbers = [(rows_, f"rows {word}") for rows_, word in ((change.lost, "lost"), (change.gained, "gained")) if rows_]
    numbers += [(rows_, f"rows without a match in {name}") for name, rows_ in change.unmatched.items() if rows_]
    if change.lost and change.lost in change.unmatched.values():
        numbers = numbers[:1]  # the rows that an inner join lost are those without a match
    for number, words in numbers:
        share = f" ({percent(number / change.rows_in)})" if change.rows_in else ""
        yield f"  {number:,} {words}{share}{f', {since}' if since else ''}"
    if not numbers and change.lost is None and change.rows_in != change.rows_out:
        known = rows.since == "as before"
        yield f"  the same share of its rows, {since}" if known else "  which rows were lost or gained is not known"
    if (usual := usual_rule(change)) is not None:
        yield from item(f"{usual}   [in the last good run, not tried on these rows]", width, "    ")
    for cause in change.causes:
        rule = shorten(cause.text, _LONGEST_OF_STEP if why.step else _LONGEST_RULE)
        share = "" if cause.share is None or cause.share >= 1 else f"{percent(cause.share)} of {cause.of:,}: "
        new = {True: "new", False: "as before", None: ""}[cause.is_new]
        proof = ", ".join(filter(None, (_LEVELS.get(cause.level, "unknown"), new)))
        yield from item(f"{share}{rule or _LEVELS.get(cause.level, 'the rule is unknown')}   [{proof}]", width, "    ")
        for key in cause.keys:
            yield from item(row_words(key), width, "      key ")
        for same in cause.same_rows_as:
            yield from item(same, width, "      the same rows: ")
    for stage in change.stages:
        words = f"{stage.get('operator')} {stage.get('detail') or ''}".strip()
        passed = [number_words(stage[each]) for each in ("rows_in", "rows") if each in stage]
        yield f"    {shorten(words + ': ' + ' -> '.join(passed), width - 4)}"
    if change.stages_reason:
        yield from item(change.stages_reason, width, "    operators not known: ")
    if change.reason:
        yield from item(change.reason, width, "    not known: ")
