"""Great Expectations suites as checks: `great_expectations(suite)`, with a result for each expectation.

An ephemeral context is made once in a process; no project and no file of Great Expectations is read or written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial
from os import PathLike
from pathlib import Path
from typing import Any

from odibi_core.checks.base import EXAMPLES, Finding, Row
from odibi_core.checks.labels import text_labels
from odibi_core.checks.suite import RuleResult, Suite
from odibi_core.errors import CheckError
from odibi_core.plugins import missing_extra

_SEVERITIES = {"critical": "error", "warning": "warn", "info": "warn"}


def great_expectations(
    suite: Any, *, key: Any = (), severity: str | None = None, on: str | None = None, collect: bool = False
) -> Suite:
    """Check a frame by a suite of Great Expectations 1.x.

    A frame of another library is converted to pandas for it.

    Args:
        suite: An ExpectationSuite, its mapping, or the path of its JSON file.
        key: Columns that identify a row in the examples.
        severity: "error" or "warn" for all expectations; None takes that of each: critical is "error".
        on, collect: See `checks.base.Options`.

    Raises:
        MissingExtraError: Great Expectations is not installed.
        CheckError: The suite cannot be read; names the file and the expectation.
    """
    try:
        from great_expectations import ExpectationSuite
    except ModuleNotFoundError as error:
        raise missing_extra("great_expectations", "checks.great_expectations()") from error
    keys = text_labels(list(key) if isinstance(key, tuple) else key, "great_expectations(): key")
    if not isinstance(suite, ExpectationSuite):
        suite = _read(suite)
    name = str(suite.name or "great_expectations")
    return Suite(name=name, judge=partial(_judge, suite, keys), severity=severity, on=on, collect=collect)


def _read(given: Any) -> Any:
    """Return the suite of a mapping or of a JSON file."""
    from great_expectations import ExpectationSuite

    where = "great_expectations()"
    if isinstance(given, str | PathLike):
        where = f"great_expectations(): {given}"
        try:
            given = json.loads(Path(given).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckError(f"{where} cannot be read: {error}") from None
    listed = given.get("expectations") if isinstance(given, Mapping) else None
    if not isinstance(listed, list):
        raise CheckError(f'{where} must be a suite, {{"name": …, "expectations": […]}}, got a {type(given).__name__}')
    made = ExpectationSuite(name=str(given.get("name") or "suite"))
    for place, each in enumerate(listed):
        kind = each.get("type") or each.get("expectation_type") if isinstance(each, Mapping) else None
        if not isinstance(kind, str):
            raise CheckError(f"{where}, expectations[{place}] has no type, such as expect_column_values_to_not_be_null")
        try:
            settings = {name: each[name] for name in ("kwargs", "meta", "severity") if name in each}
            made = ExpectationSuite(name=made.name, expectations=[*made.expectations, {"type": kind, **settings}])
        except Exception as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise CheckError(f"{where}, expectations[{place}] ({kind}): {'; '.join(lines[:3])}") from None
    return made


@cache
def _batches() -> Any:
    """Return the definition of a batch that is a whole pandas frame, in an ephemeral context."""
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("odibi").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _judge(suite: Any, key: tuple[str, ...], frame: Any) -> list[RuleResult]:
    batch = _batches().get_batch({"dataframe": frame.to_pandas()})
    wanted: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES}
    if key:
        wanted["unexpected_index_column_names"] = list(key)
    answer = batch.validate(suite, result_format=wanted)
    return [_rule(result.to_json_dict(), bool(key)) for result in answer.results]


def _rule(found: dict[str, Any], keyed: bool) -> RuleResult:
    about, result = found["expectation_config"], found.get("result") or {}
    kwargs = about["kwargs"]
    names = [kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs]
    names += kwargs.get("column_list") or kwargs.get("column_set") or []
    column = ", ".join(map(str, names)) or None
    if reasons := _exceptions(found.get("exception_info") or {}):
        finding = Finding(False, None, None, f"the expectation cannot be computed: {reasons[0]}")
    else:
        finding = _finding(about["type"], bool(found["success"]), result, keyed, column)
    condition = kwargs.get("row_condition")
    return RuleResult(
        about["type"], column, finding, _SEVERITIES.get(str(about.get("severity"))), float(kwargs.get("mostly") or 1.0),
        None if condition is None else str(condition),
    )  # fmt: skip


def _finding(kind: str, success: bool, result: dict[str, Any], keyed: bool, column: str | None) -> Finding:
    total, failed = result.get("element_count"), result.get("unexpected_count")
    if failed is None:
        seen = f", observed {result['observed_value']}" if "observed_value" in result else ""
        return Finding(success, None, total, f"{kind} {'passed' if success else 'failed'}{seen}")
    rows = result.get("partial_unexpected_index_list")
    if keyed and isinstance(rows, list):
        shown: list[Any] = [Row(row) if isinstance(row, dict) else row for row in rows]
    else:
        shown = [_named(value, column) for value in result.get("partial_unexpected_list") or []]
    message = f"{kind}: {failed:,} unexpected of {total:,}"
    if (mostly := result.get("unexpected_percent")) and success:
        message += f" ({mostly:.4g} %), which its tolerance allows"
    return Finding(success, int(failed), total, message, shown)


def _named(value: Any, column: str | None) -> Any:
    """Return the values of several columns under their names, so that each is redacted by its own."""
    names = (column or "").split(", ")
    if isinstance(value, list | tuple) and len(value) == len(names) > 1:
        return Row(zip(names, value, strict=True))
    return value


def _exceptions(info: dict[str, Any]) -> list[str]:
    entries = [info] if "raised_exception" in info else [each for each in info.values() if isinstance(each, dict)]
    return [str(each.get("exception_message")) for each in entries if each.get("raised_exception")]
