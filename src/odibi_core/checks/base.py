"""What a check is, and what it answers.

A check never raises into the run that asks it: what goes wrong inside is a failed result with the reason.
Putting one together wrongly is told at once, as CheckError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from odibi_core.checks.labels import addressable
from odibi_core.errors import STOPS, CheckError, nearest
from odibi_core.events import sanitize_text, to_plain
from odibi_core.events.sanitize import sanitize_field

SEVERITIES = ("error", "warn")
EXAMPLES = 5
EXAMPLE_CHARS = 200
UNCLEANED_CHARS = 4_096  # cut before it is cleaned: far enough that no secret is cut in half and so missed


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """`passed` is None for what was not checked; `message` then says why. Examples are redacted."""

    check: str
    column: str | None
    passed: bool | None
    failed_rows: int | None
    total_rows: int | None
    severity: str
    message: str
    examples: list[Any]


class Finding(NamedTuple):
    """What `judge` found. `failed_rows` is None where rows are not what fails (too few of them, say)."""

    passed: bool
    failed_rows: int | None
    total_rows: int
    message: str
    examples: Sequence[Any] = ()


Judge = Callable[[Any, Mapping[str, Any]], Finding]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question about one frame.

    `judge(frame, frames)` gets a narwhals DataFrame, whose column labels `checks.labels` made unique texts, and all the
    frames by logical name. A CheckError that it
    raises is told as it is. A module's function, or a partial of one, lets the check go to a worker process.
    `on` is the logical name of an input or output; None is the step's output. A lazy frame is not checked,
    unless `collect=True` says that it may be run for it.
    """

    name: str
    judge: Judge
    column: str | None = None
    severity: str = "error"
    on: str | None = None
    collect: bool = False

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise CheckError(
                f"check {self.name!r}: severity is one of {', '.join(SEVERITIES)}, not {self.severity!r}"
            )
        if not isinstance(self.on, str | None):
            raise CheckError(f"check {self.name!r}: on must be the name of an input or output, got {self.on!r}")
        if not isinstance(self.collect, bool):
            raise CheckError(f"check {self.name!r}: collect must be True or False, got {self.collect!r}")

    def check(self, frames: Mapping[str, Any]) -> CheckResult:
        """Judge the frame `on`. With `on=None`: the one called "out", else the last, so inputs come first."""
        try:
            frame = eager(self._frame(frames), collect=self.collect)
            if frame is None:
                return self._result(None, "not checked, because the frame is lazy; collect=True runs it")
            found = self.judge(frame, frames)
            examples = [_example(self.column, value) for value in found.examples[:EXAMPLES]]
            return self._result(found.passed, found.message, found.failed_rows, found.total_rows, examples)
        except CheckError as error:
            return self._result(False, str(error))
        except STOPS:
            raise
        except BaseException as error:
            return self._result(False, f"the check itself failed: {type(error).__name__}: {_words(error)}")

    def _frame(self, frames: Mapping[str, Any]) -> Any:
        if not frames:
            raise CheckError("there is no frame to check")
        name = self.on if self.on is not None else "out" if "out" in frames else list(frames)[-1]
        return named(frames, name)

    def _result(
        self,
        passed: bool | None,
        message: str,
        failed_rows: int | None = None,
        total_rows: int | None = None,
        examples: list[Any] | None = None,
    ) -> CheckResult:
        return CheckResult(
            check=self.name,
            column=self.column,
            passed=passed,
            failed_rows=failed_rows,
            total_rows=total_rows,
            severity=self.severity,
            message=sanitize_text(message[:UNCLEANED_CHARS]),
            examples=examples or [],
        )


def named(frames: Mapping[str, Any], name: str) -> Any:
    """The frame of that logical name, or a CheckError that helps with the spelling."""
    if name not in frames:
        there = ", ".join(repr(each) for each in frames)
        raise CheckError(f"there is no frame {name!r}{nearest(name, frames)}; there are: {there}")
    return frames[name]


def eager(frame: Any, *, collect: bool) -> Any:
    """A narwhals DataFrame of it; None when it is lazy and may not be collected."""
    import narwhals

    if isinstance(frame, list | dict):
        frame = _of_plain(frame)
    native = narwhals.to_native(frame, pass_through=True)
    seen = narwhals.from_native(addressable(native), pass_through=True)
    if isinstance(seen, narwhals.LazyFrame):
        return seen.collect() if collect else None
    if not isinstance(seen, narwhals.DataFrame):
        raise CheckError(f"a {type(frame).__name__} is no frame, so it cannot be checked")
    return seen


def _of_plain(value: list[Any] | dict[Any, Any]) -> Any:
    """Rows as dicts, or a dict of columns, in whichever library is there."""
    import narwhals

    if isinstance(value, list):
        if not all(isinstance(row, dict) for row in value):
            raise CheckError("a list is only a frame when it holds a dict for each row")
        names = dict.fromkeys(name for row in value for name in row)
        value = {name: [row.get(name) for row in value] for name in names}
    columns: dict[str, Any] = addressable(value)
    for backend in ("polars", "pandas", "pyarrow"):
        try:
            return narwhals.from_dict(columns, backend=backend)
        except ImportError:
            continue
    raise CheckError(
        "checking plain Python data needs polars, pandas or pyarrow: pip install 'odibi-core[polars]'"
    )


def missing_in(column: Any) -> Any:
    """Which values are not there. NaN counts, as it does in pandas, whatever the library."""
    import narwhals

    nulls = column.is_null()
    if column.dtype in (narwhals.Float32, narwhals.Float64):
        return nulls | column.is_nan().fill_null(False)
    return nulls


def _example(column: str | None, value: Any) -> Any:
    if isinstance(value, str):
        value = value[:UNCLEANED_CHARS]
    cleaned = sanitize_field(column or "value", to_plain(value, UNCLEANED_CHARS))
    if isinstance(cleaned, str | dict | list) and len(text := str(cleaned)) > EXAMPLE_CHARS:
        return text[:EXAMPLE_CHARS] + "…"
    return cleaned


def _words(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except STOPS:
        raise
    except BaseException:
        return "(its text failed too)"
