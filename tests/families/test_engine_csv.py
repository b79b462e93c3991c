"""CSV keeps every value that CSV can hold, on every engine, or the column that it does not keep is named."""

import gzip
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.families.columns import values
from tests.families.seen import IN_ORDER, loaded

from odibi_core.errors import DataChangedWarning, EngineError, UnreadableSourceError
from odibi_core.plugins import load

BIG = 2**53 + 1


def read_of(engine: Any, text: str | bytes, name: str = "x.csv", **options: Any) -> Any:
    Path(name).write_bytes(text.encode() if isinstance(text, str) else text)
    return engine.read(name, **options)


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["01234", "99999"], ["01234", "99999"]),
        (["12345"] * 2000 + ["00501"], ["12345"] * 2000 + ["00501"]),
        (["+4712345678", ""], ["+4712345678", None]),
        (["-007", "8"], ["-007", "8"]),
        (["001.10", "250.5"], ["001.10", "250.5"]),
        (["18_19", "1.10"], ["18_19", "1.10"]),
        (["0", "0.5", "-0.25"], [0.0, 0.5, -0.25]),
        (["0", "10", "-3"], [0, 10, -3]),
        ([str(BIG), ""], [BIG, None]),
        ([str(2**63), "1"], [2**63, 1]),
        ([str(2**63 + 1), "NA"], [2**63 + 1, None]),
        ([str(2**64 + 1), "", "-1"], [2**64 + 1, None, -1]),
        (["1.5e-11", "123456789.12345679", "5e-324"], [1.5e-11, 123456789.12345679, 5e-324]),
        (["true", "", "false"], [True, None, False]),
        (["", "NA"], [None, None]),
        (["00018446744073709551616", "1"], ["00018446744073709551616", "1"]),
        (["+99999999999999999999", "1"], ["+99999999999999999999", "1"]),
    ],
)
def test_what_a_cell_holds_is_read(engine: Any, cells: list[str], kept: list[Any]) -> None:
    """Numbers keep every digit, beside missing ones too; what begins with 0 or + is a name, and stays text."""
    found = values(read_of(engine, "n,c\n" + "".join(f"1,{cell}\n" for cell in cells)), "c")
    assert found == kept
    assert [type(v) for v in found] == [type(v) for v in kept]


def test_whole_numbers_that_a_float_would_change_are_refused(engine: Any) -> None:
    """One float makes floats of a column: its large whole numbers would change, so the column is named."""
    with pytest.raises(UnreadableSourceError, match=f"'c' holds floats and {BIG}"):
        read_of(engine, f"c\n{BIG}\n0.5\n")
    assert values(read_of(engine, "c\n100000000000000000000\n0.5\n"), "c") == [1e20, 0.5]


def test_a_type_that_is_said_is_the_type(engine: Any) -> None:
    """Options of the reader go before what is found out."""
    known: dict[str, tuple[str, Any, Any]] = {
        "pandas": ("dtype", "str", "int64"),
        "pyarrow": ("column_types", pa.string(), pa.int64()),
        "duckdb": ("column_types", pa.string(), pa.int64()),
    }
    option, text, whole = known.get(engine.name, ("schema_overrides", pl.String, pl.Int64))
    assert values(read_of(engine, "c\n1\n2\n", "x.csv", **{option: {"c": text}}), "c") == ["1", "2"]
    assert values(read_of(engine, "c\n007\n2\n", "x.csv", **{option: {"c": whole}}), "c") == [7, 2]


def test_a_converter_is_a_type_too() -> None:
    """pandas: what `converters` make is left as it is, by name or place."""
    engine = load("engines", "pandas")()
    for key in ("c", 1):
        frame = read_of(engine, "n,c\n1,12\n2,18446744073709551616\n", converters={key: str})
        assert values(frame, "c") == ["12", "18446744073709551616"]


def test_separators_and_streams_are_looked_at_too(engine: Any) -> None:
    """Zip codes between semicolons, tabs and other characters, packed or not."""
    name = "sep" if engine.name == "pandas" else "separator"
    for separator in (";", "\t", "|", "~"):
        text = f"a{separator}zip\n1{separator}01234\n"
        assert values(read_of(engine, text, **{name: separator}), "zip") == ["01234"]
        assert values(
            read_of(engine, gzip.compress(text.encode()), "x.csv.gz", **{name: separator}), "zip"
        ) == ["01234"]


def test_a_column_has_one_type_however_long_it_is() -> None:
    """pandas infers by the piece of 256 KiB, and would give whole numbers and texts in one column."""
    rows = 300_000
    text = "a,b\n" + "1,2\n" * rows + "x,2\n"
    frame = read_of(load("engines", "pandas")(), text)
    assert {type(v) for v in frame["a"].tolist()} == {str}
    assert frame["b"].dtype == "int64"


def test_a_delimiter_at_the_end_of_lines_moves_no_column() -> None:
    """pandas would make an index of the first column; an empty surplus is dropped, one with data is refused."""
    engine = load("engines", "pandas")()
    for ends in ("\n", "\r\n"):
        frame = read_of(engine, f"a,b{ends}1,2,{ends}3,4,{ends}")
        assert frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    assert read_of(engine, "a,b\n1,2,,\n3,4,,\n").to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    for text in ("a,b\n1,2,5\n3,4,6\n", "a\n1,2,\n3,4,\n", "a,b\n1,2,\n3,4,6\n"):
        with pytest.raises(
            UnreadableSourceError, match=r"its lines have 3 fields, but its header names [12]"
        ):
            read_of(engine, text)
    assert read_of(engine, "a,b\n1,2,5\n", index_col=[0]).to_dict("list") == {"a": [2], "b": [5]}


def test_polars_refuses_a_delimiter_at_the_end_of_lines() -> None:
    """It is an error of polars' own, and no column moves."""
    with pytest.raises(UnreadableSourceError):
        read_of(load("engines", "polars")(), "a,b\n1,2,\n")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_carriage_return_within_a_field_ends_no_line(engine: Any, ends: str, packed: str) -> None:
    """Quoted or not, among lines of either end; a line end within quotes stays what it is."""
    text = f'a,b{ends}x\ry,1{ends}"p\rq",2{ends}"l\r\nm",3{ends}'.encode()
    frame = read_of(engine, gzip.compress(text) if packed else text, f"x.csv{packed}")
    assert values(frame, "a") == ["x\ry", "p\rq", "l\r\nm"]
    assert values(frame, "b") == [1, 2, 3]


def test_carriage_returns_alone_end_lines(engine: Any) -> None:
    """A file without a single line feed comes from a very old machine."""
    frame = read_of(engine, "a,b\r1,x\r2,y\r")
    assert (values(frame, "a"), values(frame, "b")) == ([1, 2], ["x", "y"])


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "csv.zip"])
@pytest.mark.parametrize(
    "kept",
    [
        ["x\ry", "z", None],
        ["a,b", 'q"q', "l\nm", "é", "\u2028", "x\x00y"],
        ["01234", "18_19"],
        ["\r", "\n", "\r\n", " "],
        [1.5e-11, 1e22, None],
        [True, None, False],
    ],
)
def test_what_is_written_is_read_back(engine: Any, kept: list[Any], suffix: str) -> None:
    """Every line end of other systems, and without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataChangedWarning)
        engine.write(engine.frame({"c": kept, "n": list(range(len(kept)))}), f"x.{suffix}")
    assert values(engine.read(f"x.{suffix}"), "c") == kept


def test_each_engine_reads_what_the_other_wrote() -> None:
    """Quotes around everything, where a carriage return needs them, change no type and no missing value."""
    frame = pd.DataFrame({"s": ["x\ry", None], "n": pd.array([1, None], dtype="Int64"), "f": [0.5, np.nan]})
    load("engines", "pandas")().write(frame, "x.csv")
    for name in IN_ORDER:
        back = loaded(name).read("x.csv")
        assert [values(back, c) for c in "snf"] == [["x\ry", None], [1, None], [0.5, None]]


@pytest.mark.parametrize(
    ("texts", "how"),
    [
        (["1.10", "2"], "from as numbers"),
        (["1.10", "+1"], "from as numbers"),
        (["12", None], "from as numbers"),
        (["true", "false"], "from as booleans"),
        (["NA", "a"], "'NA'.* as missing"),
        (["", "a"], "''.* as missing"),
    ],
)
def test_texts_that_csv_does_not_keep_are_told_by_column(engine: Any, texts: list[Any], how: str) -> None:
    """CSV has no types: texts that look like something else come back as that, and a warning names the column."""
    with pytest.warns(DataChangedWarning, match=f"column 'code' .*{how}"):
        engine.write(engine.frame({"n": [1] * len(texts), "code": texts}), "x.csv")
    if "+1" not in texts or engine.name == "pandas":  # polars takes no plus for a number
        assert values(engine.read("x.csv"), "code") != texts


@pytest.mark.parametrize("bad", [[[1, 2]], [{"a": 1}], [b"x"]])
def test_what_csv_cannot_hold_is_refused_by_column(engine: Any, bad: list[Any]) -> None:
    """Nested values and bytes; nothing is left behind."""
    with pytest.raises(EngineError, match="column 'odd'"):
        engine.write(engine.frame({"n": [1], "odd": bad}), "x.csv")
    assert not list(Path().iterdir())


def test_numbers_that_csv_does_not_keep_on_polars() -> None:
    """NaN is missing when it comes back, and infinity makes text of its column."""
    engine = load("engines", "polars")()
    for value, how in ((float("nan"), "NaN"), (float("inf"), "infinity")):
        with pytest.warns(DataChangedWarning, match=f"column 'f' holds {how}"):
            engine.write(pl.DataFrame({"f": [value, 1.5]}), "x.csv")


def test_a_byte_order_mark_is_no_part_of_a_name(engine: Any) -> None:
    """As spreadsheets write it."""
    assert values(read_of(engine, "\ufeffzip,b\n01234,é\n"), "zip") == ["01234"]


def test_nothing_but_a_header_has_columns(engine: Any) -> None:
    """And an empty file is unreadable, not an empty frame without columns."""
    assert list(read_of(engine, "a,b\n").columns) == ["a", "b"]
    with pytest.raises(UnreadableSourceError, match=re.escape("x.csv")):
        read_of(engine, "")


def test_a_field_that_an_older_pandas_would_cut_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before version 3 its parser ends a field at NUL, silently; the engine that does not is named."""
    monkeypatch.setattr(pd, "__version__", "2.2.3")
    engine = load("engines", "pandas")()
    with pytest.raises(UnreadableSourceError, match=r"NUL.*engine='python'"):
        read_of(engine, "a\nx\0y\n")
