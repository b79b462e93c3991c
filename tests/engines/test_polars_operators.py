"""The rows after each operator of a plan of polars, which polars counts in the execution that is needed anyway."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from tests.reliability.canaries import canaries

from odibi_core import plugins
from odibi_core.engines import parquet_rows, plan_operators, polars_profile
from odibi_core.engines.plan_operators import Operators
from odibi_core.engines.spark_operators import shown
from odibi_core.insight.base import RowChange
from odibi_core.insight.privacy import redacted

ROWS = pl.DataFrame(
    {
        "a": range(1_000),
        "k": [n % 10 for n in range(1_000)],
        "password": [f"p{n % 7}" for n in range(1_000)],
        "some name": range(1_000),
    }
)


def run(*plans: pl.LazyFrame) -> tuple[list[pl.DataFrame], list[Operators]]:
    with plan_operators.wanted():
        made = plugins.load("engines", "polars-lazy")().collected(list(plans))
    found = plan_operators.take({str(place): frame for place, frame in enumerate(made)})
    return made, [found[str(place)] for place in range(len(plans))]


def seen(operators: Operators) -> list[tuple[str, str, int | None]]:
    assert operators.reason == ""
    return [(each["operator"], each["detail"], each["rows"]) for each in operators.stages]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "rows.parquet")
    ROWS.write_parquet(path)
    os.utime(path, (1, 1))
    return path


def test_each_operator_of_several_plans_has_its_rows_after_one_execution(file: str) -> None:
    """Those of each plan alone; a filter that polars moved into the file has the rows before it by the footer."""
    scan, few = pl.scan_parquet(file), pl.LazyFrame({"k": range(8)})
    late = scan.filter(pl.col("a") > 100, (pl.col("k") < 7) | (pl.col("some name") == 5))
    joined = late.join(few, on="k").unique(["k", "a"]).group_by("k").agg(pl.len()).filter(pl.col("len") > 89)
    made, found = run(joined, scan.filter(pl.col("a") < 10).head(3))
    assert made[0].height == 6
    stages = seen(found[0])
    assert stages[0] == ("TABLE_SCAN", "rows.parquet", 1_000)
    assert stages[1][0] == "FILTER"
    assert 'a > 100 AND ((k < 7) | ("some name" == 5))' in stages[1][1]
    assert stages[2:] == [
        ("TABLE_SCAN", "", 8), ("JOIN", "INNER k = k", 629), ("UNIQUE", "k, a", 629), ("GROUP_BY", "k", 7),
        ("FILTER", "len > 89", 6),
    ]  # fmt: skip
    assert [each[:2] for each in seen(found[1])] == [
        ("TABLE_SCAN", "rows.parquet"), ("FILTER", "a < 10"), ("LIMIT", "3")
    ]  # fmt: skip


def test_rows_that_may_not_all_have_passed_are_unknown(file: str) -> None:
    """Below a limit, beside an empty side of a join, and of a file that is newer than the execution's begin."""
    frame, scan = ROWS.lazy(), pl.scan_parquet(file)
    _, (limited, empty) = run(
        frame.filter(pl.col("a") > 5).head(10), frame.join(frame.filter(pl.col("a") > 9_999), on="a")
    )
    assert seen(limited) == [("TABLE_SCAN", "", None), ("FILTER", "a > 5", None), ("LIMIT", "10", 10)]
    assert seen(empty)[0] == ("TABLE_SCAN", "", None)
    assert seen(empty)[-2:] == [("FILTER", "a > 9999", 0), ("JOIN", "INNER a = a", 0)]
    os.utime(file, (4e9, 4e9))
    assert seen(run(scan.filter(pl.col("a") > 5))[1][0])[0] == ("TABLE_SCAN", "rows.parquet", None)


def test_constants_beside_the_name_of_a_secret_are_hidden() -> None:
    """Also in a list of values, which a rule on texts does not know."""
    _, (found,) = run(ROWS.lazy().filter(pl.col("password").is_in(["p1", "p3"]), pl.col("a") < 700))
    detail = seen(found)[1][1]
    assert "p1" not in detail
    assert "a < 700" in detail


def test_a_plan_passes_its_result_and_its_error_as_without_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With other private parts of polars too: then the rows are unknown, for that reason."""
    bad = ROWS.lazy().with_columns(pl.col("password").cast(pl.Int64))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        run(bad)
    monkeypatch.setattr(polars_profile, "_nodes", lambda found: [{"other": "form"}])
    made, (found,) = run(ROWS.lazy())
    assert made[0].equals(ROWS)
    assert found == Operators(reason=polars_profile.OTHER_VERSION)


@pytest.fixture
def in_memory() -> Iterator[None]:
    pl.Config.set_engine_affinity("in-memory")
    yield
    pl.Config.set_engine_affinity(None)


@pytest.mark.usefixtures("in_memory")
def test_the_engine_that_the_program_chose_stays() -> None:
    """It counts nothing, which is the reason."""
    made, (found,) = run(ROWS.lazy().filter(pl.col("a") > 5))
    assert made[0].height == 994
    assert found == Operators(reason=polars_profile.OTHER_ENGINE)


def test_the_monitoring_of_polars_cloud_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does its module get replaced, nor is a plan reported to it."""
    theirs = ModuleType("polars_cloud")
    monkeypatch.setitem(sys.modules, "polars_cloud", theirs)
    _, (found,) = run(ROWS.lazy())
    assert found.reason == polars_profile.OTHER_MONITOR
    assert sys.modules["polars_cloud"] is theirs


def test_nothing_is_counted_unless_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan outside of a recorded step runs as polars runs it."""
    asked: list[Callable[..., Any]] = []
    monkeypatch.setattr(polars_profile, "profiled", asked.append)
    (made,) = plugins.load("engines", "polars-lazy")().collected([ROWS.lazy()])
    assert made.height == 1_000
    assert asked == []
    assert "polars_cloud" not in sys.modules


def test_no_secret_is_in_a_condition() -> None:
    """By the name of its column, by its shape or in a text with its name; of Spark too, which quotes no text."""
    secrets = canaries()[::4]
    plans = []
    for each in secrets:
        frame, column = pl.LazyFrame({each.name: ["x"], "about it": ["y"]}), pl.col(each.name)
        plans.append(frame.filter(column == each.value, pl.col("about it") != each.text))
        plans.append(frame.filter(column.is_in([each.value, "b"]) | pl.col("about it").is_in([each.text, "b"])))
    _, found = run(*plans)
    texts = [stage["detail"] for each in found for stage in redacted(RowChange(stages=each.stages), {}).stages]
    assert sum(" OR " in each or "is_in" in each for each in texts) >= len(secrets)
    for each in secrets:
        spark = {"operator": "FILTER", "detail": shown(f"(({each.name}#1 = {each.value}) OR (n#2 = {each.text}))")}
        texts += [stage["detail"] for stage in redacted(RowChange(stages=(spark,)), {}).stages]
    assert not [(each, text) for each in secrets for text in texts if each.core in text]


def test_the_rows_of_a_parquet_file_are_those_of_its_footer(tmp_path: Path) -> None:
    """Of files of polars and pyarrow, with nested columns and many groups; those of a damaged one are unknown."""
    path = tmp_path / "rows.parquet"
    wide = ROWS.with_columns(
        pl.struct("a", "k").alias("s"), pl.concat_list("a", "k").alias("l"), pl.lit(None).alias("nothing"),
        *(pl.col("a").alias(f"c{n}") for n in range(40)),
    )  # fmt: skip
    for with_pyarrow in (False, True):
        wide.write_parquet(path, use_pyarrow=with_pyarrow, row_group_size=7)
        assert parquet_rows.rows_of(str(path)) == 1_000
    content = path.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    for bad in (content[:-3], b"", content[: -8 - size] + b"\xff" * size + content[-8:], b"PAR1" + content[-8:]):
        path.write_bytes(bad)
        assert parquet_rows.rows_of(str(path)) is None
