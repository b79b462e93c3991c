"""Candidates for texts: how they start, how they end, what they contain, in any case too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from math import log2
from typing import TYPE_CHECKING, Any, Final

from odibi_core.insight.base import Test
from odibi_core.insight.probes import Candidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.probes import LevelProbe
    from odibi_core.insight.source import Hints

    Mask = NDArray[np.bool_]

LONGEST: Final = 12
GRAMS: Final = (1, 2, 3, 4, 5, 6)
LEVELS: Final = 300
"""Different texts that fragments are taken from; the most frequent ones."""
LONGEST_TEXT: Final = 200

_PASSES: Final[dict[str, Callable[[str, str], bool]]] = {
    "starts": str.startswith,
    "ends": str.endswith,
    "contains": lambda text, part: part in text,
    "contains_any_case": lambda text, part: part.lower() in text.lower(),
    "eq_any_case": lambda text, part: part.lower() == text.lower(),
}


class FragmentProbe:
    """Fragments of the texts of a column."""

    tried = 40
    """A part of the fragments: most of them are alike, and each candidate pays for the number of its own kind."""

    def __init__(self, levels: LevelProbe, hints: Hints) -> None:
        self.columns = levels.columns
        self._levels = levels
        self._named = [text for text in hints.texts() if 0 < len(text) <= LONGEST_TEXT]

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        mine, theirs = self._levels.counts(side), self._levels.counts(rest)
        own = {self._levels.levels[code]: int(mine[code]) for code in mine.nonzero()[0]}
        foreign = [self._levels.levels[code] for code in theirs.nonzero()[0]]
        if not own or not foreign:
            return
        named = list(self._of_named(own, foreign))
        yield from named
        if not named:
            yield from self._of_texts(own, foreign)

    def _of_named(self, own: dict[str, int], foreign: list[str]) -> Iterator[Candidate]:
        bits = log2(1 + len(self._named))
        for part in self._named:
            for op, passes in _PASSES.items():
                if any(passes(text, part) for text in own) and not any(passes(text, part) for text in foreign):
                    yield self._candidate(op, part, bits)
                    break
                if all(passes(text, part) for text in foreign) and not all(passes(text, part) for text in own):
                    yield self._candidate(f"not_{op}", part, bits)
                    break

    def _of_texts(self, own: dict[str, int], foreign: list[str]) -> Iterator[Candidate]:
        common = dict(Counter(own).most_common(LEVELS))
        for op, parts_of in _PARTS.items():
            found = _best(common, foreign, parts_of)
            if found is not None:
                yield self._candidate(op, found[0], log2(found[1]))
            shared = _shared(own, foreign, op, parts_of)
            if shared is not None:
                yield self._candidate(f"not_{op}", shared, 4.0)

    def _candidate(self, op: str, part: str, bits: float) -> Candidate:
        import numpy as np

        passes = _PASSES[op.removeprefix("not_")]
        by_level = np.array([passes(text, part) for text in self._levels.levels] + [False], np.bool_)
        mask = by_level[self._levels.codes]  # null is -1: the last
        return Candidate(Test(op, self.columns, part), ~mask if op.startswith("not_") else mask, bits)


def _prefixes(text: str) -> Iterable[str]:
    return (text[:length] for length in range(1, min(len(text), LONGEST) + 1))


def _suffixes(text: str) -> Iterable[str]:
    return (text[-length:] for length in range(1, min(len(text), LONGEST) + 1))


def _grams(text: str) -> Iterable[str]:
    text = text[:LONGEST_TEXT]
    return {text[at : at + length] for length in GRAMS for at in range(len(text) - length + 1)}


_PARTS: Final[dict[str, Callable[[str], Iterable[str]]]] = {"starts": _prefixes, "ends": _suffixes, "contains": _grams}


def _best(own: dict[str, int], foreign: list[str], parts_of: Any) -> tuple[str, int] | None:
    """Return the fragment of most rows that no foreign text has, the longest of equals, and how many were tried."""
    counts: Counter[str] = Counter()
    for text, rows in own.items():
        for part in parts_of(text):
            counts[part] += rows
    tried = max(len(counts), 1)
    for text in foreign:
        for part in parts_of(text):
            counts.pop(part, None)
        if not counts:
            return None
    part = max(counts, key=lambda part: (counts[part], len(part), part))
    return part, tried


def _shared(own: dict[str, int], foreign: list[str], op: str, parts_of: Any) -> str | None:
    """Return the longest fragment that all foreign texts have and some own text has not."""
    passes = _PASSES[op]
    parts = sorted(parts_of(foreign[0]), key=len, reverse=True)
    for part in parts[:400]:
        if all(passes(text, part) for text in foreign):
            return part if not all(passes(text, part) for text in own) else None
    return None
