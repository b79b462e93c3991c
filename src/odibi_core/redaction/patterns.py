"""The worst-case time of a regular expression, computed from its parts.

If a match fails, each repeat is tried with all of its possible ends. Two repeats multiply their ways if the same text
can be divided between them differently: both take its characters, and so do all parts between them. The product of
these ways, times the possible starts of a match, bounds the steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from re import _constants as sre  # type: ignore[attr-defined]  # no public way leads to a pattern's parts
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple

MOST_PATHS: Final = 512
"""Paths through the alternatives of a pattern that are examined; a pattern with more is refused."""
_LETTERS: Final = [*map(chr, range(128)), "\u00a0", "é", "Ж", "中", "\u2028"]
_ALL: Final = frozenset(_LETTERS)
_CATEGORIES: Final = {
    sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
_MEMBERS: Final = {
    category: frozenset(letter for letter in _LETTERS if re.match(written, letter))
    for category, written in _CATEGORIES.items()
}


class Part(NamedTuple):
    """A piece of a pattern: the characters that it takes, in how many ways, and whether it may take none."""

    letters: frozenset[str]
    ways: int
    optional: bool


def steps(parsed: Any, window: int) -> int:
    """Return the maximum number of steps of a search in a text of `window` characters, as an order of magnitude."""
    paths = list(_paths(parsed, window))
    if len(paths) > MOST_PATHS:
        return window**4
    return max((_steps_of(path, window) for path in paths), default=1)


def _steps_of(path: list[Part], window: int) -> int:
    """Return the steps of one path; the parts after the last one that may fail are never tried again."""
    last = max((at for at, part in enumerate(path) if not part.optional), default=-1)
    path = path[: last + 1]
    varying = [at for at, part in enumerate(path) if part.ways > 1]
    worst = max((_ways_from(path, varying[at:]) for at in range(len(varying))), default=1)
    return worst * (window if _begins_anywhere(path, varying) else 1)


def _ways_from(path: list[Part], varying: list[int]) -> int:
    """Return the ways in which the first part, and the parts linked with it, can share a text."""
    linked = varying[:1]
    for at in varying[1:]:
        if all(_share(path, other, at) for other in linked):
            linked.append(at)
    ways = 1
    for at in linked:
        ways *= path[at].ways
    return ways


def _share(path: list[Part], first: int, second: int) -> bool:
    """Return whether a text may be divided differently between two repeats, as both take the characters between."""
    if path[first].letters.isdisjoint(path[second].letters):
        return False
    return all(
        part.optional
        or not (part.letters.isdisjoint(path[first].letters) or part.letters.isdisjoint(path[second].letters))
        for part in path[first + 1 : second]
    )


def _begins_anywhere(path: list[Part], varying: list[int]) -> bool:
    """Return whether a match may start inside the text of one of the repeats."""
    if not varying:
        return False
    fixed = [part for part in path[: varying[0]] if not part.optional]
    taken = frozenset().union(*(path[at].letters for at in varying))
    return all(not part.letters.isdisjoint(taken) for part in fixed)


def _paths(parts: Any, window: int) -> Iterator[list[Part]]:
    """Yield each path through the alternatives as a sequence of parts; at most a few more than `MOST_PATHS`."""
    pieces = [_piece(kind, about, window) for kind, about in parts]
    for count, chosen in enumerate(product(*pieces)):
        yield [part for piece in chosen for part in piece]
        if count > MOST_PATHS:
            return


def _piece(kind: Any, about: Any, window: int) -> list[list[Part]]:
    """Return the alternatives of one node of a parsed pattern, each as its parts."""
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return [_repeat(*about, window=window)]
    if kind is sre.POSSESSIVE_REPEAT:
        least, _, inner = about
        return [[Part(letters_of(inner), 1, least == 0)]]
    if kind is sre.BRANCH:
        return _branches(about[1], window)
    if kind is sre.SUBPATTERN:
        return list(_paths(about[-1], window))
    if kind is sre.ATOMIC_GROUP:
        return [[Part(letters_of(about), 1, False)]]
    if kind in (sre.ASSERT, sre.ASSERT_NOT):
        return [[*path, Part(_ALL, 1, False)] for path in _paths(about[1], window)]
    if kind in (sre.GROUPREF, sre.GROUPREF_EXISTS):
        return [[Part(_ALL, window, False)]]
    return [[Part(letters_of([(kind, about)]) if kind is not sre.AT else _ALL, 1, False)]]


def _branches(branches: Any, window: int) -> list[list[Part]]:
    """Return the alternatives of a branch; those without a repeat count as one."""
    fixed = [branch for branch in branches if branch.getwidth()[0] == branch.getwidth()[1]]
    ways = [path for branch in branches if branch not in fixed for path in _paths(branch, window)]
    if fixed:
        firsts = frozenset().union(*(letters_of(branch[:1]) for branch in fixed))
        ways.append([Part(firsts, 1, not all(map(len, fixed)))])
    return ways


def _repeat(least: int, most: int, inner: Any, *, window: int) -> list[Part]:
    letters = letters_of(inner)
    ways = min(most, window) - min(least, window) + 1
    fixed = [Part(letters, 1, False)] if least else []
    return [*fixed, Part(letters, ways, True)] if ways > 1 else fixed


def letters_of(parts: Any) -> frozenset[str]:
    """Return every character that may occur in a match of these parts."""
    found: frozenset[str] = frozenset()
    for kind, about in parts:
        found |= _letters(kind, about)
    return found


def _letters(kind: Any, about: Any) -> frozenset[str]:
    if kind is sre.LITERAL:
        return _both_cases(chr(about))
    if kind is sre.NOT_LITERAL:
        return _ALL - {chr(about)}
    if kind is sre.IN:
        return _of_set(about)
    if kind is sre.CATEGORY:
        return _MEMBERS.get(about, _ALL)
    if kind is sre.BRANCH:
        return frozenset().union(*map(letters_of, about[1]))
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return letters_of(about[2])
    if kind in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
        return letters_of(about if kind is sre.ATOMIC_GROUP else about[-1])
    return frozenset() if kind in (sre.AT, sre.ASSERT, sre.ASSERT_NOT) else _ALL


def _of_set(about: Any) -> frozenset[str]:
    """Return the characters of a set in both cases, which can only find more to share."""
    found: frozenset[str] = frozenset()
    for kind, what in about:
        if kind is sre.RANGE:
            low, high = what
            found |= {each for letter in _LETTERS if low <= ord(letter) <= high for each in _both_cases(letter)}
            found |= frozenset() if high < 128 else _ALL - frozenset(map(chr, range(128)))
        elif kind is not sre.NEGATE:
            found |= _letters(kind, what)
    negated = bool(about) and about[0][0] is sre.NEGATE
    return _ALL - _exact(about) if negated else found


def _exact(about: Any) -> frozenset[str]:
    """Return exactly the characters that a negated set excludes."""
    found: frozenset[str] = frozenset()
    for kind, what in about:
        if kind is sre.LITERAL:
            found |= {chr(what)}
        elif kind is sre.RANGE:
            found |= {letter for letter in _LETTERS if what[0] <= ord(letter) <= what[1]}
        elif kind is sre.CATEGORY:
            found |= _MEMBERS.get(what, frozenset())
    return found


def _both_cases(letter: str) -> frozenset[str]:
    return frozenset({letter, letter.lower(), letter.upper()})


def can_explode(parts: Any, *, repeated: bool = False) -> bool:
    """Return whether a repeat contains a part of varying length, the one cause of exponential time."""
    for kind, about in parts:
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            least, most, inner = about
            if (least != most and repeated) or can_explode(inner, repeated=repeated or most > 1):
                return True
        elif kind is sre.BRANCH:
            if repeated and not _differ_at_once(about[1]):
                return True
            if any(can_explode(branch, repeated=repeated) for branch in about[1]):
                return True
        elif kind in (sre.POSSESSIVE_REPEAT, sre.ATOMIC_GROUP):
            if can_explode(about if kind is sre.ATOMIC_GROUP else about[2]):
                return True
        elif kind in (sre.SUBPATTERN, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF_EXISTS):
            inner_parts = [part for part in about if isinstance(part, sre_parser.SubPattern)]
            if any(can_explode(inner, repeated=repeated) for inner in inner_parts):
                return True
    return False


def _differ_at_once(branches: Any) -> bool:
    """Return whether the first letters of the alternatives differ."""
    firsts = [branch[0] if len(branch) else None for branch in branches]
    letters = {about for kind, about in filter(None, firsts) if kind is sre.LITERAL}
    return len(letters) == len(firsts)
