"""CSV as text: values that a library's reader would change silently, found in the bytes and in the texts."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from odibi_core.engines.kinds import MixedKindsError, refuse_inexact

# As pandas reads them, so that a pipeline sees the same data on either engine.
NULLS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "n/a", "<NA>"]
DIALECT = frozenset(
    ["lineterminator", "quotechar", "quoting", "engine", "dialect", "escapechar", "eol_char", "quote_char"]
)

DIGITS = r"^\s*[+-]?0\d|^\s*\+\d"  # what is no number but a name: a zip code, a telephone number
_NUMBER = re.compile(r"^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$")
_WHOLE = re.compile(r"\s*[+-]?\d+\s*")
TRUTHS = ["true", "false", "True", "False", "TRUE", "FALSE"]
_CELL = re.compile(rb'(?:^|[,;\t|"\n\r]) *(?:[+-]?0|\+)\d')
_QUOTED = re.compile(rb'"(?:[^"]|"")*"|\r\n')


class Text(NamedTuple):
    """The facts about the bytes of a file."""

    data: Any
    """A path, or the bytes, for the library's reader."""
    digits: bool
    """A cell may begin as no number does."""
    ends: str | None = None
    """The end of the lines, if it is unusual."""
    nul: bool = False
    """It holds a character of zero."""


def inspect(source: Any, options: Mapping[str, Any]) -> Text:
    """Inspect the bytes of a path or a stream before a library reads them. Those of a URI are not read."""
    if isinstance(source, str) and "://" in source:
        return Text(source, True)
    if not isinstance(source, str):
        return _seen(source, source.read(), options)
    if not os.path.getsize(source):
        return Text(source, False)
    with open(source, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _seen(source, data, options)


def _seen(source: Any, data: Any, options: Mapping[str, Any]) -> Text:
    data_or_path: Any = source if isinstance(source, str) else data
    encoding = str(options.get("encoding") or "utf-8").lower()
    if "16" in encoding or "32" in encoding:
        return Text(data_or_path, True)
    separator = next((options[name] for name in ("sep", "delimiter", "separator") if name in options), ",")
    digits = separator not in (",", ";", "\t", "|") or _CELL.search(data) is not None
    nul = data.find(b"\0") >= 0
    if data.find(b"\r") < 0 or options.keys() & DIALECT or not re.search(rb"\r(?!\n)", data):
        return Text(data_or_path, digits, None, nul)
    if data.find(b"\n") < 0:
        return Text(data_or_path, digits, "\r", nul)
    if data.find(b"\r\n") < 0:
        return Text(data_or_path, digits, "\n", nul)
    # A carriage return within a line, among lines that end in \r\n: these become \n, but not within quotes.
    plain = _QUOTED.sub(lambda found: found[0] if found[0][:1] == b'"' else b"\n", data)
    return Text(plain, digits, "\n", nul)


def text_columns(
    texts: Mapping[Any, Sequence[str | None]], floats: Collection[Any], digits: bool, named: Collection[Any]
) -> list[Any]:
    """Return the columns that were read as numbers and must be text.

    Args:
        texts: The texts of each column in question.
        floats: The columns that were read as floats; the others were read as whole numbers.
        digits: A cell of the file may begin as no number does.
        named: Columns that another file of the same set has as text.

    Raises:
        MixedKindsError: A column of floats has lost a whole number.
    """
    found = []
    for name, column in texts.items():
        if name in named or (digits and is_named(column, whole=name not in floats)):
            found.append(name)
        elif name in floats:
            refuse_lossy(name, column)
    return found


def is_named(texts: Iterable[str | None], whole: bool) -> bool:
    """Return whether a column read as numbers is none: a text of it begins with 0 or, among whole numbers, with +."""
    pattern = re.compile(DIGITS if whole else r"^\s*[+-]?0\d")
    return any(text is not None and pattern.match(text) for text in texts)


def is_number(text: Any) -> bool:
    """Return whether every reader takes this text for a number."""
    return isinstance(text, str) and _NUMBER.match(text) is not None


def is_whole(text: Any) -> bool:
    """Return whether a text is a whole number."""
    return isinstance(text, str) and _WHOLE.fullmatch(text) is not None


def refuse_lossy(name: str, texts: Sequence[str | None]) -> None:
    """Raise MixedKindsError for whole numbers in a column of floats that no float is equal to."""
    whole = (int(text) for text in texts if text is not None and is_whole(text))
    try:
        refuse_inexact(whole, name)
    except MixedKindsError as error:
        raise MixedKindsError(
            f"{error}; read it as text by an option of the reader, or make the column one type"
        ) from None


def change(texts: Sequence[Any]) -> str | None:
    """Return how texts of a column come back changed from CSV, if they do."""
    there = [text for text in texts if isinstance(text, str)]
    if not there:
        return None
    if not _NULL_SET.isdisjoint(there):
        null = next(text for text in there if text in _NULL_SET)
        return f"holds the text {null!r}, which CSV is read back from as missing"
    if there[0] in TRUTHS and all(text in TRUTHS for text in there):
        return "holds texts that CSV is read back from as booleans"
    if is_number(there[0]) and all(map(is_number, there)) and not is_named(there, all(map(is_whole, there))):
        return f"holds texts such as {there[0]!r}, which CSV is read back from as numbers"
    return None


_NULL_SET = frozenset(NULLS)
