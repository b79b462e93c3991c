"""Partitioned Parquet: written again and again without leftovers, and read with the columns of its folders."""

import datetime as dt
import os
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.families.seen import rows_of

from odibi_core import Orchestrator, Step
from odibi_core.errors import DataChangedWarning, EngineError, SourceNotFoundError
from odibi_core.plugins import load

ROWS = [
    {"n": 1, "year": 2020, "land": "NO"},
    {"n": 2, "year": 2021, "land": "a/b c=é%"},
    {"n": 3, "year": 2020, "land": None},
]
OPTIONS = [{"partition_by": ["year", "land"]}, {"partition_cols": ["year", "land"]}]
rows = partial(rows_of, by="n")


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("path", ["hive", "hive/", "deep/hive.parquet"])
def test_each_run_replaces_the_folder(engine: Any, options: dict[str, Any], path: str) -> None:
    """As often as it is written there is what was written last, and nothing beside it."""
    for count in (3, 2, 1, 1):
        engine.write(engine.frame(ROWS[:count]), path, **options)
        assert rows(engine.read(path)) == ROWS[:count]
        assert os.listdir(Path(path).parent) == [Path(path).name]
        assert len(list(Path(path).rglob("*.parquet"))) == count


def test_a_step_runs_again(engine: Any) -> None:
    """The second run of a pipeline succeeds as the first did."""

    def made() -> Any:
        return engine.frame(ROWS)

    save = Step(name="save", layer="publish", value="hive", inputs=["made"], params={"partition_by": "year"})
    for _ in range(2):
        assert Orchestrator([made, save], engine.name, store=False).execute()["status"] == "success"
    assert sorted(os.listdir("hive")) == ["year=2020", "year=2021"]


@pytest.mark.parametrize(
    "path", ["hive", "hive/", "hive/**/*.parquet", "hive/*/*/*.parquet", "./hive", "hive/year=*/**/*"]
)
def test_the_columns_of_the_folders_are_read(engine: Any, path: str) -> None:
    """With one type each, for every writer and every name."""
    Path("hive").mkdir()
    pl.DataFrame(ROWS).write_parquet("hive/", partition_by=["year", "land"])
    frame = engine.read(path)
    assert rows(frame) == ROWS
    assert "int64" in str(frame["year"].dtype).lower()


def test_folders_that_pyarrow_wrote(engine: Any) -> None:
    """pandas alone writes them so; markers that other tools leave are no data."""
    pd.DataFrame(ROWS).to_parquet("hive", partition_cols=["year", "land"])
    Path("hive/_SUCCESS").touch()
    Path("hive/.year.crc").touch()
    for path in ("hive", "hive/**/*.parquet", "hive/**"):
        assert rows(engine.read(path)) == ROWS


def test_one_partition_of_several(engine: Any) -> None:
    """A glob below a partition still has its column; a file that is named itself has its own columns."""
    engine.write(engine.frame(ROWS), "hive", partition_by=["year"])
    assert {row["year"] for row in rows(engine.read("hive/year=2020/*.parquet"))} == {2020}
    assert list(engine.read("hive/year=2020/part-0.parquet").columns) == ["n", "land"]
    assert list(engine.read("hive", hive_partitioning=False).columns) == ["n", "land"]
    assert list(engine.read("hive", columns=["n", "year"]).columns) == ["n", "year"]
    assert list(engine.read("hive", columns=["n"]).columns) == ["n"]


def test_other_formats_in_such_folders(engine: Any) -> None:
    """A glob of CSV or JSON Lines has the columns of its folders too."""
    for year in (2020, 2021):
        Path(f"hive/year={year}").mkdir(parents=True)
        Path(f"hive/year={year}/a.csv").write_text(f"n\n{year}\n")
        Path(f"hive/year={year}/a.jsonl").write_text(f'{{"n": {year}}}\n')
    for path in ("hive/**/*.csv", "hive/**/*.jsonl"):
        assert rows(engine.read(path)) == [{"n": 2020, "year": 2020}, {"n": 2021, "year": 2021}]
    assert rows(engine.read("hive", format="csv")) == [{"n": 2020, "year": 2020}, {"n": 2021, "year": 2021}]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (["01", "2"], ["01", "2"]),
        (["1", "x"], ["1", "x"]),
        ([2**53 + 1, None], [2**53 + 1, None]),
        ([dt.date(2020, 1, 1), dt.date(2020, 2, 1)], [dt.date(2020, 1, 1), dt.date(2020, 2, 1)]),
        (["2020-02-30", "2020-01-01"], ["2020-02-30", "2020-01-01"]),
    ],
)
def test_values_of_folders_have_one_type(engine: Any, values: list[Any], kept: list[Any]) -> None:
    """Whole numbers and dates where all are such, else text: a zip code stays one."""
    frame = engine.frame({"n": [1, 2], "k": values})
    if engine.name == "pandas":
        frame = frame.assign(k=pd.array(values, dtype="Int64") if None in values else values)
    engine.write(frame, "hive", partition_by="k")
    found = [row["k"] for row in rows(engine.read("hive"))]
    assert [v.date() if isinstance(v, dt.datetime) else v for v in found] == kept


@pytest.mark.parametrize("values", [["2020", "2021"], [1.5, 2.5], [True, False]])
def test_values_that_folders_do_not_keep_are_told_by_column(engine: Any, values: list[Any]) -> None:
    """The name of a folder has no type: texts of digits come back as numbers, floats and booleans as text."""
    with pytest.warns(DataChangedWarning, match="column 'k'"):
        engine.write(engine.frame({"n": [1, 2], "k": values}), "hive", partition_by="k")


def test_what_no_step_wrote_is_not_removed(engine: Any) -> None:
    """A folder is replaced as a whole, so that one with anything else in it is refused, and whole afterwards."""
    for other in ("hive/notes.txt", "hive/year=2020/mine.parquet", "hive/sub/part-0.parquet"):
        Path(other).parent.mkdir(parents=True, exist_ok=True)
        Path(other).touch()
        with pytest.raises(EngineError, match=f"holds .*{Path(other).parts[1]}.*no step has written"):
            engine.write(engine.frame(ROWS), "hive", partition_by="year")
        assert Path(other).exists()
        assert os.listdir() == ["hive"]
        Path(other).unlink()
        for folder in ("hive/year=2020", "hive/sub"):
            if Path(folder).exists():
                Path(folder).rmdir()
    Path("file").touch()
    with pytest.raises(EngineError, match="is a file"):
        engine.write(engine.frame(ROWS), "file", partition_by="year")


def test_a_failed_write_leaves_the_old_folder(engine: Any) -> None:
    """Any error: a column that is not there, none that is left, an option of the writer."""
    engine.write(engine.frame(ROWS), "hive", partition_by="year")
    for bad in (
        {"partition_by": "yaer"},
        {"partition_by": ["n", "year", "land"]},
        {"partition_by": "year", "compression": "x"},
    ):
        with pytest.raises(EngineError):
            engine.write(engine.frame(ROWS), "hive", **bad)
        assert os.listdir() == ["hive"]
        assert rows(engine.read("hive")) == ROWS
    with pytest.raises(EngineError, match=r"'yaer'.*did you mean 'year'"):
        engine.write(engine.frame(ROWS), "hive", partition_by="yaer")


def test_no_rows_are_a_data_set_too(engine: Any) -> None:
    """With all columns and their types."""
    engine.write(engine.frame(ROWS), "hive", partition_by="year")
    engine.write(engine.frame(ROWS)[:0], "hive", partition_by="year")
    told = engine.read("hive")
    assert (list(told.columns), len(told)) == (["n", "year", "land"], 0)


def test_a_folder_without_data_says_what_to_name(engine: Any) -> None:
    """Folders of Parquet can be read; of other formats the files must be named, or the format."""
    Path("data").mkdir()
    Path("data/a.csv").write_text("n\n1\n")
    with pytest.raises(
        SourceNotFoundError, match=r"folder without parquet files; name its files, such as data/\*\.csv"
    ):
        engine.read("data")


def test_options_of_polars_for_data_sets() -> None:
    """Types of the folders' columns can be given, and dates be left text."""
    engine = load("engines", "polars")()
    engine.write(
        pl.DataFrame({"n": [1], "day": [dt.date(2020, 1, 1)], "k": [7]}), "hive", partition_by=["day", "k"]
    )
    frame = engine.read("hive", try_parse_hive_dates=False, hive_schema={"k": pl.Int8})
    assert frame.schema == {"n": pl.Int64, "day": pl.String, "k": pl.Int8}


def test_partitions_are_appended_to(engine: Any) -> None:
    """A file is added to each partition, and nothing is left beside."""
    engine.write(engine.frame(ROWS[:2]), "hive", partition_by="year")
    engine.write(engine.frame(ROWS[2:]), "hive", partition_by="year", mode="append")
    assert rows(engine.read("hive")) == ROWS
    assert (len(os.listdir("hive/year=2020")), os.listdir()) == (2, ["hive"])
    engine.write(engine.frame(ROWS[:1]), "hive", partition_by="year", mode="overwrite")
    assert rows(engine.read("hive")) == ROWS[:1]


def test_the_partitions_of_a_frame_are_replaced(engine: Any) -> None:
    """Those that it has rows of; the others stay, and a second write changes nothing."""
    engine.write(engine.frame(ROWS), "hive", partition_by="year")
    for _ in range(2):
        new = [{"n": 9, "year": 2020, "land": "SE"}]
        engine.write(engine.frame(new), "hive", partition_by="year", mode="overwrite_partitions")
        assert rows(engine.read("hive")) == [ROWS[1], *new]
    assert (len(os.listdir("hive/year=2020")), os.listdir()) == (1, ["hive"])


@pytest.mark.parametrize("mode", ["append", "overwrite_partitions"])
def test_a_write_that_fails_half_way_changes_no_partition(
    engine: Any, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if files of one partition are in their place already."""
    engine.write(engine.frame(ROWS), "hive", partition_by="year")
    rename, calls = os.rename, []

    def fail(source: str, target: str) -> None:
        calls.append(target)
        if len(calls) == 3:
            raise OSError("disk gone")
        rename(source, target)

    more = [{"n": 9, "year": year, "land": "SE"} for year in (2019, 2020, 2021)]
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        with pytest.raises(EngineError, match="disk gone"):
            engine.write(engine.frame(more), "hive", partition_by="year", mode=mode)
    assert len(calls) > 3
    assert rows(engine.read("hive")) == ROWS
    assert os.listdir() == ["hive"]


def test_a_mode_without_partitions_is_refused(engine: Any) -> None:
    """And one that there is not."""
    with pytest.raises(EngineError, match=r"to append.*partition_by= takes overwrite, append, overwrite_partitions"):
        engine.write(engine.frame(ROWS), "x.parquet", mode="append")
    with pytest.raises(EngineError, match="mode='add' does not fit"):
        engine.write(engine.frame(ROWS), "hive", partition_by="year", mode="add")
