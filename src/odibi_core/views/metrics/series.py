"""Series: a metric, a name and a set of labels, with the values measured for it.

A series has two parts: the total of published events, and the delta (`d_…`) that is measured here and not yet
published. Publishing adds the delta to the total in one addition, as a replay of the event does, so that both have the
same number to the last bit. A series refuses a value outside its range by returning False.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from math import fsum
from operator import itemgetter
from typing import Any, Final, TypeAlias

from odibi_core.errors import STOPS
from odibi_core.events.normalize import json_number
from odibi_core.views.metrics.native import NativeCounts, native_counts, sum_of
from odibi_core.views.metrics.types import COUNTER, GAUGE, HISTOGRAM
from odibi_core.views.values import count as whole

INF: Final = float("inf")
HUGE: Final = 1e300
"""Bound of values in a sum: one larger value could turn the sum, and every later one, into infinity."""
_EXACT: Final = 2**63 - 1
IndexKey: TypeAlias = tuple[Any, ...]
"""`(name, label names…, label values…)`: one flat tuple is the cheapest key to build and to look up."""


class Family:
    """All series of one metric of one kind; `index` may hold a series under several spellings of its key."""

    __slots__ = ("bounds", "has_own_bounds", "index", "kind", "metric", "native_scale", "ordered", "orders", "series")

    def __init__(
        self,
        metric: str,
        kind: str,
        bounds: tuple[float, ...] = (),
        *,
        has_own_bounds: bool = False,
        native_scale: float | None = None,
    ) -> None:
        self.metric = metric
        self.kind = kind
        self.bounds = bounds
        self.has_own_bounds = has_own_bounds
        """True if the bounds do not follow from the metric's name; events then name them."""
        self.native_scale = native_scale
        """The factor of values in native counts of a histogram; None: it has none."""
        self.index: dict[IndexKey, Series] = {}
        self.series: list[Series] = []
        self.orders: dict[frozenset[str], tuple[str, ...]] = {}
        self.ordered: list[Series] = []

    def key(self, name: str, labels: Mapping[str, str]) -> IndexKey:
        """Return the key of a series; its labels are in the order in which the family first had these names."""
        order = self.orders.get(frozenset(labels)) or tuple(labels)
        return (name, *order, *(labels[label] for label in order))

    def add(self, name: str, labels: Mapping[str, str]) -> Series:
        """Create a series; there must be none with this name and these labels."""
        return self.put(self.key(name, labels))

    def put(self, key: IndexKey) -> Series:
        """Create a series by its key."""
        names = key[1 : (len(key) + 1) // 2]
        self.orders.setdefault(frozenset(names), names)
        series = self.index[key] = SERIES[self.kind](self, key)
        self.series.append(series)
        return series

    def sorted(self) -> list[Series]:
        """Return every series, in an order that depends on the names and labels alone."""
        if len(self.ordered) != len(self.series):
            self.ordered = sorted(self.series, key=self._place())
        return self.ordered

    def _place(self) -> Callable[[Series], Any]:
        """Return the sort key: the name, then the labels, or only their values if all series have the same labels."""
        if len(self.orders) > 1:
            return lambda series: (series.key[0], sorted(series.labels().items()))
        names = next(iter(self.orders.values()), ())
        values = itemgetter(0, *(len(names) + 1 + names.index(name) for name in sorted(names)))
        return lambda series: values(series.key)


class _BaseSeries:
    """Identity, count and sum of a series."""

    __slots__ = ("count", "d_count", "d_total", "family", "key", "text", "total")

    def __init__(self, family: Family, key: IndexKey) -> None:
        self.family = family
        self.key = key
        self.text: str | None = None  # a cache of an exporter: the labels as written
        self.count = self.d_count = 0
        self.total: float = 0
        self.d_total: float = 0

    def labels(self) -> dict[str, str]:
        half = (len(self.key) + 1) // 2
        return dict(zip(self.key[1:half], self.key[half:], strict=True))

    @property
    def name(self) -> str:
        return str(self.key[0])

    @property
    def samples(self) -> int:
        return self.count + self.d_count

    @property
    def sum(self) -> float:
        return self.total + _bounded(self.d_total)

    def _publish_sum(self) -> None:
        self.total += _bounded(self.d_total)
        self.count += self.d_count
        self.d_total = self.d_count = 0


class CounterSeries(_BaseSeries):
    """A sum that only grows."""

    __slots__ = ()
    kind: Final = COUNTER

    def add(self, value: float) -> bool:
        """Add a measured value to the delta; return False if it is refused."""
        if not 0 <= value < HUGE:
            return False
        self.d_total += value
        self.d_count += 1
        return True

    def fold(self, value: float, count: int = 1) -> bool:
        """Add a value of an event to the total; return False if it is refused."""
        if not 0 <= value < HUGE:
            return False
        self.total += value
        self.count += count
        return True

    @property
    def value(self) -> float:
        return self.sum

    def publish(self) -> dict[str, Any]:
        """Move the delta into the total, and return it as the fields of a `metric` event."""
        fields = {"value": to_json_number(_bounded(self.d_total)), "count": self.d_count}
        self._publish_sum()
        return fields

    def merge(self, fields: Mapping[str, Any]) -> None:
        """Add the fields of a `metric` event to the total."""
        value = parse_number(fields.get("value"))
        if value is not None:
            self.fold(value, max(1, whole(fields.get("count")) or 1))

    def answer(self) -> dict[str, Any]:
        return {"value": to_json_number(self.value), "count": self.samples}


class GaugeSeries(_BaseSeries):
    """The last value, and the sum of all values for averages and totals (rows)."""

    __slots__ = ("d_last", "last")
    kind: Final = GAUGE

    def __init__(self, family: Family, key: IndexKey) -> None:
        super().__init__(family, key)
        self.last: float = 0
        self.d_last: float = 0

    def add(self, value: float) -> bool:
        if -HUGE < value < HUGE:
            self.d_total += value
        elif value.__class__ is int:
            return False
        self.d_last = value
        self.d_count += 1
        return True

    def fold(self, value: float) -> bool:
        if -HUGE < value < HUGE:
            self.total += value
        elif value.__class__ is int:
            return False
        self.last = value
        self.count += 1
        return True

    @property
    def value(self) -> float:
        return self.d_last if self.d_count else self.last

    def publish(self) -> dict[str, Any]:
        total = to_json_number(_bounded(self.d_total))
        fields = {"value": to_json_number(self.d_last), "count": self.d_count, "sum": total}
        self.last, self.d_last = self.d_last, 0
        self._publish_sum()
        return fields

    def merge(self, fields: Mapping[str, Any]) -> None:
        value, total = parse_number(fields.get("value")), parse_number(fields.get("sum"))
        if value is not None:
            self.last = value
            self.total += value if total is None else total
            self.count += max(1, whole(fields.get("count")) or 1)

    def answer(self) -> dict[str, Any]:
        return {"value": to_json_number(self.value), "count": self.samples, "sum": to_json_number(self.sum)}


class HistogramSeries(_BaseSeries):
    """A distribution: count, sum, minimum, maximum and last value, and the count of each bucket."""

    __slots__ = (
        "bounds", "buckets", "d_buckets", "d_last", "d_native", "max", "min", "native", "native_scale", "total_last",
    )  # fmt: skip
    kind: Final = HISTOGRAM

    def __init__(self, family: Family, key: IndexKey) -> None:
        super().__init__(family, key)
        self.bounds = family.bounds
        self.total_last: float = 0
        self.d_last: float = 0
        self.min: float = INF
        self.max: float = -INF
        self.buckets: list[int] | None = None
        self.d_buckets: list[int] | None = None
        self.native_scale = family.native_scale
        self.native: NativeCounts | None = None
        self.d_native: NativeCounts | None = None

    def add(self, value: float) -> bool:
        if not -HUGE < value < HUGE:
            return False
        buckets = self.d_buckets
        if buckets is None:
            buckets = self.d_buckets = self._no_counts()
        buckets[bisect_left(self.bounds, value)] += 1
        self.d_count += 1
        self.d_total += value
        self.d_last = value
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value
        if self.native_scale is not None:
            self.d_native = self.d_native or NativeCounts()
            self.d_native.add(value * self.native_scale)
        return True

    def fold(self, value: float) -> bool:
        if not -HUGE < value < HUGE:
            return False
        buckets = self.buckets
        if buckets is None:
            buckets = self.buckets = self._no_counts()
        buckets[bisect_left(self.bounds, value)] += 1
        self.count += 1
        self.total += value
        self.total_last = value
        if value < self.min:
            self.min = value
        if value > self.max:
            self.max = value
        if self.native_scale is not None:
            self.native = self.native or NativeCounts()
            self.native.add(value * self.native_scale)
        return True

    def _no_counts(self) -> list[int]:
        return [0] * (len(self.bounds) + 1)

    @property
    def last(self) -> float:
        return self.d_last if self.d_count else self.total_last

    def counts(self) -> list[int]:
        """Return the count of each bucket, not cumulative; the last bucket is unbounded."""
        published, delta = self.buckets, self.d_buckets
        if published is None or delta is None:
            return list(published or delta or self._no_counts())
        return [a + b for a, b in zip(published, delta, strict=True)]

    def publish(self) -> dict[str, Any]:
        total = to_json_number(_bounded(self.d_total))
        fields = {
            "value": total, "count": self.d_count, "sum": total,
            "min": to_json_number(self.min), "max": to_json_number(self.max), "last": to_json_number(self.last),
            "buckets": self._by_bound(self.d_buckets or []), **self._own_bounds(),
        }  # fmt: skip
        if self.d_native is not None:
            fields["native"] = self.d_native.as_fields()
            self.native, self.d_native = self.native_counts(), None
        self.total_last = self.d_last
        self.buckets, self.d_buckets = self.counts(), None
        self._publish_sum()
        return fields

    def merge(self, fields: Mapping[str, Any]) -> None:
        total, buckets = parse_number(fields.get("sum")), fields.get("buckets")
        if total is None or not isinstance(buckets, Mapping):
            return
        if self.buckets is None:
            self.buckets = self._no_counts()
        for bound, count in buckets.items():
            upper, more = parse_number(bound), whole(count)
            if upper is not None and more is not None and more > 0:
                self.buckets[bisect_left(self.bounds, upper)] += more
                self.count += more
        more_native = native_counts(fields.get("native")) if self.native_scale is not None else None
        if more_native is not None:
            self.native = sum_of(self.native, more_native)
        self.total += total
        low, high, last = (parse_number(fields.get(name)) for name in ("min", "max", "last"))
        if low is not None and high is not None and last is not None:
            self.total_last, self.min, self.max = last, min(self.min, low), max(self.max, high)

    def answer(self) -> dict[str, Any]:
        return {
            "count": self.samples, "sum": to_json_number(self.sum), "min": to_json_number(self.min),
            "max": to_json_number(self.max), "last": to_json_number(self.last),
            "buckets": self._by_bound(self.counts()), **self._own_bounds(),
        }  # fmt: skip

    def native_counts(self) -> NativeCounts | None:
        """Return the native counts; `total` is less than `samples` if values came from elsewhere without them."""
        return sum_of(self.native, self.d_native)

    def _own_bounds(self) -> dict[str, Any]:
        return {"bounds": list(self.bounds)} if self.family.has_own_bounds else {}

    def _by_bound(self, counts: list[int]) -> dict[str, int]:
        return {
            repr(self.bounds[place]) if place < len(self.bounds) else "+Inf": count
            for place, count in enumerate(counts)
            if count
        }


Series: TypeAlias = CounterSeries | GaugeSeries | HistogramSeries
Sample: TypeAlias = tuple[Series, Any, float]
"""A series, a value measured for it, and the time."""
SERIES: Final[dict[str, type[Series]]] = {COUNTER: CounterSeries, GAUGE: GaugeSeries, HISTOGRAM: HistogramSeries}


def apply(samples: list[Sample]) -> list[Sample]:
    """Add values to their series; return the samples whose value is not an int or float, or is refused."""
    rejected = []
    for sample in samples:
        series, value, _ = sample
        kind = type(value)  # not `__class__`, which may be code of the value's class
        if (kind is not int and kind is not float) or not series.add(value):
            rejected.append(sample)
    return rejected


def _bounded(value: float) -> float:
    """Return a sum that an event can carry: an int too large for JSON readers becomes the nearest float."""
    return value if isinstance(value, float) or -_EXACT <= value <= _EXACT else float(value)


def to_json_number(value: float) -> Any:
    """Return a number that JSON can hold; NaN and the infinities are given by name."""
    return value if isinstance(value, int) and -_EXACT <= value <= _EXACT else json_number(float(value))


def parse_number(value: object) -> float | None:
    """Return a number of an event, where NaN and the infinities are names; None for any other value."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def as_number(value: object) -> float | None:
    """Return a value of any numeric type (bool, Decimal, numpy scalar) as int or float; None if it is not a number."""
    try:
        if hasattr(value, "__index__"):
            whole_number = int(value)
            return whole_number if -_EXACT <= whole_number <= _EXACT else float(whole_number)
        return float(value)  # type: ignore[arg-type]
    except STOPS:
        raise
    except BaseException:
        return None  # a value whose conversion fails in any way is refused


def total_of(parts: Iterable[float]) -> float:
    """Return the sum, rounded once; an int if every part is an int."""
    parts = list(parts)
    return fsum(parts) if any(isinstance(part, float) for part in parts) else sum(parts)
