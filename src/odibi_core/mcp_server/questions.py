"""The questions of `docs/questions.md`, each with its SELECT."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

_QUESTION: Final = re.compile(r"^### \d+\. (.+?)\n.*?^`{3}sql\n(.*?)^`{3}", re.MULTILINE | re.DOTALL)
_SECTION: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_PAGE: Final = "questions.md"


class Question(Struct, frozen=True):
    """A question about the runs of a store, and the SELECT that answers it."""

    section: str
    question: str
    sql: str


@cache
def questions() -> tuple[Question, ...]:
    """Return the questions in their order; none if the page is not installed."""
    found: list[Question] = []
    _, *parts = _SECTION.split(_text())
    for section, text in zip(parts[::2], parts[1::2], strict=True):
        found += [Question(section, *match) for match in _QUESTION.findall(text)]
    return tuple(found)


def _text() -> str:
    package = Path(__file__).parents[1]
    for folder in (package / "_docs", package.parents[1] / "docs"):
        if (page := folder / _PAGE).is_file():
            return page.read_text("utf-8")
    return ""
