"""Pandera schemas as checks: `pandera(schema)`, with a result for each rule of the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from odibi_core.checks.base import Finding, Row
from odibi_core.checks.suite import RuleResult, Suite
from odibi_core.errors import CheckError
from odibi_core.plugins import missing_extra

Key = tuple[str | None, str]
"""A rule: its column, None for the frame, and the text that Pandera has for it."""


def pandera(schema: Any, *, severity: str = "error", on: str | None = None, collect: bool = False) -> Suite:
    """Check a frame by a Pandera schema or model, of its pandas or polars backend.

    All failures are collected (`lazy=True`), and each rule has its own result. A frame of another library is converted
    for it; what the schema would coerce or add does not change the frame.

    Args:
        schema: A DataFrameSchema, or a subclass of DataFrameModel.
        severity, on, collect: See `checks.base.Options`.

    Raises:
        MissingExtraError: Pandera is not installed.
        CheckError: It is no schema.
    """
    try:
        import pandera.errors  # noqa: F401
    except ModuleNotFoundError as error:
        raise missing_extra("pandera", "checks.pandera()") from error
    if isinstance(schema, type) and hasattr(schema, "to_schema"):
        schema = schema.to_schema()
    if not hasattr(schema, "columns") or not hasattr(schema, "validate"):
        raise CheckError(f"pandera() takes a DataFrameSchema or a DataFrameModel, got {type(schema).__name__}")
    name = schema.name if isinstance(schema.name, str) and schema.name else "pandera"
    return Suite(name=name, judge=partial(_judge, schema), severity=severity, on=on, collect=collect)


def _judge(schema: Any, frame: Any) -> list[RuleResult]:
    from pandera.errors import SchemaErrors

    is_polars = ".polars" in type(schema).__module__
    native = frame.to_polars() if is_polars else frame.to_pandas()
    if not is_polars and schema.index is None:
        native = native.reset_index(drop=True)
    failures: dict[Key, list[dict[str, Any]]] = {}
    try:
        schema.validate(native, lazy=True)
    except SchemaErrors as errors:
        for case in _cases(errors):
            column = case["column"] if case["schema_context"] == "Column" else None
            if case["check"] == "column_in_dataframe":
                column = str(case["failure_case"])
            failures.setdefault((column, str(case["check"])), []).append(case)
    missing = {column for column, check in failures if check == "column_in_dataframe"}
    return list(_results(schema, failures, missing, len(frame)))


def _cases(errors: Any) -> list[dict[str, Any]]:
    cases = errors.failure_cases
    found: list[dict[str, Any]] = cases.to_dicts() if hasattr(cases, "to_dicts") else cases.to_dict("records")
    return found


def _results(
    schema: Any, failures: dict[Key, list[dict[str, Any]]], missing: set[str | None], rows: int
) -> Iterator[RuleResult]:
    for key in dict.fromkeys([*_rules(schema), *failures]):
        column, check = key
        if key in failures:
            yield RuleResult(check, column, _failed(failures[key], check, rows))
        elif column in missing and check != "column_in_dataframe":
            why = f"not checked, because there is no column {column!r}"
            yield RuleResult(check, column, Finding(None, None, None, why))
        else:
            yield RuleResult(check, column, Finding(True, 0, rows, f"{check}: 0 failures in {rows:,} rows"))


def _rules(schema: Any) -> Iterator[Key]:
    """Yield the rules of a schema, as Pandera names them in its failures."""
    for name, column in schema.columns.items():
        if getattr(column, "regex", False):
            continue  # its columns are known by their failures alone
        if column.required:
            yield name, "column_in_dataframe"
        if column.dtype is not None:
            yield name, f"dtype('{column.dtype}')"
        if not column.nullable:
            yield name, "not_nullable"
        if column.unique:
            yield name, "field_uniqueness"
        yield from ((name, _text(check)) for check in column.checks)
    if schema.unique:
        yield None, "multiple_fields_uniqueness"
    if schema.strict is True:
        yield None, "column_in_schema"
    if schema.ordered:
        yield None, "column_ordered"
    yield from ((None, _text(check)) for check in schema.checks)


def _text(check: Any) -> str:
    return str(check.error or check.name or check)


def _failed(cases: list[dict[str, Any]], check: str, rows: int) -> Finding:
    by_row: dict[Any, list[dict[str, Any]]] = {}
    for case in cases:
        by_row.setdefault(_plain(case["index"]), []).append(case)
    without_rows = None in by_row
    failed = None if without_rows else len(by_row)
    examples = [_example(group) for group in list(by_row.values())[:5]] if not without_rows else []
    if without_rows:
        shown = "; ".join(str(case["failure_case"]).strip().splitlines()[0][:200] for case in cases[:3] if case)
        return Finding(False, None, rows, f"{check} failed: {shown}")
    return Finding(False, failed, rows, f"{check}: {failed:,} failing rows in {rows:,}", examples)


def _plain(index: Any) -> Any:
    return None if index is None or index != index else index


def _example(cases: list[dict[str, Any]]) -> Any:
    """Return the failing value of a row, or its values by column for a rule of the whole row."""
    first = cases[0]
    if first["schema_context"] == "Column":
        return first["failure_case"]
    if first["column"] is not None:
        return Row({str(case["column"]): case["failure_case"] for case in cases})
    try:
        return Row(json.loads(first["failure_case"]))
    except (TypeError, ValueError):
        return str(first["failure_case"])
