"""Excel workbooks: sheets, types, and what a sheet cannot hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from odibi_core import Step, pipeline
from odibi_core.errors import (
    DataChangedWarning,
    EngineError,
    PipelineDefinitionError,
    SourceNotFoundError,
    UnreadableSourceError,
)


def _polars() -> Any:
    from odibi_core.plugins import load

    return load("engines", "polars")()


def _book(*rows: Any, path: str = "x.xlsx") -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    book.create_sheet("second").append(["m"])
    book["second"].append([5])
    book.save(path)


def test_a_sheet_is_chosen_by_name_or_number(engine: Any) -> None:
    """The first by default; an unknown one names those that are there."""
    _book(["n"], [1])
    assert list(engine.read("x.xlsx").columns) == ["n"]
    assert engine.read("x.xlsx", sheet="second")["m"].to_list() == [5]
    assert engine.read("x.xlsx", sheet=1)["m"].to_list() == [5]
    with pytest.raises(SourceNotFoundError, match="no sheet 'third'; its sheets are Sheet, second"):
        engine.read("x.xlsx", sheet="third")
    engine.write([{"n": 1}], "y.xlsx", sheet="mine")
    assert openpyxl.load_workbook("y.xlsx").sheetnames == ["mine"]


def test_another_suffix_can_be_a_workbook(engine: Any) -> None:
    """By `format=`."""
    engine.write([{"n": 1}], "x.data", format="excel")
    assert engine.read("x.data", format="excel")["n"].to_list() == [1]


def test_text_is_never_a_formula() -> None:
    """A text of a form that Excel would calculate is written as text."""
    _polars().write(pl.DataFrame({"s": ["=1+1", "+1", "#N/A"]}), "x.xlsx")
    cells = [row[0] for row in openpyxl.load_workbook("x.xlsx").active.iter_rows(min_row=2)]
    assert [cell.data_type for cell in cells] == ["s", "s", "s"]
    assert _polars().read("x.xlsx")["s"].to_list() == ["=1+1", "+1", "#N/A"]


def test_days_and_times_are_told_apart(engine: Any) -> None:
    """By the format of their cells; milliseconds are kept."""
    at = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    _polars().write(pl.DataFrame({"d": [date(2020, 1, 1)], "t": [at], "s": [timedelta(hours=30)]}), "x.xlsx")
    found = _polars().read("x.xlsx")
    assert found.rows() == [(date(2020, 1, 1), at, timedelta(hours=30))]
    assert [str(dtype) for dtype in found.dtypes] == ["Date", "Datetime(time_unit='us', time_zone=None)",
                                                      "Duration(time_unit='us')"]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([""], "'c' holds empty texts"),
        ([2**53 + 1], "'c' holds whole numbers of more than 53 bits"),
        ([Decimal("1.1")], "'c' holds decimals, which Excel makes floats"),
        ([datetime(2020, 1, 1, microsecond=5, tzinfo=UTC).replace(tzinfo=None)], "'c' holds microseconds"),
        (["a\r\nb"], "'c' holds carriage returns"),
    ],
)
def test_values_that_come_back_changed_are_a_warning(values: list[Any], words: str) -> None:
    """With the column and the reason."""
    with pytest.warns(DataChangedWarning, match=words):
        _polars().write(pl.DataFrame({"c": values}), "x.xlsx")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([datetime(2020, 1, 1, tzinfo=UTC)], "'c' has the time zone UTC, and Excel has none"),
        ([b"x"], "'c' holds bytes"),
        ([[1]], "'c' is .*list.*, which Excel has no type for"),
        ([date(1900, 1, 1)], "'c' has a day before 1900-03-01"),
        ([float("inf")], "infinity"),
        (["x" * 40_000], "32,767 characters, and a text has 40,000"),
        (["\x01"], "character .* cannot be in a cell of Excel"),
    ],
)
def test_values_that_a_sheet_cannot_hold_are_an_error(values: list[Any], words: str) -> None:
    """And the file that was there is as it was."""
    _polars().write(pl.DataFrame({"c": [1]}), "x.xlsx")
    before = Path("x.xlsx").read_bytes()
    with pytest.raises(EngineError, match=words):
        _polars().write(pl.DataFrame({"c": values}), "x.xlsx")
    assert Path("x.xlsx").read_bytes() == before


def test_a_frame_that_is_too_long_is_an_error(engine: Any) -> None:
    """Before a cell is made."""
    with pytest.raises(EngineError, match="a sheet has 1,048,576 rows with the header"):
        engine.write(engine.frame(pl.DataFrame({"n": range(1_048_576)})), "x.xlsx")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["a", "b"], [1, 2, 3]], "cell C2 holds 3, and no name stands over it"),
        ([["a", "a"], [1, 2]], "'a' is there twice"),
        ([["a", None, "c"], [1, 2, 3]], "column 2 has no name"),
        ([["a"], [1], ["x"]], "'a' holds int and str; make it one type, or set text=..a.."),
    ],
)
def test_a_sheet_that_is_no_table_is_unreadable(engine: Any, rows: list[Any], words: str) -> None:
    """The message names the cell or the column."""
    _book(*rows)
    with pytest.raises(UnreadableSourceError, match=words):
        engine.read("x.xlsx")


def test_a_column_of_several_types_can_be_read_as_text(engine: Any) -> None:
    """`text=` names it."""
    _book(["a", "b"], [1, 1], ["x", 2], [None, 3])
    found = engine.read("x.xlsx", text=["a"], columns=["a"])
    assert [None if value != value else value for value in found["a"].to_list()] == ["1", "x", None]
    with pytest.raises(UnreadableSourceError, match="no column 'z'; its columns are a, b"):
        engine.read("x.xlsx", text=["z"])


def test_an_error_of_a_formula_is_missing_with_a_warning(engine: Any) -> None:
    """Empty rows at the end are no rows."""
    _book(["a", "b"], ["#DIV/0!", 1], [None, None], [None, 2], [None, None])
    with pytest.warns(DataChangedWarning, match="'a' holds the error #DIV/0!, which is read as missing"):
        found = engine.read("x.xlsx")
    assert len(found) == 3


@pytest.mark.parametrize(
    ("params", "words"),
    [({"sheet": 1.5}, "sheet must be a name or a number from 0, got 1.5"), ({"sheet": -1}, "sheet must be"),
     ({"text": 5}, "text must be a list"), ({"sheet_name": "x"}, "no option 'sheet_name' .did you mean 'sheet'")],
)  # fmt: skip
def test_options_that_do_not_fit_are_refused(params: dict[str, Any], words: str) -> None:
    """Before the run."""
    with pytest.raises(PipelineDefinitionError, match=words):
        pipeline.compile([Step(name="s", layer="ingest", value="x.xlsx", params=params)], "pandas")
