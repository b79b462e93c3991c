"""One series: a metric, a name and a set of labels, with what was measured.

Each holds two parts. What events told is in the total; what was measured here and not yet said waits in the
delta (`d_…`). Saying moves the delta into the total in one addition, which is also what a replay of the event
does, so both come to the same number to the last bit. A value that a series cannot take is refused: False.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Final, TypeAlias

from odibi_core.errors import STOPS
from odibi_core.events.normalize import json_number
from odibi_core.views.metrics.types import COUNTER, GAUGE, HISTOGRAM
from odibi_core.views.values import count as whole

INF: Final = float("inf")
_HUGE: Final = 1e300
"""Where sums stop taking values: one value past it, and every later one would be lost in infinity."""
_EXACT: Final = 2**63 - 1
Key: TypeAlias = tuple[Any, ...]
"""`(name, label names…, label values…)`: one flat tuple, the cheapest thing to build and to look up."""


class Family:
    """All series of one metric of one kind. `index` may hold a series under several spellings of its key."""

    __slots__ = ("bounds", "index", "kind", "metric", "ordered", "orders", "series")

    def __init__(self, metric: str, kind: str, bounds: tuple[float, ...] = ()) -> None:
        self.metric = metric
        self.kind = kind
        self.bounds = bounds
        self.index: dict[Key, Series] = {}
        self.series: list[Series] = []
        self.orders: dict[frozenset[str], tuple[str, ...]] = {}
        self.ordered: list[Series] = []

    def key(self, name: str, labels: Mapping[str, str]) -> Key:
        """The key of a series; labels stand in the order in which the family first met these names."""
        order = self.orders.get(frozenset(labels)) or tuple(labels)
        return (name, *order, *(labels[label] for label in order))

    def add(self, name: str, labels: Mapping[str, str]) -> Series:
        """A new series; there must be none with this name and these labels."""
        return self.put(self.key(name, labels))

    def put(self, key: Key) -> Series:
        """A new series by its key, as `key` gives it."""
        names = key[1 : (len(key) + 1) // 2]
        self.orders.setdefault(frozenset(names), names)
        series = self.index[key] = SERIES[self.kind](self, key)
        self.series.append(series)
        return series

    def sorted(self) -> list[Series]:
        """Every series, in an order that depends on the names and labels alone."""
        if len(self.ordered) != len(self.series):
            self.ordered = sorted(self.series, key=self._place())
        return self.ordered

    def _place(self) -> Callable[[Series], Any]:
        """What to sort by: the name, then the labels; their values alone where all have the same ones."""
        if len(self.orders) > 1:
            return lambda series: (series.key[0], sorted(series.labels().items()))
        names = next(iter(self.orders.values()), ())
        values = itemgetter(0, *(len(names) + 1 + names.index(name) for name in sorted(names)))
        return lambda series: values(series.key)


class _Base:
    __slots__ = ("count", "d_count", "family", "key", "text")

    def __init__(self, family: Family, key: Key) -> None:
        self.family = family
        self.key = key
        self.text: str | None = None  # an exporter's: the labels as it writes them
        self.count = 0
        self.d_count = 0

    def labels(self) -> dict[str, str]:
        half = (len(self.key) + 1) // 2
        return dict(zip(self.key[1:half], self.key[half:], strict=True))

    @property
    def name(self) -> str:
        return str(self.key[0])

    @property
    def samples(self) -> int:
        return self.count + self.d_count


class CounterSeries(_Base):
    """Only grows."""

    __slots__ = ("d_total", "total")
    kind: Final = COUNTER

    def __init__(self, family: Family, key: Key) -> None:
        super().__init__(family, key)
        self.total: float = 0
        self.d_total: float = 0

    def add(self, value: float) -> bool:
        if not 0 <= value < _HUGE:
            return False
        self.d_total += value
        self.d_count += 1
        return True

    def tell(self, value: float, count: int = 1) -> bool:
        if not 0 <= value < _HUGE:
            return False
        self.total += value
        self.count += count
        return True

    @property
    def value(self) -> float:
        return self.total + _sayable(self.d_total)

    def take(self) -> dict[str, Any]:
        """The delta as an event's fields; from here on it is told."""
        self.d_total = _sayable(self.d_total)
        said = {"value": spelled(self.d_total), "count": self.d_count}
        self.total += self.d_total
        self.count += self.d_count
        self.drop()
        return said

    def drop(self) -> None:
        """Forget what was not yet said."""
        self.d_total = self.d_count = 0

    def merge(self, said: Mapping[str, Any]) -> None:
        value = read(said.get("value"))
        if value is not None:
            self.tell(value, max(1, whole(said.get("count")) or 1))

    def answer(self) -> dict[str, Any]:
        return {"value": spelled(self.value), "count": self.samples}


class GaugeSeries(_Base):
    """Keeps the last value; the sum is there for averages, and for what is also counted (rows)."""

    __slots__ = ("d_last", "d_total", "last", "total")
    kind: Final = GAUGE

    def __init__(self, family: Family, key: Key) -> None:
        super().__init__(family, key)
        self.last: float = 0
        self.total: float = 0
        self.d_last: float = 0
        self.d_total: float = 0

    def add(self, value: float) -> bool:
        if -_HUGE < value < _HUGE:
            self.d_total += value
        elif value.__class__ is int:
            return False
        self.d_last = value
        self.d_count += 1
        return True

    def tell(self, value: float) -> bool:
        if -_HUGE < value < _HUGE:
            self.total += value
        elif value.__class__ is int:
            return False
        self.last = value
        self.count += 1
        return True

    @property
    def value(self) -> float:
        return self.d_last if self.d_count else self.last

    @property
    def sum(self) -> float:
        return self.total + _sayable(self.d_total)

    def take(self) -> dict[str, Any]:
        self.d_total = _sayable(self.d_total)
        said = {"value": spelled(self.d_last), "count": self.d_count, "sum": spelled(self.d_total)}
        self.last = self.d_last
        self.total += self.d_total
        self.count += self.d_count
        self.drop()
        return said

    def drop(self) -> None:
        self.d_last = self.d_total = self.d_count = 0

    def merge(self, said: Mapping[str, Any]) -> None:
        value, total = read(said.get("value")), read(said.get("sum"))
        if value is not None:
            self.last = value
            self.total += value if total is None else total
            self.count += max(1, whole(said.get("count")) or 1)

    def answer(self) -> dict[str, Any]:
        return {"value": spelled(self.value), "count": self.samples, "sum": spelled(self.sum)}


class HistogramSeries(_Base):
    """How values are spread: count, sum, smallest, largest, last, and how many fell into each bucket."""

    __slots__ = ("bounds", "buckets", "d_buckets", "d_last", "d_total", "max", "min", "told", "total")
    kind: Final = HISTOGRAM

    def __init__(self, family: Family, key: Key) -> None:
        super().__init__(family, key)
        self.bounds = family.bounds
        self.total: float = 0
        self.d_total: float = 0
        self.told: float = 0
        self.d_last: float = 0
        self.min: float = INF
        self.max: float = -INF
        self.buckets: list[int] | None = None
        self.d_buckets: list[int] | None = None

    def add(self, value: float) -> bool:
        if not -_HUGE < value < _HUGE:
            return False
        buckets = self.d_buckets
        if buckets is None:
            buckets = self.d_buckets = [0] * (len(self.bounds) + 1)
        buckets[bisect_left(self.bounds, value)] += 1
        self.d_count += 1
        self.d_total += value
        self.d_last = value
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value
        return True

    def tell(self, value: float) -> bool:
        if not -_HUGE < value < _HUGE:
            return False
        buckets = self.buckets
        if buckets is None:
            buckets = self._filled()
        buckets[bisect_left(self.bounds, value)] += 1
        self.count += 1
        self.total += value
        self.told = value
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value
        return True

    def _filled(self) -> list[int]:
        if self.buckets is None:
            self.buckets = [0] * (len(self.bounds) + 1)
        return self.buckets

    def _told(self, low: float, high: float, last: float) -> None:
        self.told = last
        self.min = min(self.min, low)
        self.max = max(self.max, high)

    @property
    def last(self) -> float:
        return self.d_last if self.d_count else self.told

    @property
    def sum(self) -> float:
        return self.total + _sayable(self.d_total)

    def counts(self) -> list[int]:
        """How many fell into each bucket, not added up; the last one is the infinite."""
        told, waiting = self.buckets, self.d_buckets
        if told is None or waiting is None:
            return list(told or waiting or [0] * (len(self.bounds) + 1))
        return [a + b for a, b in zip(told, waiting, strict=True)]

    def take(self) -> dict[str, Any]:
        self.d_total = _sayable(self.d_total)
        waiting = self.d_buckets or []
        said = {
            "value": spelled(self.d_total), "count": self.d_count, "sum": spelled(self.d_total),
            "min": spelled(self.min), "max": spelled(self.max), "last": spelled(self.last),
            "buckets": {_le(self.bounds, place): count for place, count in enumerate(waiting) if count},
        }  # fmt: skip
        self.told = self.d_last
        self.total += self.d_total
        self.count += self.d_count
        self.buckets = waiting if self.buckets is None else self.counts()
        self.drop()
        return said

    def drop(self) -> None:
        self.d_total = self.d_count = 0
        self.d_buckets = None

    def merge(self, said: Mapping[str, Any]) -> None:
        total, buckets = read(said.get("sum")), said.get("buckets")
        if total is None or not isinstance(buckets, Mapping):
            return
        told = self._filled()
        for bound, count in buckets.items():
            upper, more = read(bound), whole(count)
            if upper is not None and more is not None and more > 0:
                told[bisect_left(self.bounds, upper)] += more
                self.count += more
        self.total += total
        low, high, last = (read(said.get(name)) for name in ("min", "max", "last"))
        if low is not None and high is not None and last is not None:
            self._told(low, high, last)

    def answer(self) -> dict[str, Any]:
        buckets = {_le(self.bounds, place): count for place, count in enumerate(self.counts()) if count}
        return {
            "count": self.samples, "sum": spelled(self.sum), "min": spelled(self.min),
            "max": spelled(self.max), "last": spelled(self.last), "buckets": buckets,
        }  # fmt: skip


Series: TypeAlias = CounterSeries | GaugeSeries | HistogramSeries
Sample: TypeAlias = tuple[Series, Any, float]
"""A series, a value that was measured for it, and when."""
SERIES: Final[dict[str, type[Series]]] = {
    COUNTER: CounterSeries,
    GAUGE: GaugeSeries,
    HISTOGRAM: HistogramSeries,
}


def settle(samples: list[Sample]) -> list[Sample]:
    """Bring values into their series; gives back those that are no int or float, or that a series refuses."""
    left = []
    for sample in samples:
        series, value, _ = sample
        kind = type(value)  # and not `__class__`, which may be code of the value's own
        if (kind is not int and kind is not float) or not series.add(value):
            left.append(sample)
    return left


def _le(bounds: tuple[float, ...], place: int) -> str:
    return repr(bounds[place]) if place < len(bounds) else "+Inf"


def _sayable(value: float) -> float:
    """A sum as an event can carry it: an int that no reader of JSON could hold becomes the nearest float."""
    return value if isinstance(value, float) or -_EXACT <= value <= _EXACT else float(value)


def spelled(value: float) -> Any:
    """A number as JSON can hold it: NaN and the infinities by name."""
    return value if isinstance(value, int) and -_EXACT <= value <= _EXACT else json_number(float(value))


def read(value: object) -> float | None:
    """A number from an event, where NaN and the infinities are spelled; None for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def measured(value: object) -> float | None:
    """What a caller gave (a bool, a Decimal, a numpy scalar) as int or float; None if it is no number."""
    try:
        if hasattr(value, "__index__"):
            whole_number = int(value)
            return whole_number if -_EXACT <= whole_number <= _EXACT else float(whole_number)
        return float(value)  # type: ignore[arg-type]
    except STOPS:
        raise
    except BaseException:
        return None  # whatever the object did: a value that is no number is refused, not raised about
