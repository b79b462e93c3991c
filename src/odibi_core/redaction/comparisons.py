"""Texts that a condition of SQL compares a secret with: `lower(password) = 'x'`, `token NOT IN ('x')`, `'x' = pin`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import hides, names_a_secret
from odibi_core.redaction.shapes import without_spans

_NAME: Final = r"(?<![\w.])[\"`\[]?(?P<name>[A-Za-z_][\w.]{0,199}+)[\"`\]]?"
_COLUMN: Final = _NAME + r"(?:\s*+::\s*+\w++|\s++(?i:as)\s++\w++)?+(?:\s*+\)){0,3}+"
"""A column, also as the last argument of functions and casts."""
_COMPARED: Final = lazy_pattern(
    _COLUMN + r"(?:\s*+(?:<=>|<=|>=|<>|!=|={1,2}|<|>|!?~{1,2}\*?)|\s++(?i:(?:is\s++)?(?:not\s++)?"
    r"(?:distinct\s++from|i?like(?:\s++(?:any|all))?|similar\s++to|rlike|regexp|glob|in|between))\b)"
    r"\s*+\(?\s*+(?=[EeNnUu]?')"
)
_GIVEN: Final = lazy_pattern(
    r"(?i:\b(?:starts_?with|ends_?with|prefix|suffix|contains|regexp_(?:matches|full_match|like|extract)|rlike|strpos"
    r"|instr|nullif|coalesce|ifnull|levenshtein))\s*+\(\s*+(?i:lower|upper|trim)?+\(?"
    + _COLUMN
    + r"\s*+,\s*+(?=[EeNnUu]?')"
)
"""A function of SQL that compares a column with a text."""
_REVERSED: Final = lazy_pattern(
    r"(?<![\w\\'=:(,])'(?P<text>(?:[^'\\\r\n]|''){1,500}+)'"
    r"(?:\s*+(?:<>|!=|={1,2})\s*+|\s++(?:<=|>=|<|>|(?i:not\s++in|in))\s++)(?:(?i:lower|upper|trim)\()?"
    + _NAME
    + r"(?![\w.]*+[ \t]*+[=:(])"
)
_TEXT: Final = lazy_pattern(
    r"[EeNnUu]?'(?P<text>(?:[^']|'')*+)'\s*+(?P<more>,|(?i:and\b))?\s*+(?=[EeNnUu]?'(?P<again>))?"
)


def may_compare(content: str) -> bool:
    """Return whether a text may have a condition of SQL; a fast check."""
    return "'" in content


def of_comparisons(content: str) -> str:
    """Return the text without the texts that a condition compares columns of secrets with."""
    return without_spans(content, sorted({*_forward(content), *_reversed(content)}))


def _forward(content: str) -> Iterator[tuple[int, int]]:
    for pattern in (_COMPARED, _GIVEN):
        for match in pattern.finditer(content):
            if names_a_secret(match["name"]):
                yield from _texts(content, match.end(), match["name"])


def _texts(content: str, start: int, name: str) -> Iterator[tuple[int, int]]:
    """Yield the texts of a list, or of the two sides of `BETWEEN`, from here on."""
    found: re.Match[str] | None = _TEXT.match(content, start)
    while found is not None:
        if hides(name, found["text"]):
            yield found.span("text")
        goes_on = found["more"] is not None and found["again"] is not None
        found = _TEXT.match(content, found.end()) if goes_on else None


def _reversed(content: str) -> Iterator[tuple[int, int]]:
    for match in _REVERSED.finditer(content):
        if hides(match["name"], match["text"]):
            yield match.span("text")
