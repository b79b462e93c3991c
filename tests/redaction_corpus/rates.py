"""The rates of the redaction on the corpus: each entry goes through the bus, and its line is checked."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from tests.redaction_corpus import (
    formats,
    frequent_more,
    innocent_code,
    innocent_more,
    innocent_names,
    innocent_numbers,
    innocent_texts,
    languages,
    promised_edges,
    promised_names,
    promised_shapes,
    promised_texts,
    services,
)
from tests.redaction_corpus.corpus import SEED, Entry, Kind, Verdict, filled

from odibi_core.bus.bus import EventBus
from odibi_core.events import Event, encode
from odibi_core.events.event import HEADER

TABLES: Final[dict[Verdict, tuple[Kind, ...]]] = {
    "promised": promised_names.KINDS + promised_shapes.KINDS + promised_texts.KINDS + promised_edges.KINDS,
    "common": formats.KINDS + languages.KINDS + services.KINDS + frequent_more.KINDS,
    "innocent": innocent_names.KINDS
    + innocent_numbers.KINDS
    + innocent_texts.KINDS
    + innocent_code.KINDS
    + innocent_more.KINDS,
}
_KIND: Final = "log"
_HEADER: Final = HEADER | {"memory_mb"}
"""Fields that the recorder adds to every event."""
_IGNORED: Final = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_ESCAPED: Final = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_HALVED: Final = 10
"""A secret of so many letters is looked for in halves: a part of it is a leak too."""


class Rate(NamedTuple):
    """The failures among the entries of one kind: secrets that came out, or innocent values that were changed."""

    verdict: Verdict
    kind: str
    total: int
    failed: int


def corpus(seed: int = SEED) -> list[Entry]:
    """Return every entry of the corpus, filled by the seed."""
    return filled(TABLES, seed)


def lines_of(entries: Iterable[Entry]) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Yield each entry with what its event's line holds besides the header."""
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    for entry in entries:
        bus.publish(_KIND, entry.message, fields=dict(entry.fields))
        record = json.loads(encode(heard.pop()))
        if (
            entry.message is None and record.get("message") == _KIND
        ):  # an event without a text has its kind as message
            del record["message"]
        yield entry, {name: value for name, value in record.items() if name not in _HEADER}


def failures(entries: Iterable[Entry]) -> list[tuple[Entry, dict[str, Any]]]:
    """Return the entries that fail, each with its line."""
    return [(entry, line) for entry, line in lines_of(entries) if fails(entry, line)]


def rates(entries: list[Entry]) -> list[Rate]:
    """Return the rate of each kind, in the order of the corpus."""
    failed = [entry for entry, _ in failures(entries)]
    kinds = dict.fromkeys((entry.verdict, entry.kind) for entry in entries)
    return [Rate(*kind, _count(kind, entries), _count(kind, failed)) for kind in kinds]


def share(found: Iterable[Rate], verdict: Verdict) -> float:
    """Return the share of a verdict's entries that fail, from 0 to 1."""
    own = [rate for rate in found if rate.verdict == verdict]
    return sum(rate.failed for rate in own) / sum(rate.total for rate in own)


def _count(kind: tuple[Verdict, str], entries: list[Entry]) -> int:
    return sum((entry.verdict, entry.kind) == kind for entry in entries)


def bare_line(entry: Entry) -> dict[str, Any]:
    """Return the line of an entry of which nothing is hidden or changed."""
    message = {} if entry.message is None else {"message": entry.message}
    line: dict[str, Any] = json.loads(json.dumps(message | entry.fields, default=str))
    return line


def fails(entry: Entry, line: dict[str, Any]) -> bool:
    """Return true if a secret, or a half of one, is in the line; or if an innocent line is not as it was."""
    if entry.verdict == "innocent":
        return line != bare_line(entry)
    views = tuple(_views("\n".join(_texts(line))))
    return any(part in view for secret in entry.secrets for part in _parts(_plain(secret)) for view in views)


def _texts(value: Any) -> Iterator[str]:
    """Yield every key and every value as text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


def _views(text: str) -> Iterator[str]:
    """Yield the text as it is and decoded in each way that a reader of the log may try."""
    for view in (text, unquote(unquote(text)), html.unescape(text), _ESCAPED.sub(_character, text)):
        yield _plain(view)


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16))


def _plain(text: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text))


def _parts(secret: str) -> tuple[str, ...]:
    half = len(secret) // 2
    return (secret[:half], secret[half:]) if len(secret) >= _HALVED else (secret,)
