"""Secrets that stand below their name: blocks of YAML, entries of a name and its value, dumps of a table's rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.literals import is_no_secret, is_schema
from odibi_core.redaction.names import hides, names_a_secret, words_of
from odibi_core.redaction.shapes import without_spans

_BLOCK: Final = lazy_pattern(
    r"^(?P<indent>[ \t]*+)(?P<dash>- ++)?[\"']?(?P<name>[^\W\d][\w. -]{0,80})"
    r"[\"']?[ ]?:[ \t]*+(?:![\w:/.-]{1,60}[ \t]*+)?"
    r"(?:[|>][+-]?[0-9]?[ \t]*+)?(?:#[^\r\n]*+)?\r?$",
    re.MULTILINE,
)
_LINE: Final = lazy_pattern(r"\r?\n(?P<indent>[ \t]*+)(?P<text>[^\r\n]*+)")
_LEAF: Final = lazy_pattern(r"(?:- ++)?(?:[\w. \"'-]{1,80}:[ \t]++)?(?P<it>\S.*+)?")
_COPY: Final = lazy_pattern(
    r"(?im)^copy[ \t]++[\w.\"]++[ \t]*+\((?P<columns>[^()\r\n]{1,4000}+)\)[ \t]++from[ \t]++stdin[^\r\n]*+"
)
_STATEMENTS: Final = frozenset(
    {"if", "elif", "else", "for", "while", "with", "class", "def", "try", "except", "async", "match", "case"}
)
_ENTRY: Final = lazy_pattern(r"[\"']?(?P<key>[\w$-]{1,60}+)[\"']?:[ \t]++(?P<value>\S.*+)")
_Span = tuple[int, int]


def may_have_blocks(content: str) -> bool:
    """Return whether a text has several lines, so that one may name the value of the next."""
    return "\n" in content


def of_lines(content: str) -> str:
    """Return the text without the blocks below a secret's name, and the columns of dumped rows."""
    return without_spans(content, sorted([*_blocks(content), *_copied(content)]))


def _blocks(content: str) -> Iterator[_Span]:
    done = 0
    for match in _BLOCK.finditer(content):
        name = match["name"]
        if match.start() < done or not names_a_secret(name) or name.partition(" ")[0] in _STATEMENTS:
            continue
        depth = len(match["indent"]) + len(match["dash"] or "")
        start, done, silent = _block(content, match.end(), depth, _is_wide(match["name"]))
        if done > start and not silent:
            yield start, done


def _is_wide(name: str) -> bool:
    """Return whether a block of this name usually holds more than secrets, as `auth` holds settings."""
    return words_of(name)[-1:] in (
        ["auth"],
        ["oauth"],
        ["session"],
        ["sessions"],
        ["cookie"],
        ["cookies"],
        ["authorization"],
    )


def _block(content: str, at: int, depth: int, wide: bool) -> tuple[int, int, bool]:
    """Return the start and the end of the deeper indented lines, and whether none of them names a secret."""
    start = end = 0
    silent = True
    entries: dict[str, str] = {}
    while line := _LINE.match(content, at):
        if line["text"]:
            if len(line["indent"]) <= depth and not (line["text"].startswith("- ") and len(line["indent"]) == depth):
                break
            start = start or line.start("text")
            end = line.end()
            silent = silent and _is_silent(line["text"], wide)
            entry = _ENTRY.fullmatch(line["text"].strip())
            entries[entry["key"] if entry else line["text"]] = entry["value"].strip("\"'") if entry else ""
        at = line.end()
    return start, end, silent or (bool(entries) and is_schema(entries))


def _is_silent(line: str, wide: bool) -> bool:
    leaf = _LEAF.fullmatch(line.strip())
    if leaf is None or leaf["it"] is None:
        return leaf is not None
    value = leaf["it"].strip("\"'")
    return is_no_secret(value) or (wide and value.isalpha() and line.strip() != value)


def _copied(content: str) -> Iterator[_Span]:
    """Return the secrets of a PostgreSQL dump: rows after `COPY t (name, password) FROM stdin;`, separated by tabs."""
    done = 0
    for match in _COPY.finditer(content):
        if match.start() < done:
            continue
        columns = [name.strip(' "') for name in match["columns"].split(",")]
        secret = [at for at, name in enumerate(columns) if names_a_secret(name)]
        at = match.end()
        while secret and (line := _LINE.match(content, at)) and not line["text"].startswith("\\."):
            at = done = line.end()
            yield from _fields_of(content, line.start("indent"), line.end(), columns, secret)


def _fields_of(content: str, start: int, end: int, columns: list[str], secret: list[int]) -> Iterator[_Span]:
    for number, value in enumerate(content[start:end].split("\t")):
        if number in secret and value != "\\N" and hides(columns[number], value):
            yield start, start + len(value)
        start += len(value) + 1
