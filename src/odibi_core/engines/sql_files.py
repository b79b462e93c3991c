"""The files that a SQL text of DuckDB names: in `FROM`, in table functions and in `COPY`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from odibi_core.engines.file_access import format_named
from odibi_core.engines.file_readers import Access

_TOKEN: Final = re.compile(
    r"""(?P<skip>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<text>[eE]?'(?:[^']|'')*'|\$\$.*?\$\$)
      | (?P<name>"(?:[^"]|"")*")
      | (?P<given>\$\w+|\?)
      | (?P<word>\w+)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_MAY_NAME_FILES: Final = re.compile(r"(?i)\b(?:from|join|copy)\b")
_READERS: Final = re.compile(r"read_\w+|\w+_scan|sniff_csv")
_FORMATS: Final = {
    **dict.fromkeys(("read_csv", "read_csv_auto", "sniff_csv"), "csv"),
    **dict.fromkeys(("read_parquet", "parquet_scan"), "parquet"),
    **dict.fromkeys(("read_json", "read_json_auto", "read_json_objects"), "json"),
    **dict.fromkeys(("read_ndjson", "read_ndjson_auto", "read_ndjson_objects"), "jsonl"),
    **dict.fromkeys(("read_text", "read_blob"), "text"), "read_xlsx": "excel", "iceberg_scan": "iceberg",
    "delta_scan": "delta",
}  # fmt: skip
LONGEST: Final = 100_000
"""Characters of a text that is examined."""


class SqlFile(NamedTuple):
    """A file of a SQL text: its path, or the parameter that has it."""

    access: Access
    path: str
    format: str | None
    is_parameter: bool = False


class Token(NamedTuple):
    """A token: `text`, `name` (in double quotes), `given` (a parameter), `word` or `sign`."""

    kind: str
    text: str


_AFTER_TABLES: Final = frozenset({"where", "group", "order", "limit", "select", "having", "window", "qualify", "union"})
_END: Final = Token("sign", ";")
_OPENING: Final = Token("sign", "(")


def files_of(text: str, parameters: Any = None) -> list[tuple[Access, str, str | None]]:
    """Return access, path and format of each file that a text names; parameters are replaced by their values."""
    found: list[tuple[Access, str, str | None]] = []
    for file in _files_in(text[:LONGEST]):
        path: Any = _value_of(file.path, parameters) if file.is_parameter else file.path
        for each in path if isinstance(path, list | tuple) else [path]:
            if isinstance(each, str) and (file.access, each, file.format) not in found:
                found.append((file.access, each, file.format))
    return found


def _value_of(name: str, parameters: Any) -> Any:
    """Return the value of `$name`, `$1`, or of the nth `?`, whose name is its number."""
    key = name.lstrip("$")
    if isinstance(parameters, Mapping):
        return parameters.get(key)
    if isinstance(parameters, Sequence) and key.isdigit() and 0 < int(key) <= len(parameters):
        return parameters[int(key) - 1]
    return None


@lru_cache(maxsize=256)
def _files_in(text: str) -> tuple[SqlFile, ...]:
    return tuple(_scan(tokens_of(text))) if _MAY_NAME_FILES.search(text) else ()


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a SQL text without comments: words in lower case, texts and names without quotes.

    The nth `?` is the token `given` of the text n.
    """
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    asked = 0
    for match in _TOKEN.finditer(text):
        kind, value = str(match.lastgroup), match[0]
        if kind == "word":
            value = value.lower()
        elif kind == "text":
            value = value[2:-2] if value.startswith("$$") else value[value.index("'") + 1 : -1].replace("''", "'")
        elif kind == "name":
            value = value[1:-1].replace('""', '"')
        elif value == "?":
            asked += 1
            value = str(asked)
        if kind != "skip":
            yield Token(kind, value)


def _scan(tokens: list[Token]) -> Iterator[SqlFile]:
    copying = False
    listing = [False]
    """By depth of parentheses: whether a comma separates tables."""
    for at, token in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else _END
        if token.kind == "sign":
            copying &= token != _END
            if token.text == "(":
                listing.append(False)
            elif token.text == ")" and len(listing) > 1:
                listing.pop()
            elif token.text == "," and listing[-1]:
                yield from _at(following, "read", only_files=True)
        elif token.kind != "word":
            continue
        elif token.text == "copy":
            copying = True
        elif token.text == "to" and copying:
            yield from _at(following, "write")
        elif token.text in ("from", "join"):
            listing[-1] = True
            yield from _at(following, "read", only_files=not copying)
        elif token.text in _AFTER_TABLES:
            listing[-1] = False
        elif following == _OPENING and _READERS.fullmatch(token.text):
            yield from _arguments(tokens, at + 2, _FORMATS.get(token.text))


def _at(token: Token, access: Access, *, only_files: bool = False) -> Iterator[SqlFile]:
    """Yield the file that a token names.

    Args:
        token: The token behind a keyword.
        access: "read" or "write".
        only_files: DuckDB takes the text for a file only if it has the suffix of one; a name in double quotes always.
    """
    if token.kind == "given":
        yield SqlFile(access, token.text, None, is_parameter=True)
    elif token.kind in ("text", "name") and (
        (token.kind == "text" and not only_files) or format_named(token.text) is not None
    ):
        yield SqlFile(access, token.text, None)


def _arguments(tokens: list[Token], at: int, format: str | None) -> Iterator[SqlFile]:
    """Yield the files of the first argument of a table function, a path or a list of them."""
    if at < len(tokens) and tokens[at] == ("sign", "["):
        at += 1
        while at < len(tokens) and tokens[at] != ("sign", "]"):
            yield from (file._replace(format=format) for file in _at(tokens[at], "read"))
            at += 1
    elif at < len(tokens):
        yield from (file._replace(format=format) for file in _at(tokens[at], "read"))
