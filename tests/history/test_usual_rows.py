"""The rows of the last good run of a pipeline, kept in one file of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from odibi_core import Orchestrator
from odibi_core.history import usual_rows
from odibi_core.history.index import Index
from odibi_core.history.rows import as_dicts, tables_of
from odibi_core.store.runs import RunStore

Frame = pd.DataFrame


def run(store: Path, kept: int, *, partition: str | None = None, fails: bool = False) -> str:
    """Record a run whose step keeps so many of 1,000 rows; return its id."""

    def numbers() -> Frame:
        return pd.DataFrame({"n": range(1_000)})

    def small(numbers: Frame) -> Frame:
        if fails:
            raise ValueError("broken")
        return numbers[numbers["n"] < kept]

    result = Orchestrator(
        [numbers, small], pipeline_name="shop", store=store, partition=partition, raise_on_error=False
    ).execute()
    return str(result["run_id"])


def rows_out(store: Path, partition: str | None = None) -> Any:
    found = usual_rows.read(store, "shop", partition)
    return None if found is None else found["small"]["small"]["rows_out"]


def change_of(store: Path, run_id: str) -> dict[str, Any]:
    (row,) = as_dicts("row_changes", tables_of(RunStore(store).read(run_id))["row_changes"])
    return row


def test_a_run_is_compared_with_the_last_good_one(tmp_path: Path) -> None:
    """Not with one that failed; the next run has its rows and its id."""
    first = run(tmp_path, 900)
    run(tmp_path, 100, fails=True)
    same, other = change_of(tmp_path, run(tmp_path, 905)), change_of(tmp_path, run(tmp_path, 400))
    assert (same["usual_run"], same["usual_rows_out"], same["unusual"]) == (first, 900, False)
    assert (same["rule"], same["usual_rule"], same["confirmed"]) == ("n >= 905", "n >= 900", False)
    assert (other["usual_rows_out"], other["unusual"]) == (905, True)


def test_unusual_rows_become_usual_after_three_runs(tmp_path: Path) -> None:
    """Until then each run is compared with the last one whose rows were usual."""
    for kept in (900, 400, 400):
        run(tmp_path, kept)
    assert rows_out(tmp_path) == 900
    run(tmp_path, 400)
    assert rows_out(tmp_path) == 400
    assert change_of(tmp_path, run(tmp_path, 400))["unusual"] is False


def test_a_partition_is_compared_with_itself_and_a_new_one_with_all(tmp_path: Path) -> None:
    """Countries differ, and days follow one another; the rows of one other country are unusual among all."""
    run(tmp_path, 900, partition="US")
    run(tmp_path, 300, partition="DE")
    assert (rows_out(tmp_path, "US"), rows_out(tmp_path, "DE"), rows_out(tmp_path, "FR")) == (900, 300, 900)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b'{"version":99,"partitions":{}}', b"[1, 2]"])
def test_a_file_that_is_missing_or_damaged_is_built_again_from_the_runs(tmp_path: Path, content: bytes | None) -> None:
    """It is a cache; the answer is the same."""
    run(tmp_path, 900)
    before = usual_rows.read(tmp_path, "shop", None)
    path = usual_rows.path_of(tmp_path, "shop")
    path.unlink() if content is None else path.write_bytes(content)
    assert usual_rows.read(tmp_path, "shop", None) is None
    with Index(tmp_path) as index:
        assert usual_rows.built_again(tmp_path, index, "shop", None) == before
    assert usual_rows.read(tmp_path, "shop", None) == before
    path.unlink()
    assert change_of(tmp_path, run(tmp_path, 905))["usual_rows_out"] == 900


def test_the_file_has_one_entry_for_a_step_that_a_run_left_out(tmp_path: Path) -> None:
    """A step of the plan that did not run keeps its rows; one that is no longer in the plan does not."""
    run(tmp_path, 900)
    tables = tables_of(RunStore(tmp_path).read(run(tmp_path, 900)))
    usual_rows.keep(tmp_path, "shop", None, {**tables, "row_changes": []})
    assert rows_out(tmp_path) == 900
    usual_rows.keep(tmp_path, "shop", None, {**tables, "row_changes": [], "nodes": []})
    assert usual_rows.read(tmp_path, "shop", None) == {}


def test_old_partitions_are_left_out(tmp_path: Path) -> None:
    """The file stays small, however many days a pipeline runs."""
    tables = tables_of(RunStore(tmp_path).read(run(tmp_path, 900)))
    for day in range(60):
        usual_rows.keep(tmp_path, "shop", f"day {day}", tables)
    assert usual_rows.path_of(tmp_path, "shop").read_text().count('"run_id"') == 41
    usual_rows.forget(tmp_path)
    assert usual_rows.read(tmp_path, "shop", None) is None
