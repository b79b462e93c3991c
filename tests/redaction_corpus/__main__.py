"""Print the rates of the redaction by kind, or the entries of one kind that fail."""

from __future__ import annotations

import argparse
import json

from tests.redaction_corpus.corpus import SEED
from tests.redaction_corpus.rates import corpus, failures, rates, share


def main() -> None:
    """Read the options and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.redaction_corpus", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=SEED, help="another seed makes fresh values of the same kinds"
    )
    parser.add_argument(
        "--failures", metavar="KIND", help="the entries whose kind or class begins so, and their lines"
    )
    given = parser.parse_args()
    if given.failures is None:
        _print_rates(given.seed)
    else:
        _print_failures(given.seed, given.failures)


def _print_rates(seed: int) -> None:
    found = rates(corpus(seed))
    for rate in found:
        print(
            f"{rate.verdict:9} {rate.kind:36} {rate.failed:4} of {rate.total:4}  {rate.failed / rate.total:6.1%}"
        )
    print()
    for verdict, bad in (("promised", "came out"), ("common", "came out"), ("innocent", "were changed")):
        own = [rate for rate in found if rate.verdict == verdict]
        failed, total = sum(rate.failed for rate in own), sum(rate.total for rate in own)
        print(f"{verdict:9} {failed:4} of {total:4} {bad}: {share(own, own[0].verdict):.1%}")


def _print_failures(seed: int, wanted: str) -> None:
    chosen = [entry for entry in corpus(seed) if entry.kind.startswith(wanted) or entry.verdict == wanted]
    for entry, line in failures(chosen):
        print(f"{entry.verdict} / {entry.kind}\n   {entry}\n → {json.dumps(line, ensure_ascii=False)}")


if __name__ == "__main__":
    main()
