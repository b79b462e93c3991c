"""Values and names that break loggers and that a program may pass to any call, each made anew."""

from __future__ import annotations

import enum
import io
import itertools
import json
import math
import threading
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pydantic


class Colour(enum.Enum):
    RED = "red"
    BLUE = Decimal("1.5")


class Size(enum.IntEnum):
    BIG = 3


@dataclass
class Order:
    id: int
    parts: list[Any]


class Struct(msgspec.Struct):
    a: int


class Model(pydantic.BaseModel):
    name: str
    ratio: float


Point = namedtuple("Point", "x y")


class Raises:
    """An object that raises from each of its methods."""

    def __init__(self, error: type[Exception] = RuntimeError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise self.error(f"no {name}")

    def __repr__(self) -> str:
        raise self.error("no")

    __str__ = __len__ = __hash__ = __eq__ = __bool__ = __iter__ = __float__ = __index__ = __repr__  # type: ignore[assignment]


class RaisesWithoutWords(Exception):
    def __str__(self) -> str:
        raise KeyError(self)


class Logs:
    """An object that logs in each of its methods."""

    def __str__(self) -> str:
        from odibi_core.logs.program_logger import get_logger

        get_logger("inside").info("looked_at")
        return "logs"

    __repr__ = __str__

    def __len__(self) -> int:
        return len(str(self))


class LyingClass:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("nobody knows what I am")

    def __str__(self) -> str:
        return "a liar"


class Text(str):
    """A text with false methods."""

    def __str__(self) -> str:
        raise RuntimeError("no")


class Lying(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no")


class RaisingMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        raise RuntimeError("no length")


class EndlessList(list[int]):
    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


def cycle() -> Any:
    loop: dict[str, Any] = {"list": []}
    loop["list"].append(loop)
    return loop


def deep(depth: int = 100_000) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def deep_dict(depth: int = 100_000) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"in": value}
    return value


def consumed() -> Iterator[int]:
    """Fail: no code may iterate this."""
    raise AssertionError("a generator is never consumed")
    yield 1


def frame(rows: int = 100_000) -> pd.DataFrame:
    return pd.DataFrame({"secret_column": range(rows)})


VALUES: dict[str, Callable[[], Any]] = {
    "cycle": cycle,
    "depth": deep,
    "depth of dicts": deep_dict,
    "wide": lambda: list(range(20_000)),
    "many keys": lambda: {f"a rather long key {n}": n for n in range(5_000)},
    "huge text": lambda: "é" * 500_000,
    "huge bytes": lambda: b"x" * 500_000,
    "huge list": lambda: ["x" * 60_000] * 20,
    "frame of pandas": frame,
    "frame of polars": lambda: pl.DataFrame({"a": range(1000)}),
    "lazy frame": lambda: pl.LazyFrame({"a": [1]}),
    "series": lambda: pd.Series([1, 2]),
    "array": lambda: np.zeros((1000, 1000)),
    "generator": consumed,
    "endless": itertools.count,
    "endless list": lambda: EndlessList(range(2000)),
    "raises": Raises,
    "recursion": lambda: Raises(RecursionError),
    "memory": lambda: Raises(MemoryError),
    "exception": lambda: ValueError("bad"),
    "exception without words": RaisesWithoutWords,
    "logs": Logs,
    "class that lies": LyingClass,
    "text that lies": lambda: Text("words"),
    "dict that lies": lambda: Lying(a=1),
    "mapping that raises": RaisingMapping,
    "NaN": lambda: math.nan,
    "infinity": lambda: math.inf,
    "infinities": lambda: [math.inf, -math.inf],
    "2**64": lambda: 2**64,
    "minus 2**70": lambda: -(2**70),
    "5,000 digits": lambda: 10**5000,
    "negative 5,000 digits": lambda: {"n": -(10**5000)},
    "largest float": lambda: 1.7e308,
    "surrogate": lambda: "a\ud800b\udfff",
    "surrogate pair": lambda: "\ud83d\ude00",
    "NUL": lambda: "a\x00b",
    "control characters": lambda: "\x1b[2J\r\n\u2028\u2029\u202e\x85",
    "path": lambda: "../../etc/passwd",
    "empty": lambda: "",
    "bytes": lambda: b"\xff\xfe",
    "bytearray": lambda: bytearray(b"\xfe"),
    "memoryview": lambda: memoryview(b"abc"),
    "set": lambda: {1, "a", None},
    "frozenset": lambda: frozenset([frozenset([1])]),
    "decimal": lambda: Decimal("1.10"),
    "decimals": lambda: [Decimal("NaN"), Decimal("Infinity"), Decimal("sNaN")],
    "signalling NaN": lambda: Decimal("sNaN"),
    "fraction": lambda: Fraction(1, 3),
    "complex": lambda: 1 + 2j,
    "numpy integer": lambda: np.int64(1),
    "numpy NaN": lambda: np.float32("nan"),
    "numpy bool": lambda: np.bool_(True),
    "numpy text": lambda: np.str_("x"),
    "numpy times": lambda: [np.datetime64("NaT"), np.datetime64("2026-01-01"), np.timedelta64(5, "ns")],
    "NaT": lambda: pd.NaT,
    "NA": lambda: pd.NA,
    "pandas scalars": lambda: [
        pd.NaT, pd.NA, pd.Timestamp("2026-01-31"), pd.Timedelta("1s"), pd.Interval(0, 1), pd.Period("2026-01"),
    ],
    "times": lambda: [
        datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), date.max, time(1), timedelta.max,
    ],
    "enum": lambda: Colour.BLUE,
    "enums": lambda: [*Colour, Size.BIG],
    "dataclass": lambda: Order(1, [Order(2, [])]),
    "struct": lambda: Struct(1),
    "pydantic": lambda: Model(name="a", ratio=math.nan),
    "named tuple": lambda: Point(1, 2),
    "ordered": lambda: OrderedDict(a=1),
    "deque": lambda: deque([1]),
    "pure path": lambda: PurePosixPath("/a"),
    "uuid": lambda: UUID(int=1),
    "range": lambda: range(3),
    "none": lambda: None,
    "false": lambda: False,
    "minus one": lambda: -1,
    "class": lambda: Order,
    "function": lambda: deep,
    "module": lambda: json,
    "object": object,
    "ellipsis": lambda: ...,
    "not implemented": lambda: NotImplemented,
    "lock": threading.Lock,
    "stream": io.StringIO,
    "keys that are no texts": lambda: {1: "a", None: "b", (1, 2): "c", 1.5: "d", b"k": "e", Colour.RED: "f"},
    "keys that are objects": lambda: {object(): 1},
    "keys that collide": lambda: {1: "a", "1": "b", 1.5: "c", "1.5": "d"},
    "keys that are reserved": lambda: {"timestamp": 1, "level": 2, "seq": 3, "operation": 4, "tags": {"node": 5}},
    "huge key": lambda: {"k" * 100_000: 1},
    "wire's own key": lambda: {"␟": {"␟": 1}},
}  # fmt: skip

LARGEST: dict[str, Callable[[], Any]] = {
    "100 MB of text": lambda: "é" * 50_000_000,
    "100 MB of bytes": lambda: b"x" * 100_000_000,
}
"""Where one of them is enough."""

NAMES = [
    "timestamp", "level", "event_type", "message", "seq", "writer_id", "component", "run_id", "fields", "self", "event",
    "", " ", "a b", "a.b", "␟", "é", "\ud800", "\x00", "k" * 100_000, "../../etc", "line\nfeed", '"', "__class__",
    "severity", "time", "@timestamp", "status", "labels", "error", "error_type", "trace_id", "duration_ms", "odibi",
    "row_count", "metadata", "memory_mb", "sample_rate", "Timestamp", "dd", "stack_trace", "код", "x" * 300,
    "node", "le", "quantile", "operation", "..", "/", "\\", "a\\nb", "{", "e\u0301", "-",
]  # fmt: skip
"""Of fields, tags, loggers, operations: reserved, empty, twins, and those that would be a path or markup."""


def refuse_constant(constant: str) -> Any:
    """Refuse NaN and the infinities, which are not JSON, as `json.loads(…, parse_constant=…)`."""
    raise AssertionError(f"{constant} is not JSON")


def texts_in(value: Any) -> Iterator[str]:
    """Every text of a decoded document, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from texts_in(item)
