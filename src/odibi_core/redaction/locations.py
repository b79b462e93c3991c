"""Paths and URIs as the record has them: a path stays the path, a URI loses its login and the secrets of its query."""

from __future__ import annotations

import re
from typing import Final

from odibi_core.redaction.addresses import without_logins
from odibi_core.redaction.keys import Redacted
from odibi_core.redaction.redactor import redact_text

_PATH: Final = re.compile(r"(?:~[\w.-]*)?[/\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_QUERY: Final = re.compile(r"[?#]")


def location(content: str) -> Redacted:
    """Return a path or a URI without credentials; another text is redacted like any.

    A path is returned unchanged, whatever its names look like. It is absolute, or begins with `./`, `../` or `~`.
    """
    if "://" in content:
        return Redacted(_uri(content))
    return Redacted(content if _PATH.match(content) and content.isprintable() else redact_text(content))


def _uri(content: str) -> str:
    """Return a URI without login; its query and fragment are redacted as any text."""
    content = without_logins(content)
    query = _QUERY.search(content)
    if query is None:
        return content
    return content[: query.start()] + redact_text(content[query.start() :])
