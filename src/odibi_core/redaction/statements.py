"""Secrets in SQL, which the columns of a statement name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import hides, names_a_secret
from odibi_core.redaction.shapes import without_spans
from odibi_core.redaction.values import closing_quote

_COLUMNS: Final = lazy_pattern(r"\((?P<columns>[^()]++)\)\s*+(?i:values?|=)\s*+(?=\()")
"""`(name, password) VALUES (`, and `Key (name, token)=(` of PostgreSQL's errors."""
_TABLE: Final = lazy_pattern(
    r"(?i)create[ \t]++(?:temp(?:orary)?[ \t]++)?table[ \t]++(?:if[ \t]++not[ \t]++exists[ \t]++)?"
    r"(?P<name>[\w.\"`\[\]]{1,200}+)\s*+(?=\()"
)
_ROWS_OF: Final = lazy_pattern(r"(?i)insert[ \t]++into[ \t]++(?P<name>[\w.\"`\[\]]{1,200}+)\s++values\s*+(?=\()")
_NO_COLUMNS: Final = frozenset({"primary", "foreign", "unique", "constraint", "check", "key", "index", "exclude"})
_SIGN: Final = lazy_pattern(r"(?P<quote>\\{0,8}[\"'])|[(),]")
_NEXT_ROW: Final = lazy_pattern(r"\s*+(?:,|\.\.\.[^()]{0,200}?\.\.\.)\s*+(?=\()")
_GIVEN_LATER: Final = lazy_pattern(r"\?|%s|%\(\w+\)s|[:$@]\w+|(?i:default)")
"""Placeholders of a statement, whose values are passed separately."""
_PARAMETERS: Final = lazy_pattern(r"\[parameters: \[?(?=\()")
"""The start of the parameters that SQLAlchemy prints after a failed statement."""
_Span = tuple[int, int]


def of_columns(content: str) -> str:
    """Return the text without the values of columns that hold secrets, in every row of a statement."""
    spans = _of_tables(content) if _TABLE.search(content) else []
    done = behind = 0
    for match in _COLUMNS.finditer(content):
        if match.start() < done:
            continue
        columns = [name.strip(" \t\r\n\"'`[]\\")[-200:] for name in match["columns"].split(",")]
        if not any(map(names_a_secret, columns)):
            continue
        rows, done = _rows(content, match.end())
        if all(_GIVEN_LATER.fullmatch(content, *item) for item in rows[0]):
            told = _PARAMETERS.search(content, max(done, behind)) if behind >= 0 else None
            given, behind = _rows(content, told.end()) if told else ([], -1)
            rows += given
        for row in rows:
            spans += _secret_items(content, columns, row)
    return without_spans(content, sorted(spans))


def _of_tables(content: str) -> list[_Span]:
    """Return the secrets of an `INSERT` without columns, if the same text creates the table."""
    tables = _columns_of_tables(content)
    spans: list[_Span] = []
    done = 0
    for match in _ROWS_OF.finditer(content):
        columns = tables.get(_table_name(match["name"]), [])
        if match.start() >= done and any(map(names_a_secret, columns)):
            rows, done = _rows(content, match.end())
            for row in rows:
                spans += _secret_items(content, columns, row)
    return spans


def _columns_of_tables(content: str) -> dict[str, list[str]]:
    tables: dict[str, list[str]] = {}
    done = 0
    for match in _TABLE.finditer(content):
        if match.start() >= done:
            items, done = _row(content, match.end() + 1)
            words = [content[start:end].split(None, 1) for start, end in items]
            names = [word[0].strip("\"'`[]") for word in words if word]
            tables[_table_name(match["name"])] = [name for name in names if name.lower() not in _NO_COLUMNS]
    return tables


def _table_name(written: str) -> str:
    return written.rpartition(".")[2].strip('"`[]').lower()


def _rows(content: str, start: int) -> tuple[list[list[_Span]], int]:
    """Return the rows `(…), (…)` from this bracket on, each with its items, and the end of the last."""
    rows: list[list[_Span]] = []
    while True:
        row, end = _row(content, start + 1)
        rows.append(row)
        more = _NEXT_ROW.match(content, end)
        if not more:
            return rows, end
        start = more.end()


def _row(content: str, start: int) -> tuple[list[_Span], int]:
    """Return the items up to the closing bracket, and the end; an unclosed row takes the rest of the text."""
    items: list[_Span] = []
    depth, at, begun = 0, start, start
    while sign := _SIGN.search(content, at):
        at = sign.end()
        if sign["quote"]:
            at = closing_quote(content, at, sign[0]) + len(sign[0])
        elif sign[0] == "(":
            depth += 1
        elif depth and sign[0] == ")":
            depth -= 1
        elif not depth:
            items.append(_trimmed(content, begun, sign.start()))
            begun = at
            if sign[0] == ")":
                break
    else:
        items.append(_trimmed(content, begun, len(content)))
        at = len(content)
    if len(items) > 1 and items[-1][0] == items[-1][1]:
        items.pop()  # `('x',)`
    return items, at


def _trimmed(content: str, start: int, end: int) -> _Span:
    item = content[start:end]
    begin = start + len(item) - len(item.lstrip())
    return begin, max(begin, start + len(item.rstrip()))


def _secret_items(content: str, columns: list[str], row: list[_Span]) -> Iterator[_Span]:
    """Return the items to hide; all of them if their number differs from that of the columns."""
    if len(row) != len(columns):
        yield row[0][0], row[-1][1]
        return
    for name, (start, end) in zip(columns, row, strict=True):
        quote = _SIGN.match(content, start, end)
        if quote and quote["quote"] and content.endswith(quote[0], quote.end(), end):
            start, end = quote.end(), end - len(quote[0])
        if hides(name, content[start:end]) and not _GIVEN_LATER.fullmatch(content, start, end):
            yield start, end
