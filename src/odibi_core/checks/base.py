"""The contract of a check, and its result.

A function of the family (`not_null(...)`) is called where a pipeline is defined, and raises CheckError for arguments
that cannot be right. The orchestrator calls `check` in the thread of the step, after the step has made its output.
`check` raises only KeyboardInterrupt and SystemExit: any other error inside it is a failed result with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from odibi_core.checks.labels import addressable
from odibi_core.errors import STOPS, CheckError, nearest
from odibi_core.events import sanitize_text, to_plain
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_field

SEVERITIES = ("error", "warn")
EXAMPLES = 5
EXAMPLE_CHARS = 200
UNCLEANED_CHARS = 4_096  # cut before redaction, far enough that no secret is cut in half and missed


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a check. `passed` is None if nothing was checked; `message` then has the reason.

    Examples are redacted.
    """

    check: str
    column: str | None
    passed: bool | None
    failed_rows: int | None
    total_rows: int | None
    severity: str
    message: str
    examples: list[Any]


class Finding(NamedTuple):
    """The result of `judge`. `failed_rows` is None if rows are not what fails, as with too few rows."""

    passed: bool
    failed_rows: int | None
    total_rows: int
    message: str
    examples: Sequence[Any] = ()


Judge = Callable[[Any, Mapping[str, Any]], Finding]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A check of one frame.

    Args:
        name: The name of the check.
        judge: Called as `judge(frame, frames)` with a narwhals DataFrame, whose column labels `checks.labels` made
            unique texts, and all frames by logical name. A CheckError of it is a failed result with its message.
            A function of a module, or a partial of one, can be sent to a worker process.
        column: The column in the record, if the check is about one.
        severity: "error" fails the step; "warn" does not.
        on: The logical name of an input or output; None is the output of the step.
        collect: Collect a lazy frame to check it; otherwise it is not checked.
    """

    name: str
    judge: Judge
    column: str | None = None
    severity: str = "error"
    on: str | None = None
    collect: bool = False

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise CheckError(f"check {self.name!r}: severity is one of {', '.join(SEVERITIES)}, not {self.severity!r}")
        if not isinstance(self.on, str | None):
            raise CheckError(f"check {self.name!r}: on must be the name of an input or output, got {self.on!r}")
        if not isinstance(self.collect, bool):
            raise CheckError(f"check {self.name!r}: collect must be True or False, got {self.collect!r}")

    def check(self, frames: Mapping[str, Any]) -> CheckResult:
        """Return the result for the frame `on`; None is the frame "out", or the last one (inputs come first)."""
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
            return self._result(False, f"the check itself failed: {type(error).__name__}: {to_text(error, 500)}")

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
    """Return the frame of a logical name.

    Raises:
        CheckError: There is none; the message has the nearest name.
    """
    if name not in frames:
        there = ", ".join(repr(each) for each in frames)
        raise CheckError(f"there is no frame {name!r}{nearest(name, frames)}; there are: {there}")
    return frames[name]


def eager(frame: Any, *, collect: bool) -> Any:
    """Return a frame as a narwhals DataFrame; None if it is lazy and `collect` is false."""
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
    """Return rows as dicts, or a dict of columns, as a frame of the first library that is installed."""
    import narwhals

    if isinstance(value, list):
        if not all(isinstance(row, dict) for row in value):
            raise CheckError("a list must hold a dict for each row to be a frame")
        names = dict.fromkeys(name for row in value for name in row)
        value = {name: [row.get(name) for row in value] for name in names}
    columns: dict[str, Any] = addressable(value)
    for backend in ("polars", "pandas", "pyarrow"):
        try:
            return narwhals.from_dict(columns, backend=backend)
        except ImportError:
            continue
    raise CheckError("checking plain Python data needs polars, pandas or pyarrow: pip install 'odibi-core[polars]'")


def missing_in(column: Any) -> Any:
    """Return the mask of missing values. NaN counts as missing in every library, as it does in pandas."""
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
