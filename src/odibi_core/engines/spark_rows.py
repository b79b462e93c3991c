"""Rows and missing values of Spark frames, known from jobs that were executed anyway.

An `Observation` counts them in the job that writes the frame, so that recording executes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event
from typing import Any, Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from odibi_core.errors import STOPS

_PATIENCE: Final = 5.0
"""Seconds to wait for the counts of a job that has ended: Spark delivers them from another thread."""


class Known(Struct, frozen=True):
    """The rows of a frame, and the missing values of its columns as far as they were counted."""

    rows: int
    nulls: Mapping[str, int] | None = None


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


class Counted:
    """A frame with an observation: `frame` is to be executed, and `finish` keeps the counts for the original."""

    def __init__(self, frame: Any) -> None:
        self._original = frame
        self._observation: Any = None
        self.frame = frame
        if known(frame) is None and not frame.isStreaming:
            from pyspark.sql import Observation, functions

            self._names = list(dict.fromkeys(frame.columns))
            counts = [functions.count(functions.lit(1)).alias("rows")]
            if len(self._names) == len(frame.columns):
                counts += [
                    functions.count_if(functions.col(quoted(name)).isNull()).alias(f"nulls {place}")
                    for place, name in enumerate(self._names)
                ]
            self._observation = Observation()
            self.frame = frame.observe(self._observation, *counts)

    def finish(self) -> int | None:
        """Keep the counts of the job that has ended, and return the rows; None if Spark has no counts."""
        if self._observation is None:
            return rows(self._original)
        row = _delivered(self._observation)
        if row is None:
            return None
        nulls = {name: row[key] for place, name in enumerate(self._names) if (key := f"nulls {place}") in row}
        learn(self._original, int(row["rows"]), nulls)
        return int(row["rows"])


def _delivered(observation: Any) -> Mapping[str, Any] | None:
    """Return the row of an observation; None if it is not there in time, for example because Spark removed it."""
    try:
        pause = Event()
        future = observation._jo.future()  # `get` alone would wait without end
        for _ in range(round(_PATIENCE / 0.01)):
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
