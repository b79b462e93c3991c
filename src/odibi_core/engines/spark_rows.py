"""Rows and missing values of Spark frames, known from jobs that were executed anyway.

An `Observation` counts them in the job that writes the frame, so that recording executes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from odibi_core.errors import STOPS
from odibi_core.events import clock

PATIENCE: Final = 5.0
"""Seconds to wait for the counts of a job that has ended: Spark delivers them from another thread."""


Plan = Callable[[Any], Any]


class Known(Struct, frozen=True):
    """The rows of a frame, and the missing values of its columns as far as they were counted."""

    rows: int
    nulls: Mapping[str, int] | None = None


_OVER: Final = ".over("
"""In the text of an expression that needs the rows of a group together."""
_known: WeakKeyDictionary[Any, Known] = WeakKeyDictionary()


def learn(frame: Any, rows: int, nulls: Mapping[str, int] | None = None) -> None:
    """Keep the rows of a frame, as long as the frame is there."""
    _known[frame] = Known(rows, nulls)


def known(frame: object) -> Known | None:
    """Return the counts of a Spark frame that a job has made; None if unknown, and for every other value."""
    return _known.get(frame) if type(frame).__module__.startswith("pyspark.") else None


def rows(frame: object) -> int | None:
    """Return the rows of a Spark frame; None if unknown."""
    found = known(frame)
    return None if found is None else found.rows


def known_results(frame: Any, plan: Plan) -> list[Any] | None:
    """Return the results of checks that need no row, or no more than the number of rows that is known; else None."""
    import narwhals

    try:
        counting = plan(narwhals.from_native(frame).collect_schema())
        _drop_windows(counting)
        found: list[Any] | None = counting.known(rows(frame))
        return found
    except STOPS:
        raise
    except BaseException:  # two columns of one name: the checks then state that they were not made
        return None


class Counted:
    """A frame with an observation: `frame` is to be executed, and `finish` keeps the counts for the original.

    Args:
        frame: A frame of Spark.
        plan: Returns the checks to count in the same job (`checks.counts.Counting`) for the frame's narwhals schema.
        nulls: Count the missing values too, for which Spark must read each column.
    """

    def __init__(self, frame: Any, plan: Plan | None = None, *, nulls: bool = True) -> None:
        self.name = clock.new_id()
        """The name of the observation in the plan."""
        self._original = frame
        self._observation: Any = None
        self._counting: Any = None
        self.frame = frame
        self._names = list(dict.fromkeys(frame.columns))
        is_plain = len(self._names) == len(frame.columns) and not frame.isStreaming
        masked = self._masked(plan) if plan is not None and is_plain else frame
        if (known(frame) is None or self._counting is not None) and not frame.isStreaming:
            from pyspark.sql import Observation, functions

            counts = [functions.count(functions.lit(1)).alias("rows")]
            for place, name in enumerate(self._names if is_plain and nulls else []):
                counts.append(functions.count_if(functions.col(quoted(name)).isNull()).alias(f"nulls {place}"))
            for place, name in enumerate(self._masks()):
                counts.append(functions.count_if(functions.col(quoted(name))).alias(f"mask {place}"))
            self._observation = Observation(self.name)
            seen = masked.observe(self._observation, *counts)
            self.frame = seen.select(*map(quoted, self._names)) if self._masks() else seen

    def _masks(self) -> list[str]:
        return [] if self._counting is None else list(self._counting.masks)

    def _masked(self, plan: Plan) -> Any:
        """Return the frame with a column for each check that can be counted."""
        import narwhals

        seen = narwhals.from_native(self._original)
        self._counting = plan(seen.collect_schema())
        _drop_windows(self._counting)
        for name in self._masks():
            try:
                seen = seen.with_columns(**{name: self._counting.masks[name]})
            except STOPS:
                raise
            except BaseException:  # the check then states that it was not made
                self._counting.drop(name)
        return seen.to_native()

    def finish(self, patience: float | None = None) -> tuple[int | None, list[Any] | None]:
        """Keep the counts of the job that has ended; return the rows, and the results of the checks.

        Both are None if Spark has no counts, and a result is None for a check that was not counted.

        Args:
            patience: Seconds to wait for the counts.
        """
        if self._observation is None:
            return rows(self._original), None
        row = _delivered(self._observation, PATIENCE if patience is None else patience)
        if row is None:
            return rows(self._original), None
        total = int(row["rows"])
        nulls = {name: row[key] for place, name in enumerate(self._names) if (key := f"nulls {place}") in row}
        learn(self._original, total, nulls or None)
        if self._counting is None:
            return total, None
        failed = {name: row[f"mask {place}"] for place, name in enumerate(self._masks())}
        return total, self._counting.results(self._counting.row(failed, total))


def _drop_windows(counting: Any) -> None:
    """Leave the checks that need the rows of a group together: a window would shuffle the rows that are written."""
    for name in [name for name, mask in counting.masks.items() if _OVER in repr(mask)]:
        counting.drop(name)


def _delivered(observation: Any, patience: float) -> Mapping[str, Any] | None:
    """Return the row of an observation; None if it is not there in time, for example because Spark removed it."""
    try:
        pause = Event()
        future = observation._jo.future()  # `get` alone would wait without end
        for _ in range(max(1, round(patience / 0.01))):
            if future.isCompleted():
                return observation.get  # type: ignore[no-any-return]
            pause.wait(0.01)
    except STOPS:
        raise
    except Exception:
        return None
    return None


def quoted(name: str) -> str:
    """Return a name as Spark's SQL has it."""
    return "`" + name.replace("`", "``") + "`"
