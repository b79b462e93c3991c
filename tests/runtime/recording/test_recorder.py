"""Which statements of a script become steps, under which names, and with which inputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.runtime.recording.scripts import Recorded

FRAME = """
import pandas as pd
df = pd.DataFrame({"id": [1, 2, 3, 4], "k": ["a", "b", "a", "c"], "amount": [1.0, 2.0, None, 4.0]})
"""


def recorded(source: str) -> Recorded:
    return Recorded(FRAME + source)


def test_a_statement_that_makes_a_frame_is_a_step_with_its_inputs() -> None:
    """Named after its variable; a join has the rows of both sides."""
    run = recorded('other = pd.DataFrame({"k": ["a"], "n": [1]})\nboth = df.merge(other, on="k")')
    assert run.names == ["df", "other", "both"]
    assert run.edges == [("df", "both"), ("other", "both")]
    assert run.steps["both"]["row_count"] == 2
    assert [(event.fields["keys"], event.fields["left_match_rate"]) for event in run.of("join_match")] == [(["k"], 0.5)]


def test_a_name_that_is_set_again_is_numbered() -> None:
    """The number counts the assignments in the source, so that it is the same in each run."""
    run = recorded("if len(df) > 9:\n    df = df.head(1)\ndf = df.dropna()\ndf = df[df['id'] > 1]")
    assert run.names == ["df", "df (3)", "df (4)"]
    assert run.edges == [("df", "df (3)"), ("df (3)", "df (4)")]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ('df["x"] = df["amount"] * 2', "df[x]"),
        ('df.loc[df["id"] > 1, "amount"] = 0', "df[amount]"),
        ("df.columns = ['a', 'b', 'c']", "df.columns"),
        ("df.drop(columns='k', inplace=True)", "df.drop"),
        ("df.insert(0, 'n', 1)", "df.insert"),
        ("del df['k']", "del df[k]"),
        ("df['amount'] += 1", "df[amount]"),
        ("taken = df.pop('k')", "taken"),
        ("def add(frame):\n    frame['x'] = 1\nadd(df)", "add.frame[x]"),
    ],
)
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_a_change_in_place_is_a_step_that_changes_its_frame(change: str, name: str) -> None:
    """It takes the frame as the step before made it, and what follows takes it from there."""
    run = recorded(f"{change}\nafter = df.head(2)")
    assert run.names == ["df", name, "after"]
    assert run.edges == [("df", name), (name, "after")]


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_a_change_in_place_is_compared_with_the_frame_as_it_was() -> None:
    """The rows that are lost, and the columns that the others come from, as of any function."""
    run = recorded("df.dropna(inplace=True)\ndf['x'] = df['amount'] * 2\ndf['y'] = df['k']")
    assert (run.steps["df.dropna"]["row_delta"], run.steps["df.dropna"]["row_count"]) == (-1, 3)
    changes = {event.node_name: event.fields for event in run.of("row_change")}
    assert (changes["df.dropna"]["rows_in"], changes["df.dropna"]["rows_out"]) == (4, 3)
    columns = {event.node_name: event.fields for event in run.of("column_lineage")}
    assert "x" in str(columns["df[x]"])
    assert run.steps["df[y]"]["schema_diff"]["added_columns"] == ["y"]


def test_a_statement_without_a_frame_is_no_step() -> None:
    """Numbers, texts, prints, other names of a frame, and columns alone."""
    run = recorded("same = df\nn = len(df)\nmean = df['id'].mean()\nprint(df.head())\nids = df['id']\nt = 'a' + 'b'")
    assert run.names == ["df"]


def test_a_frame_that_is_computed_from_columns_and_arrays_comes_from_their_frame() -> None:
    """Series, groups and arrays are followed by the variables that hold them."""
    run = recorded(
        "groups = df.groupby('k')\nsums = groups['amount'].sum()\ntable = sums.reset_index()\n"
        "import numpy as np\narray = df[['id']].to_numpy()\nback = pd.DataFrame(array)"
    )
    assert run.names == ["df", "table", "back"]
    assert run.edges == [("df", "table"), ("df", "back")]


def test_a_function_that_takes_frames_and_whose_value_is_used_is_one_step() -> None:
    """Its statements are a part of the step of the statement that calls it."""
    run = recorded("def clean(frame):\n    frame = frame.dropna()\n    return frame.head(2)\nbest = clean(df)")
    assert run.names == ["df", "best"]
    assert run.steps["best"]["row_count"] == 2


def test_other_functions_are_looked_into() -> None:
    """Functions without frames, functions whose value is not used, and methods; `main` has no name of its own."""
    run = Recorded("""
        import pandas as pd
        def load():
            raw = pd.DataFrame({"a": [1, 2, None]})
            return raw.dropna()
        class Report:
            def run(self):
                self.top = self.df.head(1)
        def main():
            df = load()
            report = Report()
            report.df = df
            report.run()
        main()
    """)
    assert run.names == ["load.raw", "df", "Report.run.self.top"]
    assert run.edges == [("load.raw", "df"), ("df", "Report.run.self.top")]


def test_a_loop_is_one_step_for_each_of_its_statements() -> None:
    """The calls are counted; the frames of the last ones still come from their step."""
    run = recorded("for n in range(1_500):\n    part = df.head(2)\nlast = part.head(1)")
    assert run.names == ["df", "part", "last"]
    assert ("part", "last") in run.edges
    calls = run.of("node_complete")
    assert sum(event.node_name == "part" for event in calls) <= 11
    assert run.steps["part"]["calls"] == 1_000, "the number of those that were counted"
    assert run.steps["part"]["row_count"] == 2_000


def test_the_frames_of_a_for_loop_come_from_what_it_loops_over() -> None:
    """Groups, and frames of a list that a comprehension made."""
    run = recorded("best = []\nfor key, group in df.groupby('k'):\n    top = group.head(1)\n    best.append(top)")
    assert run.names == ["df", "top"]
    assert run.edges == [("df", "top")]


def test_a_list_of_frames_is_one_step() -> None:
    """Each frame is an output; what takes the list takes all of them."""
    run = recorded("parts = [df[df['k'] == k] for k in ('a', 'b')]\nwhole = pd.concat(parts)")
    assert run.names == ["df", "parts", "whole"]
    assert set(run.edges) == {("df", "parts"), ("parts", "whole")}


def test_several_targets_are_outputs_of_one_step() -> None:
    """By the names of the variables."""
    run = recorded("a, b = df.head(1), df.tail(3)")
    outputs = run.steps["a, b"]["outputs"]
    assert run.names == ["df", "a, b"]
    assert {"a", "b"} <= set(outputs)


def test_a_statement_that_fails_is_a_failed_step_and_a_handler_works() -> None:
    """The exception is the same one, and the run goes on."""
    run = recorded("try:\n    x = df['nope']\nexcept KeyError as error:\n    seen = error.args\n    x = df.head(1)")
    assert run.error is None
    assert run.variables["seen"] == ("nope",)
    states = {name: step["state"] for name, step in run.steps.items()}
    assert states == {"df": "success", "x": "failed", "x (2)": "success"}


def test_files_that_are_read_and_written_belong_to_their_statement(tmp_path: Path) -> None:
    """A statement that only writes is a step too."""
    os.chdir(tmp_path)
    run = recorded("df.to_csv('a.csv')\nback = pd.read_csv('a.csv')")
    assert run.names == ["df", "df.to_csv", "back"]
    assert [(event.node_name, event.fields["access"]) for event in run.of("file_access")] == [
        ("df.to_csv", "write"),
        ("back", "read"),
    ]
    assert (run.steps["df.to_csv"]["layer"], run.steps["back"]["layer"]) == ("publish", "ingest")


def test_polars_and_duckdb_are_seen_lazy_ones_without_being_run() -> None:
    """A relation finds its frame by the name in the SQL text."""
    run = Recorded("""
        import duckdb, polars as pl
        frame = pl.DataFrame({"a": [1, 2, 3]})
        plan = frame.lazy().filter(pl.col("a") > 1)
        few = plan.collect()
        relation = duckdb.sql("select a from few where a > 2")
        back = relation.pl()
    """)
    assert run.names == ["frame", "plan", "few", "relation", "back"]
    assert ("few", "relation") in run.edges
    assert run.steps["plan"]["row_count"] is None
    assert run.steps["back"]["row_count"] == 1


def test_tables_that_sql_makes_are_steps_and_what_reads_them_takes_them() -> None:
    """With their columns; no connection is kept alive, and the result that waits stays readable."""
    run = recorded("""
import duckdb
con = duckdb.connect()
con.execute("create or replace table daily as select k, sum(amount) as total from df group by k")
done = con.execute("insert into daily values ('z', 1)").fetchall()
names = pd.DataFrame({"k": ["a"], "name": ["Ada"]})
named = con.sql("select * from daily join names using (k)").df()
""")
    assert run.error is None
    assert run.names == ["df", "daily", "daily (2)", "names", "named"]
    assert set(run.edges) == {("df", "daily"), ("daily", "daily (2)"), ("daily (2)", "named"), ("names", "named")}
    assert [column["column"] for column in run.steps["daily"]["after_snapshot"]["schema"]] == ["k", "total"]
    assert run.variables["done"] == [(1,)]


def test_the_source_of_a_step_has_the_functions_that_it_calls() -> None:
    """A change in such a function is a change of the step."""
    source = "def first(frame):\n    return frame.head({})\nx = first(df)"
    one, other = ({step["name"]: step["source_hash"] for event in recorded(source.format(n)).of("pipeline_plan")
                   for step in event.fields["steps"]} for n in (1, 2))  # fmt: skip
    assert one["df"] == other["df"]
    assert one["x"] != other["x"]
