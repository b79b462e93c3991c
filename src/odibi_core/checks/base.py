"""The contract of a check, and its result.

A function of the family (`not_null(...)`) is called where a pipeline is defined, and raises CheckError for arguments
that cannot be right. The orchestrator calls `check` in the thread of the step, after the step has made its output.
`check` raises only KeyboardInterrupt and SystemExit: any other error inside it is a failed result with the reason.
A check that stands for many rules, such as a suite of another library, returns a list of results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypedDict

import msgspec

from odibi_core.checks.frames import eager, named
from odibi_core.errors import STOPS, CheckError, NotCheckedError, nearest
from odibi_core.events import sanitize_text, to_plain
from odibi_core.events.normalize import to_text
from odibi_core.events.sanitize import sanitize_field

SEVERITIES = ("error", "warn")
EXAMPLES = 5
EXAMPLE_CHARS = 200
UNCLEANED_CHARS = 4_096  # cut before redaction, far enough that no secret is cut in half and missed


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a check. `passed` is None if nothing was checked; `message` then has the reason.

    Examples are redacted: failing values, or failing rows as dicts if the check has a key.

    Args:
        mostly: The share of the rows that must pass; None if all must.
        condition: The condition (`where=`) that selects the rows to check.
        key_columns: The columns that identify a row in the examples.
        contract: The id of the data contract that the check comes from; with its name and version.
    """

    check: str
    column: str | None
    passed: bool | None
    failed_rows: int | None
    total_rows: int | None
    severity: str
    message: str
    examples: list[Any]
    mostly: float | None = None
    condition: str | None = None
    key_columns: list[str] | None = None
    contract: str | None = None
    contract_name: str | None = None
    contract_version: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return the fields of the event, without the message and without options that the check lacks."""
        every = {name: getattr(self, name) for name in self.__struct_fields__ if name != "message"}
        return {name: value for name, value in every.items() if value is not None or name not in _OPTIONAL}


_OPTIONAL = ("mostly", "condition", "key_columns", "contract", "contract_name", "contract_version")


class Finding(NamedTuple):
    """The result of `judge`. `failed_rows` is None if rows are not what fails, as with too few rows.

    `passed` is None if there was nothing to compare; `message` has the reason.
    """

    passed: bool | None
    failed_rows: int | None
    total_rows: int | None
    message: str
    examples: Sequence[Any] = ()


class Wrong(NamedTuple):
    """The result of the `judge` of a check of each row.

    Args:
        mask: The failing rows: a mask over the frame, or an expression if the frame is a `Planned` one.
        what: Names one failing row in the message: "value of x outside 1 to 5".
        columns: The columns that a failing row shows beside its key.
        examples: Returns the failing values of a check without a key; None for the numbers of the rows.
    """

    mask: Any
    what: str
    columns: tuple[str, ...]
    examples: Callable[[], Sequence[Any]] | None = None


class Contract(msgspec.Struct, frozen=True):
    """The data contract that a check comes from."""

    id: str
    name: str | None = None
    version: str | None = None


class Options(TypedDict, total=False):
    """Options of every check.

    - `severity`: "error" fails the step; "warn" does not.
    - `on`: the logical name of an input or output, or the key of a dataset of the step; None is the first output.
    - `collect`: run a lazy frame to check it; otherwise it is not checked.
    """

    severity: str
    on: str | None
    collect: bool


class RowOptions(Options, total=False):
    """Options of a check that judges each row.

    - `where`: a SQL condition; only rows for which it is true are checked: `where="country = 'DE'"`.
    - `mostly`: the share of the rows that must pass, more than 0 and at most 1: 0.99.
    - `key`: the columns that identify a row; the examples are then rows of the key and the column.
    """

    where: str | None
    mostly: float
    key: str | Sequence[str]


Judge = Callable[[Any, Mapping[str, Any]], "Finding | Wrong | CheckResult"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A check of one frame.

    Args:
        name: The name of the check.
        judge: Called as `judge(frame, frames)` with a narwhals DataFrame, whose column labels `checks.labels` made
            unique texts, and all frames by logical name. A CheckError of it is a failed result with its message,
            a NotCheckedError one that was not checked.
            A function of a module, or a partial of one, can be sent to a worker process.
        column: The column in the record, if the check is about one.
        severity, on, collect: See `Options`.
        where, mostly, key: See `RowOptions`.
        takes: "eager"; "native" if `judge` takes the frame of the library itself; "any" if it also takes lazy frames.
        needs: Other frames that it compares with, by logical name or dataset key.
        of_run: Called as `of_run(check, partition)` with the partition of the run; returns the check to run.
        contract: The data contract that it comes from.
    """

    name: str
    judge: Judge
    column: str | None = None
    severity: str = "error"
    on: str | None = None
    collect: bool = False
    where: str | None = None
    mostly: float = 1.0
    key: tuple[str, ...] = ()
    takes: str = "eager"
    needs: tuple[str, ...] = ()
    of_run: Callable[[Check, str | None], Check] | None = None
    contract: Contract | None = None

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
            return self._checked(frames)
        except STOPS:
            raise
        except BaseException as error:
            return self.of_error(error)

    def of_error(self, error: BaseException, what: str = "check") -> CheckResult:
        """Return the result of a check, or of a suite, that ended with an error."""
        if isinstance(error, NotCheckedError):
            return self.result(Finding(None, None, None, f"not checked, because {error}"))
        if isinstance(error, CheckError):
            return self.result(Finding(False, None, None, str(error)))
        reason = f"{type(error).__name__}: {to_text(error, 500)}"
        return self.result(Finding(False, None, None, f"the {what} itself failed: {reason}"))

    def _checked(self, frames: Mapping[str, Any]) -> CheckResult:
        from odibi_core.checks.rows import chosen, finding

        given = self.frame_of(frames)
        frame = eager(given, collect=self.collect, lazy=self.takes == "any")
        if frame is None:
            raise NotCheckedError("the frame is lazy; collect=True runs it")
        everything, rows = frame, None
        if self.where is not None:
            frame, rows = chosen(frame, self.where, frames)
        taken = frame
        if self.takes == "native":
            taken = given if frame is everything and not self.collect else frame.to_native()
        found = self.judge(taken, frames)
        if isinstance(found, Wrong):
            return self.result(finding(self, found, frame, rows), keyed=True)
        return self._of_function(found) if isinstance(found, CheckResult) else self.result(found)

    def _of_function(self, found: CheckResult) -> CheckResult:
        """Return the result that a function made itself, redacted and bounded as every other one."""
        if found.passed not in (True, False, None) or found.severity not in SEVERITIES:
            raise CheckError(
                f"the function returns a CheckResult whose passed is {found.passed!r} and severity {found.severity!r}"
            )
        as_named = msgspec.structs.replace(self, name=str(found.check), column=found.column, severity=found.severity)
        finding = Finding(found.passed, found.failed_rows, found.total_rows, str(found.message), list(found.examples))
        return as_named.result(finding)

    def frame_of(self, frames: Mapping[str, Any]) -> Any:
        """Return the frame that is checked.

        Raises:
            CheckError: There is none.
        """
        if not frames:
            raise CheckError("there is no frame to check")
        name = self.on if self.on is not None else "out" if "out" in frames else list(frames)[-1]
        return named(frames, name)

    def in_step(self, others: Sequence[Any]) -> Check:
        """Return the check as one of a step: without a key, it has that of the step's `unique()` of the same frame."""
        if self.key or self.name not in _KEYED:
            return self
        for other in others:
            if isinstance(other, Check) and other.name == "unique" and other.on == self.on and other is not self:
                labels = other.judge.args[0]  # type: ignore[attr-defined]  # a partial of `unique`
                if all(isinstance(label, str) for label in labels):
                    return msgspec.structs.replace(self, key=labels)
        return self

    def result(self, found: Finding, *, keyed: bool = False) -> CheckResult:
        """Return a finding as the result of this check: its message and its examples redacted and bounded."""
        contract = self.contract
        return CheckResult(
            check=self.name,
            column=self.column,
            passed=found.passed,
            failed_rows=found.failed_rows,
            total_rows=found.total_rows,
            severity=self.severity,
            message=sanitize_text(found.message[:UNCLEANED_CHARS]),
            examples=[example(self.column, value) for value in found.examples[:EXAMPLES]],
            mostly=None if self.mostly == 1 else self.mostly,
            condition=None if self.where is None else sanitize_text(self.where[:UNCLEANED_CHARS]),
            key_columns=list(self.key) if keyed and self.key else None,
            contract=contract.id if contract else None,
            contract_name=contract.name if contract else None,
            contract_version=contract.version if contract else None,
        )


_KEYED = ("accepted_values", "between", "compare", "expression", "matches", "not_null", "references", "sql")


def frame_check(name: str, judge: Judge, options: Options, **more: Any) -> Check:
    """Return a check of a whole frame with the options that its function was given.

    Raises:
        CheckError: An option has an unknown name or a wrong value.
    """
    return Check(name=name, judge=judge, **more, **_known(name, options, Options))


def row_check(name: str, judge: Judge, options: RowOptions, **more: Any) -> Check:
    """Return a check of each row with the options that its function was given.

    Raises:
        CheckError: An option has an unknown name or a wrong value.
    """
    from odibi_core.checks.rows import valid_options

    return Check(name=name, judge=judge, **more, **valid_options(name, _known(name, options, RowOptions)))


def not_checked(name: str, reason: str, column: str | None = None) -> Check:
    """Return a check of a rule that cannot be asked, for the reason given."""
    return Check(name=name, judge=partial(refuse, reason), column=column, takes="any")


def refuse(reason: str, frame: Any, frames: Mapping[str, Any]) -> Finding:
    """Raise NotCheckedError: the judge of a check that cannot be asked."""
    raise NotCheckedError(reason)


def _known(name: str, options: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    known = kind.__annotations__
    for option in options:
        if option not in known:
            raise CheckError(f"{name}() has no option {option!r}{nearest(option, known)}; it has {', '.join(known)}")
    return dict(options)


def example(column: str | None, value: Any) -> Any:
    """Return a failing value, or a failing row as a dict, redacted by the name of its column and bounded."""
    if isinstance(value, Row):
        return {name: example(name, each) for name, each in value.items()}
    if isinstance(value, str):
        value = value[:UNCLEANED_CHARS]
    cleaned = sanitize_field(column or "value", to_plain(value, UNCLEANED_CHARS))
    if isinstance(cleaned, str | dict | list) and len(text := str(cleaned)) > EXAMPLE_CHARS:
        return text[:EXAMPLE_CHARS] + "…"
    return cleaned


class Row(dict[str, Any]):
    """A failing row: values by column."""
