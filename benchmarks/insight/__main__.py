"""`python -m benchmarks.insight`: the score of one entry on one half, with its misses, or on random losses."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.insight import freezing, results, scores, tables
from benchmarks.insight.answer import Entry
from benchmarks.insight.case import HALVES, Half, Trial, trials
from benchmarks.insight.random_losses import Loss, judged, losses
from benchmarks.insight.score import Outcome, outcome

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
OURS = "benchmarks.insight.ours:explain"


def entry_of(name: str) -> Entry:
    """Return the function of an entry, `module:function`."""
    module, _, function = name.partition(":")
    found: Entry = getattr(importlib.import_module(module), function or "explain")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0; 1 if a half is not as it was frozen, because its score could not be compared."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.insight", description="The score of one entry.")
    parser.add_argument("--entry", default=OURS, metavar="MODULE:FUNCTION", help="the entry; odibi-core by default")
    parser.add_argument("--half", choices=HALVES, default="development")
    parser.add_argument("--without-source", action="store_true", help="the entry does not get the function")
    parser.add_argument("--case", action="append", default=[], metavar="NAME", help="only this case; may be repeated")
    parser.add_argument("--losses", type=int, default=0, metavar="N", help="N random losses instead of a half")
    parser.add_argument(
        "--first", type=int, default=1_000, metavar="N", help="the first random loss; 0 to 999 are those of the results"
    )
    parser.add_argument("--misses", action="store_true", help="print each miss with the claims and the reason")
    parser.add_argument(
        "--all", action="store_true", help="all parts and all times, into benchmarks/results/, the docs and the README"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes")
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    if given.all:
        return _everything()
    entry = entry_of(given.entry)
    if given.losses:
        return _losses(entry, losses(given.losses, first=given.first), given.json)
    chosen = frozenset(given.case)
    outcomes: list[Outcome] = []
    changed = freezing.differences(given.half)
    for trial in trials(given.half, chosen):
        changed += freezing.differences(given.half, [trial])[len(freezing.differences(given.half)) :]
        outcomes.append(_one(trial, entry, given.half, given.without_source))
    print(tables.summary(outcomes))
    if given.misses or chosen:
        print(tables.misses(outcomes))
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for each in outcomes], indent=1, default=str) + "\n")
    for name in changed:
        print(f"not as it was frozen: {name}", file=sys.stderr)
    return 1 if changed else 0


def _everything() -> int:
    """Measure the area as `python -m benchmarks insight` does, and write each outcome and the tables of the page."""
    from benchmarks.__main__ import HOME
    from benchmarks.__main__ import main as measure

    code = measure(["insight"])
    scores.write(HOME / "results")
    text = README.read_text(encoding="utf-8")
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    README.write_text(f"{head}{BEGIN}\n\n{results.as_markdown()}\n{END}{tail}", encoding="utf-8")
    return code


def _one(trial: Trial, entry: Entry, half: Half, without_source: bool) -> Outcome:
    found = outcome(trial, entry, with_source=not without_source)
    print(f"{half}: {trial.name} {found.ms:.0f} ms", file=sys.stderr)
    return found


def _losses(entry: Entry, chosen: Iterable[Loss], file: Path | None) -> int:
    found = [judged(loss, entry) for loss in chosen]
    claimed = [each for each in found if each.false_claim]
    print(
        f"{len(claimed)} false claims in {len(found)} random losses; counted right: {sum(e.is_counted for e in found)}"
    )
    for each in claimed:
        print(f"  {each.number} {each.table} ({each.library}), {each.lost} lost: {'; '.join(each.texts)}")
    if file:
        file.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
