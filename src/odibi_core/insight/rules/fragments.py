"""Candidates for texts: how they start, how they end, what they contain, in any case too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import log2
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from odibi_core.insight.base import Test
from odibi_core.insight.rules.probes import Candidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odibi_core.insight.rules.probes import LevelProbe
    from odibi_core.insight.rules.source import Hints

    Mask = NDArray[np.bool_]

LONGEST: Final = 12
GRAMS: Final = (1, 2, 3, 4, 5, 6)
LEVELS: Final = 1_000
"""Different texts that fragments are taken from; the most frequent ones."""
LONGEST_TEXT: Final = 200

_PASSES: Final[dict[str, Callable[[str, str], bool]]] = {
    "starts": str.startswith,
    "ends": str.endswith,
    "contains": lambda text, part: part in text,
    "contains_any_case": lambda text, part: part.lower() in text.lower(),
    "eq_any_case": lambda text, part: part.lower() == text.lower(),
}


_Parts: TypeAlias = tuple[list[str], Any, Any]
"""Fragments, then pairs with levels: numbers of fragments, numbers of levels."""


class FragmentProbe:
    """Fragments of the texts of a column."""

    tried = 40
    """A part of the fragments: most of them are alike, and each candidate pays for the number of its own kind."""

    def __init__(self, levels: LevelProbe, hints: Hints) -> None:
        self.columns = levels.columns
        self._levels = levels
        self._made: dict[str, _Parts] | None = None
        self._passed: dict[tuple[str, str], NDArray[np.bool_]] = {}
        self._named = [text for text in hints.texts() if 0 < len(text) <= LONGEST_TEXT]

    def candidates(self, side: Mask, rest: Mask) -> Iterator[Candidate]:
        mine, theirs = self._levels.counts(side), self._levels.counts(rest)
        own, foreign = mine > 0, theirs > 0
        if not own.any() or not foreign.any():
            return
        named = list(self._of_named(own, foreign))
        yield from named
        if not named:
            yield from (each for each in self._of_texts(mine, theirs) if not (each.mask & rest).any())

    def _of_named(self, own: Mask, foreign: Mask) -> Iterator[Candidate]:
        """Yield tests of the fragments that the source names, by the levels of both sides."""
        bits = 0.1 * len(self._named)
        for part in self._named:
            for op in _PASSES:
                passed = self._passing(op, part)[:-1]
                if (passed & own).any() and not (passed & foreign).any():
                    yield self._candidate(op, part, bits)
                    break
                if not (foreign & ~passed).any() and (own & ~passed).any():
                    yield self._candidate(f"not_{op}", part, bits)
                    break

    def _passing(self, op: str, part: str) -> NDArray[np.bool_]:
        """Return the levels whose text passes a test, which are remembered; the last stands for null."""
        import numpy as np

        key = (op, part)
        if key not in self._passed:
            passes = _PASSES[op]
            self._passed[key] = np.array([passes(text, part) for text in self._levels.levels] + [False], np.bool_)
        return self._passed[key]

    def _of_texts(self, mine: Any, theirs: Any) -> Iterator[Candidate]:
        import numpy as np

        for op, (parts, at, levels) in self._parts().items():
            if not len(parts):
                continue
            rows = np.bincount(at, mine[levels], len(parts))
            foreign = np.bincount(at, theirs[levels], len(parts))
            pure = np.where(foreign == 0, rows, 0)
            if pure.max() > 0:
                yield self._candidate(op, parts[_longest(pure, pure.max(), parts)], log2(len(parts)))
            shared = foreign == theirs.sum()
            if shared.any() and rows[shared].min() < mine.sum():
                lacking = np.where(shared, mine.sum() - rows, -1)
                part = parts[_longest(lacking, lacking.max(), parts)]
                yield self._candidate(f"not_{op}", part, log2(len(parts)))

    def _parts(self) -> dict[str, _Parts]:
        """Return the fragments by op, and their pairs with levels: number of the fragment, number of the level."""
        if self._made is None:
            chosen = self._levels.most_frequent(LEVELS)
            self._made = {op: _pairs(self._levels.levels, chosen, parts_of) for op, parts_of in _PARTS.items()}
        return self._made

    def _candidate(self, op: str, part: str, bits: float) -> Candidate:
        mask = self._passing(op.removeprefix("not_"), part)[self._levels.codes]  # null is -1: the last
        return Candidate(Test(op, self.columns, part), ~mask if op.startswith("not_") else mask, bits)


def _prefixes(text: str) -> Iterable[str]:
    return (text[:length] for length in range(1, min(len(text), LONGEST) + 1))


def _suffixes(text: str) -> Iterable[str]:
    return (text[-length:] for length in range(1, min(len(text), LONGEST) + 1))


def _grams(text: str) -> Iterable[str]:
    text = text[:LONGEST_TEXT]
    return {text[at : at + length] for length in GRAMS for at in range(len(text) - length + 1)}


_PARTS: Final[dict[str, Callable[[str], Iterable[str]]]] = {"starts": _prefixes, "ends": _suffixes, "contains": _grams}


def _pairs(levels: list[str], chosen: Any, parts_of: Any) -> _Parts:
    """Return the fragments of the chosen levels that two of them have, each with the levels that have it."""
    import numpy as np

    numbers: dict[str, int] = {}
    parts = ((part, code) for code in chosen.tolist() for part in parts_of(levels[code]))
    pairs = [(numbers.setdefault(part, len(numbers)), code) for part, code in parts]
    at, codes = np.array(pairs, np.int64).reshape(-1, 2).T
    return list(numbers), at, codes


def _longest(scores: Any, best: Any, parts: list[str]) -> int:
    """Return the longest fragment of the best score."""
    equal: list[int] = (scores == best).nonzero()[0].tolist()
    return max(equal, key=lambda at: (len(parts[at]), parts[at]))
