"""The cost of redaction: on an ordinary line, and on texts crafted to stall a pattern.

An ordinary line is seven fields with ordinary names and values. The floor copies the dict; odibi-core
splits standard fields from others, and checks each name and value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import Contender, Prepare, Runner, Target, Work, statement

FIELDS: dict[str, Any] = {
    "node_name": "clean_orders",
    "table": "orders",
    "row_count": 1042,
    "duration_ms": 12.5,
    "ok": True,
    "source": "orders.csv",
    "batch": 7,
}
TEXT = "3 rows of orders.csv have no customer, 1042 were kept"
SIZE = 64 * 1024

ATTACKS = {
    "an e-mail that never ends": "a" * SIZE,
    "dots and no @": "a." * (SIZE // 2),
    "many @": "a@" * (SIZE // 2),
    "a password and no value": "password" * (SIZE // 8),
    "assignments": "secret=" * (SIZE // 7),
    "URLs with colons": "://a:" * (SIZE // 5),
    "digits": "4" * SIZE,
    "digits and dashes": "4-" * (SIZE // 2),
    "an IBAN that never ends": "DE89" + "A" * (SIZE - 4),
    "tokens": "eyJ" * (SIZE // 3),
    "keys of PEM": "-----BEGIN PRIVATE KEY-----" * (SIZE // 27),
    "white space": "token:" + " " * (SIZE - 6),
}


@contextmanager
def _sift(_: Path) -> Iterator[Runner]:
    from odibi_core.events.sanitize import split_fields

    yield statement("split_fields(dict(fields))", split_fields=split_fields, fields=FIELDS)


@contextmanager
def _copy(_: Path) -> Iterator[Runner]:
    yield statement("dict(fields)", fields=FIELDS)


@contextmanager
def _processor(_: Path) -> Iterator[Runner]:
    """Yield a hand-written redactor for structlog or logging: names in a set, one pattern over each text."""
    names = frozenset({"password", "token", "secret", "api_key", "authorization"})
    pattern = re.compile(r"(password|token|secret)=\S+|\b\d{13,16}\b|[\w.]+@[\w.]+")

    def process(event: dict[str, Any]) -> dict[str, Any]:
        for name, value in event.items():
            if name.lower() in names:
                event[name] = "***"
            elif isinstance(value, str):
                event[name] = pattern.sub("***", value)
        return event

    yield statement("process(dict(fields))", process=process, fields=FIELDS)


def _text(content: str, *, new_each_time: bool = False) -> Prepare:
    """Return a preparation that sanitizes a text, with `new_each_time` a new one, for which no cache helps."""

    @contextmanager
    def prepare(_: Path) -> Iterator[Runner]:
        from odibi_core.events.sanitize import sanitize_text

        if new_each_time:
            yield statement(
                "clean(content + str(next(number)))",
                clean=sanitize_text, content=content, number=iter(range(10**12)),
            )  # fmt: skip
        else:
            yield statement("clean(content)", clean=sanitize_text, content=content)

    return prepare


def works(quick: bool) -> list[Work]:
    floor = "a copy of the dict"
    ordinary = Work(
        "a line of seven ordinary fields",
        "µs",
        [
            Contender("odibi-core", _sift, "ours", "names and values, every shape of secret"),
            Contender("a processor of ten lines", _processor, note="five names, three patterns"),
            Contender(floor, _copy, "floor"),
        ],
        [Target(1.0, floor, "difference", "what redaction adds")],
    )
    sentence = Work(
        "a sentence that was never seen", "µs", [Contender("odibi-core", _text(TEXT, new_each_time=True), "ours")]
    )
    attacks = [
        Work(f"64 kB of {name}", "ms", [Contender("odibi-core", _text(content), "ours")], [Target(50.0)], rounds=3)
        for name, content in ATTACKS.items()
    ]
    return [ordinary, sentence, *attacks]
