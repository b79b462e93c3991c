"""The rules of prose that a program can judge, for docstrings, comments and pages."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 32
"""Words of a sentence; about 20 is the aim."""

PERSONS = frozenset(
    "who whoever whom somebody someone nobody anybody anyone everybody everyone ours theirs".split()  # noqa: SIM905
)
"""Words for persons; the text names the caller, the thread or the process."""
METAPHORS = frozenset(
    """tell tells told telling hear hears heard say says said hall door doors drawer bury buries buried rides
    riding""".split()  # noqa: SIM905
)
"""Words with a standard term: emit, publish, report, handle, package, public module, mark."""
STARTS = ("What ", "Whatever ", "Whether ", "That which ", "Whoever ", "Who ")
"""Starts of a sentence that describe a thing before they name it."""
NOT_VERBS = frozenset(
    """a an the its it this that these those what whatever whether who how where when which why whose if as of in on
    at to for from by with without and or but so not no nothing none never all any each every some one two both more
    only also else one's there they we you i is are was be true false
    gives returns yields makes takes raises writes reads adds gets sets puts keeps holds runs calls sends
    shows""".split()  # noqa: SIM905
)
"""First words that are no imperative verb such as "Return"."""

_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_CODE = re.compile(r"``[^`]+``|`[^`\n]*`|\"[^\"\n]*\"|“[^”]*”|<[^>\n]*>|\]\([^)]*\)")
_DIAGRAM = re.compile(r"^.*[├└│].*$|^\s*(?:>>>|\.\.\.).*$|^.*\S {2,}\S.*$", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.|[A-Z]\w+:))")


@dataclass(frozen=True)
class Finding:
    """A place that breaks a rule: its line, and the rule with the words."""

    line: int
    rule: str


def of_text(text: str, line: int) -> Iterator[Finding]:
    """Yield the findings of a text that begins at this line."""
    for sentence in _SENTENCE.split(_CODE.sub("`", _DIAGRAM.sub("", text))):
        words = _WORD.findall(sentence)
        at = line + text.count("\n", 0, max(text.find(sentence[:20]), 0))
        lower = {word.lower() for word in words}
        for found in sorted(lower & (PERSONS | METAPHORS)):
            yield Finding(at, f"word: {found}")
        if sentence.lstrip().startswith(STARTS):
            yield Finding(at, f"start: {words[0]}")
        if len(words) > LONGEST:
            yield Finding(at, f"{len(words)} words: {' '.join(words[:6])} …")


def of_source(text: str, *, is_test: bool = False) -> Iterator[Finding]:
    """Yield the findings of the docstrings and comments of a file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _of_docstring(node, is_test)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from of_text(node.value.value, node.lineno)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not re.match(r"#\s*(?:noqa|type:|fmt:|pragma|!)", token.string):
            yield from of_text(re.sub(r"#\s*(?:noqa|type: ignore).*", "", token.string.lstrip("# ")), token.start[0])


def _of_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, is_test: bool
) -> Iterator[Finding]:
    docstring = ast.get_docstring(node)
    if docstring and not isinstance(node, ast.Module | ast.ClassDef) and not is_test and not _is_property(node):
        yield from of_first_word(docstring, node.body[0].lineno)


def of_first_word(text: str, line: int) -> Iterator[Finding]:
    """Yield a finding unless the text starts with an imperative verb."""
    words = _WORD.findall(text[:80])
    if not words or words[0].lower() in NOT_VERBS or not text[0].isupper():
        yield Finding(line, f"no imperative: {text[:30]!r}")


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in ast.unparse(each) for each in node.decorator_list)


def of_page(text: str) -> Iterator[Finding]:
    """Yield the findings of a page, without its code blocks and tables."""
    kept: list[str] = []
    fenced = False
    for row in text.splitlines():
        fenced ^= row.lstrip().startswith("```")
        kept.append("" if fenced or row.lstrip().startswith(("```", "<!--", "|")) else row)
    yield from of_text("\n".join(kept), 1)
