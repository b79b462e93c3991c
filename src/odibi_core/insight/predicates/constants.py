"""Constants of tests: plain JSON in a rule, numbers of a column's unit in an evaluation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from odibi_core.insight.predicates.features import Values


SECONDS: Final = {"days": 86_400.0, "h": 3_600.0, "min": 60.0, "s": 1.0}
"""The units of durations, the longest first."""


class CannotEvaluate(Exception):
    """A rule does not fit the data: a column or an input is missing, or has another kind of values."""


def as_number(value: Any, values: Values) -> Any:
    """Return a constant of a rule as a number that can be compared with the numbers of a column.

    Raises:
        CannotEvaluate: It is of another kind than the column.
    """
    if values.kind in ("time", "date"):
        if not isinstance(value, str):
            raise CannotEvaluate(f"{values.name} has moments, got the constant {value!r}")
        return _moment(value, values)
    if values.kind == "duration" and isinstance(value, str):
        return _seconds(value, values)
    if isinstance(value, str) or value is None:
        raise CannotEvaluate(f"{values.name} has numbers, got the constant {value!r}")
    return value


def _moment(text: str, values: Values) -> int:
    import numpy as np

    try:
        if values.zone is None:
            moment = np.datetime64(text)
        else:
            moment = np.datetime64(_aware(text, values.zone).astimezone(UTC).replace(tzinfo=None), "us")
    except ValueError as error:
        raise CannotEvaluate(f"{values.name} has moments, got the constant {text!r}") from error
    return int(moment.astype(f"datetime64[{values.unit}]").astype(np.int64))


def _aware(text: str, zone: str) -> datetime:
    """Return a moment; one without an offset is of the column's time zone."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=_zone(zone))


def _seconds(text: str, values: Values) -> float:
    amount, _, unit = text.partition(" ")
    try:
        return float(amount) * SECONDS[unit]
    except (KeyError, ValueError) as error:
        raise CannotEvaluate(f"{values.name} has durations, got the constant {text!r}") from error


def _duration(seconds: float) -> str:
    """Return seconds as text, in the longest unit of which they are a whole number."""
    unit = next((unit for unit, length in SECONDS.items() if seconds % length == 0), "s")
    amount = seconds / SECONDS[unit]
    return f"{int(amount) if amount.is_integer() else amount} {unit}"


def as_constant(number: Any, values: Values) -> Any:
    """Return a number of a column as the constant of a rule: plain JSON, a moment as text."""
    if values.kind in ("time", "date"):
        return _as_text(int(number), values)
    if values.kind == "duration":
        return _duration(float(number))
    if values.kind == "bool":
        return bool(number)
    if values.numbers.dtype.kind in "iu" and float(number).is_integer():
        return int(number)
    return float(number)


def _as_text(number: int, values: Values) -> str:
    import numpy as np

    moment = np.array(number, f"datetime64[{values.unit}]")
    if values.zone is None:
        return _short(str(moment[()]))
    utc: datetime = moment.astype("datetime64[us]").item()
    return utc.replace(tzinfo=UTC).astimezone(_zone(values.zone)).isoformat()  # microseconds, as Python has them


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        try:
            return datetime.strptime(name.removeprefix("UTC"), "%z").tzinfo
        except ValueError:
            return UTC


def _short(text: str) -> str:
    """Leave out a time of midnight and a fraction of zero."""
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.removesuffix("T00:00:00")
