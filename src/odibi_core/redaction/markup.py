"""Secrets in XML and HTML: in an element with the name of a secret, or beside an attribute that names one."""

from __future__ import annotations

import re
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import VALUES, hides, names_a_secret
from odibi_core.redaction.shapes import without_spans

_TAG: Final = lazy_pattern(
    r"<(?P<close>/?)(?:[\w.-]{1,100}:)?(?P<name>[\w.-]{1,100})(?P<attributes>(?:\s[^<>]{0,4000}+)?)(?P<end>/?)>"
)
_ATTRIBUTE: Final = lazy_pattern(
    r"(?<![\w:.-])(?P<name>[\w:.-]{1,100}+)\s{0,8}+=\s{0,8}+(?:(?P<quote>\\{0,4}[\"'])(?P<value>[^\"'<>\\]{0,2000}+)(?P=quote)"
    r"|(?P<bare>[^\s\"'<>=\\]{1,200}+))"
)
_NAMING: Final = frozenset({"name", "key", "id", "type", "property", "option", "param", "field", "n", "k"})
_NAMING_ELEMENTS: Final = frozenset({"name", "key", "property", "param", "string"})
_HOLDING: Final = frozenset({*VALUES, "content", "default", "data", "v", "string"})
_CDATA: Final = "<![CDATA["
_Span = tuple[int, int]


def may_be_markup(content: str) -> bool:
    """Return whether a text may hold an element of XML or HTML."""
    return "<" in content and ">" in content


class _Reader:
    """One pass over the tags of a text."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.spans: list[_Span] = []
        self.done = 0
        self.unclosed: set[str] = set()
        self.named = False
        """The element before, such as `<key>password</key>`, names the one that follows."""

    def read(self) -> list[_Span]:
        for tag in _TAG.finditer(self.content):
            if tag.start() >= self.done and not tag["close"]:
                self._open(tag)
        return self.spans

    def _open(self, tag: re.Match[str]) -> None:
        named = self._attributes(tag)
        name = tag["name"]
        if tag["end"]:
            return
        if named or names_a_secret(name) or (self.named and name.lower() in _HOLDING):
            self._take(tag, name if names_a_secret(name) else "password")
            self.named = False
        elif name.lower() in _NAMING_ELEMENTS:
            end = self.content.find("<", tag.end(), tag.end() + 100)
            self.named = end > 0 and names_a_secret(self.content[tag.end() : end].strip())

    def _attributes(self, tag: re.Match[str]) -> bool:
        """Hide the attribute that holds a secret; return whether another attribute names it."""
        if not tag["attributes"]:
            return False
        found = list(_ATTRIBUTE.finditer(self.content, *tag.span("attributes")))
        named = any(
            each["name"].lower() in _NAMING and names_a_secret(each["value"] or each["bare"] or "") for each in found
        )
        for each in found:
            holds = named and each["name"].lower() in _HOLDING
            group = "bare" if each["bare"] else "value"
            if (holds or names_a_secret(each["name"])) and hides("password", each[group]):
                self.spans.append(each.span(group))
        return named

    def _take(self, tag: re.Match[str], name: str) -> None:
        """Hide the content of the element; if it is not closed, the rest of the line."""
        start = tag.end()
        end = self._end_of(tag["name"], start)
        written = self.content[start:end]
        start += len(written) - len(written.lstrip())
        end = max(start, end - (len(written) - len(written.rstrip())))
        if self.content.startswith(_CDATA, start):
            start += len(_CDATA)
            end = max(start, end - 3 if self.content.startswith("]]>", end - 3) else end)
        if end > start and hides(name, self.content[start:end]):
            self.spans.append((start, end))
            self.done = end

    def _end_of(self, name: str, start: int) -> int:
        if name not in self.unclosed:
            at = self.content.find(f"{name}>", start)
            if at > 0:
                slash = self.content.rfind("</", start, at)
                if slash >= 0:
                    return slash
            else:
                self.unclosed.add(name)
        following = re.compile(r"[<\r\n]").search(self.content, start)
        return following.start() if following else len(self.content)


def of_markup(content: str) -> str:
    """Return the text without the content of elements and attributes that are named like secrets."""
    return without_spans(content, sorted(_Reader(content).read()))
