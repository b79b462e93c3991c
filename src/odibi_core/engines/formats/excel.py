"""Excel workbooks, by openpyxl: one sheet, whose first row has the names of the columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from odibi_core.engines.files import repeated, warn_changed
from odibi_core.engines.formats.arrow_fit import Types, fitted
from odibi_core.engines.formats.base import FileFormat, Operation, Options
from odibi_core.engines.formats.values import names_of, refuse_missing, unfit_columns
from odibi_core.engines.kinds import MixedKindsError, is_exact, kind_of
from odibi_core.errors import EngineError, SourceNotFoundError, UnreadableSourceError

_TYPES: Final = Types("Excel", nested=False, nulls=True, durations=True)
_MOST_ROWS: Final = 1_048_576
_MOST_COLUMNS: Final = 16_384
_LONGEST: Final = 32_767
_FIRST_DAY: Final = date(1900, 3, 1)
"""Excel has a 29th of February 1900: earlier days are others to other programs."""


def _problems(operation: Operation, path: str, options: Options) -> list[str]:
    sheet = options.get("sheet")
    found = []
    is_number = operation == "read" and type(sheet) is int and sheet >= 0
    if sheet is not None and not is_number and not (isinstance(sheet, str) and sheet):
        wanted = "a name" if operation == "write" else "a name or a number from 0"
        found.append(f"sheet must be {wanted}, got {sheet!r:.80}")
    if "text" in options and not names_of(options["text"]):
        found.append(f"text must be a list of the columns to read as text, got {options['text']!r:.80}")
    return found + unfit_columns(options)


def _write(table: Any, target: Any, options: Options) -> None:
    from openpyxl import Workbook

    fit = fitted(_utc_refused(table), _TYPES)
    if fit.num_rows >= _MOST_ROWS or fit.num_columns > _MOST_COLUMNS:
        raise EngineError(
            f"a sheet has {_MOST_ROWS:,} rows with the header and {_MOST_COLUMNS:,} columns, and the frame has "
            f"{fit.num_rows:,} rows and {fit.num_columns:,} columns; write Parquet, or several files"
        )
    _change_of_text(fit.column_names)
    columns = [_cells(field.name, fit.column(field.name).to_pylist()) for field in fit.schema]
    book = Workbook(write_only=True)
    with closing(book):
        sheet = book.create_sheet(options.get("sheet") or "Sheet1")
        sheet.append([_cell(sheet, name) for name in fit.column_names])
        for row in zip(*columns, strict=True):
            sheet.append([_cell(sheet, value) for value in row])
        book.save(target)


def _utc_refused(table: Any) -> Any:
    for field in table.schema:
        if getattr(field.type, "tz", None):
            raise EngineError(
                f"column {field.name!r} has the time zone {field.type.tz}, and Excel has none; "
                "convert it to times without one"
            )
    return table


def _cells(name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column after a look for those that Excel changes or cannot hold."""
    there = [value for value in values if value is not None]
    kinds = set(map(type, there))
    if kinds & {bytes}:
        raise EngineError(f"column {name!r} holds bytes, which Excel has no form for; make it text, or write Parquet")
    if kinds & {date, datetime} and min(map(_day, there)) < _FIRST_DAY:
        raise EngineError(f"column {name!r} has a day before {_FIRST_DAY}, which Excel counts otherwise; make it text")
    how = _change(there, kinds)
    if how:
        warn_changed(name, how)
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _change(values: Sequence[Any], kinds: set[type]) -> str | None:
    """Return how values come back changed, if they do; EngineError for those that cannot be written."""
    if str in kinds:
        return _change_of_text(values)
    if float in kinds:
        if any(math.isinf(value) for value in values):
            raise EngineError("Excel has no infinity; replace it, or write Parquet")
        return "holds NaN, which Excel is read back from as missing" if any(map(math.isnan, values)) else None
    if int in kinds and not all(map(is_exact, values)):
        return "holds whole numbers of more than 53 bits, which Excel makes floats"
    if Decimal in kinds:
        return "holds decimals, which Excel makes floats" if any(Decimal(float(v)) != v for v in values) else None
    if kinds & {datetime, time, timedelta} and any(_microseconds(value) % 1000 for value in values):
        return "holds microseconds, and Excel keeps milliseconds"
    return None


def _change_of_text(texts: Sequence[str]) -> str | None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    bad = next((found for text in texts if (found := ILLEGAL_CHARACTERS_RE.search(text))), None)
    if bad is not None:
        raise EngineError(f"the character {bad[0]!r} cannot be in a cell of Excel; remove it, or write Parquet")
    if any(len(text) > _LONGEST for text in texts):
        raise EngineError(f"a cell of Excel has {_LONGEST:,} characters, and a text has {max(map(len, texts)):,}")
    if "" in texts:
        return "holds empty texts, which Excel is read back from as missing"
    return "holds carriage returns, which Excel makes line feeds" if any("\r" in text for text in texts) else None


def _microseconds(value: Any) -> int:
    return int(value.microseconds if isinstance(value, timedelta) else value.microsecond)


def _cell(sheet: Any, value: Any) -> Any:
    """Return a cell; text stays text if it begins as a formula does, and a float keeps all digits."""
    from openpyxl.cell import WriteOnlyCell

    if type(value) not in (str, float):
        return value
    cell = WriteOnlyCell(sheet, value=value)
    if type(value) is float:
        cell._value, cell.data_type = repr(value), "n"
    else:
        cell.data_type = "s"
    return cell


def _read(source: Any, options: Options) -> Any:
    import pyarrow as pa
    from openpyxl import load_workbook

    with (
        open(source, "rb") if isinstance(source, str) else nullcontext(source) as stream,  # a path must end in .xlsx
        closing(load_workbook(stream, read_only=True, data_only=True)) as book,
    ):
        rows = _rows(_sheet(book, options.get("sheet") or 0))
        names = _names(next(rows, []))
        columns: list[list[Any]] = [[] for _ in names]
        formats: list[set[str]] = [set() for _ in names]
        for row in rows:
            _refuse_surplus(row, names)
            for place, column in enumerate(columns):
                cell = row[place] if place < len(row) else None
                column.append(None if cell is None or cell.data_type == "e" else cell.value)
                if cell is not None and getattr(cell, "is_date", False):
                    formats[place].add(str(cell.number_format))
                if cell is not None and cell.data_type == "e":
                    warn_changed(names[place], f"holds the error {cell.value}, which is read as missing")
    wanted, text = options.get("columns"), set(names_of(options.get("text", [])))
    refuse_missing([*(wanted or ()), *text], names, "the sheet")
    made = {name: _typed(name, columns[i], formats[i], name in text) for i, name in enumerate(names)}
    return pa.table({name: made[name] for name in (names if wanted is None else wanted)})


def _sheet(book: Any, sheet: str | int) -> Any:
    names = list(book.sheetnames)
    if isinstance(sheet, int) and sheet < len(names):
        sheet = names[sheet]
    if sheet not in names:
        raise SourceNotFoundError(f"the workbook has no sheet {sheet!r}; its sheets are {', '.join(names)}")
    found = book[sheet]
    found.reset_dimensions()  # some writers state too few rows
    return found


def _rows(sheet: Any) -> Iterator[Sequence[Any]]:
    """Yield the rows until the last one with a value; empty rows at the end are often only formatted."""
    empty: list[Sequence[Any]] = []
    for row in sheet.iter_rows():
        empty.append(row)
        if any(cell.value is not None for cell in row):
            yield from empty
            empty.clear()


def _names(header: Sequence[Any]) -> list[str]:
    names = ["" if cell.value is None else str(cell.value) for cell in header]
    while names and not names[-1]:
        names.pop()
    twice = repeated(names)
    if twice is not None or "" in names:
        at = f"{twice!r} is there twice" if twice else f"column {names.index('') + 1} has no name"
        raise UnreadableSourceError(f"the first row must have a name for each column; {at}")
    return names


def _refuse_surplus(row: Sequence[Any], names: Sequence[str]) -> None:
    for cell in row[len(names) :]:
        if cell.value is not None:
            raise UnreadableSourceError(f"cell {cell.coordinate} holds {cell.value!r:.80}, and no name stands over it")


def _typed(name: str, values: list[Any], formats: set[str], as_text: bool) -> Any:
    """Return a column of one type.

    Raises:
        UnreadableSourceError: The column holds values of several types.
    """
    import pyarrow as pa

    if as_text:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    if formats and all("h" not in each.lower() and "s" not in each.lower() for each in formats):
        values = [value.date() if isinstance(value, datetime) else value for value in values]
    try:
        kind = kind_of(values, name)
    except MixedKindsError as error:
        raise UnreadableSourceError(
            f"{error}; make it one type, or set text=[{name!r}] among the step's params"
        ) from None
    if kind.name == "float":
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    types: Mapping[str, Any] = {
        "text": pa.string(), "date": pa.date32(), "datetime": pa.timestamp("us"), "time": pa.time64("us"),
        "timedelta": pa.duration("us"), "bool": pa.bool_(), "null": pa.null(),
    }  # fmt: skip
    return pa.array(values, types.get(kind.name))


EXCEL: Final = FileFormat(frozenset({"sheet", "text", "columns"}), frozenset({"sheet"}), _read, _write, _problems)
