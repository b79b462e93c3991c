"""The probable cause of a difference: where it begins, and what changed there."""

from __future__ import annotations

from typing import Any

import pytest
from tests.history.comparison.rows import column, frame, run, step

from odibi_core.history.comparison import compare
from odibi_core.history.comparison.difference import Comparison
from odibi_core.history.comparison.run_data import RunData

SOURCES = {
    "read": "def read(folder):\n    return pd.read_csv(folder)\n",
    "clean": "def clean(read, floor):\n    return read[read.x > floor]\n",
    "clean2": "def clean(read, floor):\n    return read[read.x > 2 * floor]\n",
    "other": "def other():\n    return tidy.up()\n",
    "other2": "def other():\n    return tidy.up(1)\n",
}


def world(rows: tuple[int, int, int], **more: Any) -> RunData:
    """Return a run of `read` → `clean` → `report`, and `other` beside them, with the rows of the three."""
    hashes = {"read": "read", "clean": "clean", "other": "other", **more.pop("hashes", {})}
    of_run = {"run_id": "1", "pipeline_name": "p", "status": "success", "duration_ms": 1e4, **more.pop("runs", {})}
    nodes = [
        step("read", rows[0], source_hash=hashes["read"], depends_on=[]),
        step("clean", rows[1], source_hash=hashes["clean"], depends_on=["read"]),
        step("report", rows[2], type="sql", engine="pandas", depends_on=["clean"]),
        step("other", 5, source_hash=hashes["other"], depends_on=[]),
    ]
    return run(runs=[of_run], nodes=nodes, **more)


def compared(after: RunData, before: RunData | None = None) -> Comparison:
    return compare(before or world((1000, 900, 90), params=PARAMS), after, sources=SOURCES.get)


PARAMS = [{"name": "floor", "value": "1"}, {"name": "label", "value": "a"}]
ALL = (500, 450, 45)
FILTER = (1000, 400, 40)


def named(found: Comparison) -> tuple[str, str] | None:
    return (found.cause.kind, found.cause.subject) if found.cause else None


def test_the_code_of_the_step_at_which_it_begins() -> None:
    """Not that of a step beside it, and the steps downstream follow from it."""
    found = compared(world(FILTER, params=PARAMS, hashes={"clean": "clean2", "other": "other2"}))
    assert named(found) == ("code", "clean")
    assert [(each.node, each.follows_from) for each in found.notable] == [("clean", None), ("report", "clean")]
    assert found.changes[0].subject == "clean"


MEANS: dict[str, Any] = {"mean": 50.0, "deviation": 10.0, "min": "20", "max": "80"}


def shifted(rows: tuple[int, int, int], mean: float, **more: Any) -> RunData:
    """Return a run whose step `read` made values of another mean."""
    columns = [column("read", "x", **MEANS | {"mean": mean})]
    return world(rows, params=PARAMS, snapshots=[frame("read")], columns=columns, **more)


def test_the_changed_code_of_a_step_goes_before_a_weaker_effect_upstream() -> None:
    """The rows of a step begin there if its code changed and upstream only values shifted; not if rows did too."""
    before = shifted((1000, 900, 90), 50.0)
    found = compared(shifted(FILTER, 58.0, hashes={"clean": "clean2"}), before)
    assert named(found) == ("code", "clean")
    begins = {(each.node, each.family): each.follows_from for each in found.notable}
    assert begins == {("read", "values"): None, ("clean", "rows"): None, ("report", "rows"): "clean"}
    found = compared(shifted((500, 450, 45), 50.0, hashes={"clean": "clean2"}), before)
    assert {each.follows_from for each in found.notable if each.node != "read"} == {"read"}
    found = compared(shifted(FILTER, 58.0), before)
    assert {each.follows_from for each in found.notable if each.node != "read"} == {"read"}


def test_a_parameter_that_the_source_of_the_step_names() -> None:
    """A parameter of other steps is none, and a part of a word is not its name."""
    params = [{"name": "floor", "value": "9"}, {"name": "label", "value": "b"}, {"name": "ad", "value": "x"}]
    assert named(compared(world(FILTER, params=params))) == ("parameter", "floor")
    assert named(compared(world(FILTER, params=[PARAMS[0], params[1]]))) == ("data", "clean")


def test_a_file_that_the_step_reads() -> None:
    """Where its rows begin to differ; a file of a step that has no effect is none."""
    file = {"node_name": "read", "access": "read", "dataset": "x", "uri": "/x.csv", "bytes": 9, "modified": "m"}
    before = world((1000, 900, 90), files=[file])
    assert named(compared(world(ALL, files=[{**file, "bytes": 4}]), before)) == ("file", "x")
    same: dict[str, Any] = {"snapshots": [frame("read")], "columns": [column("read", "x", distinct=9)]}
    before = world((1000, 900, 90), files=[file], **same)
    assert named(compared(world(FILTER, files=[{**file, "bytes": 8}], **same), before)) == ("data", "clean")


def test_a_parameter_that_is_a_part_of_the_path() -> None:
    """The other file follows from it."""
    file = {"node_name": "read", "access": "read", "dataset": "x", "uri": "/north.csv", "bytes": 9, "modified": "m"}
    before = world((1000, 900, 90), files=[file], params=[{"name": "region", "value": "north"}])
    after = world(ALL, files=[{**file, "uri": "/south.csv"}], params=[{"name": "region", "value": "south"}])
    assert named(compared(after, before)) == ("parameter", "region")


@pytest.mark.parametrize(
    ("package", "rows", "cause"),
    [("pandas", ALL, ("version", "pandas")), ("tidy", ALL, ("data", "read")), ("tidy", FILTER, ("version", "tidy"))],
)
def test_a_package_that_the_step_uses(package: str, rows: Any, cause: tuple[str, str]) -> None:
    """By its name or its usual alias; of another one, a function that the step calls may use it."""
    before = world((1000, 900, 90), runs={"packages": {"pandas": "2", "tidy": "1"}})
    versions = {"pandas": "2", "tidy": "1"} | {package: "9"}
    assert named(compared(world(rows, runs={"packages": versions}), before)) == cause


def test_data_that_came_in_if_nothing_else_changed() -> None:
    """At the first step with an effect."""
    found = compared(world(ALL, params=PARAMS))
    assert named(found) == ("data", "read")
    assert found.cause is not None
    assert found.cause.reason == "nothing else that was recorded changed there"


def test_a_usual_change_is_no_cause() -> None:
    """Each day has another partition and another command line."""
    before = world((1000, 900, 90), runs={"partition": "mon", "command": "run mon"})
    after = world(ALL, runs={"partition": "tue", "command": "run tue"})
    assert named(compared(after, before)) == ("data", "read")


def test_a_failure_begins_where_its_input_changed() -> None:
    """A step that failed because of a missing column is not the beginning."""
    columns, frames = [column("read", name) for name in "xy"], [frame("read")]
    before = world((1000, 900, 90), columns=columns, snapshots=frames)
    after = world((1000, 0, 0), columns=columns[1:], snapshots=frames)
    after.nodes["clean"] |= {"status": "failed", "error": "'x'", "error_type": "KeyError", "rows_out": None}
    found = compared(after, before)
    (failed,) = [each for each in found.notable if each.after == "failed"]
    assert (failed.follows_from, found.notable[0].family) == ("read", "failure")


def test_equal_runs_have_no_cause() -> None:
    """And no difference."""
    found = compared(world((1000, 900, 90), params=PARAMS))
    assert (found.notable, found.cause, found.changes) == ([], None, [])


def unseen(rows: tuple[int, int, int], **more: Any) -> RunData:
    """A run whose steps made frames without statistics, as a very short one at level `auto`."""
    names = ("read", "clean", "report")
    columns = [column(name, "x", rows_sampled=None) for name in names]
    return world(rows, snapshots=[frame(name) for name in names], columns=columns, params=PARAMS, **more)


@pytest.mark.parametrize(
    ("after", "cause"),
    [
        (unseen((1000, 900, 90), hashes={"clean": "clean2"}), ("code", "clean")),
        (unseen((1000, 900, 90)), None),
        (unseen((1000, 900, 90), runs={"host": "b"}), None),
    ],
)
def test_values_that_were_not_compared_have_a_possible_cause(after: RunData, cause: tuple[str, str] | None) -> None:
    """They are not equal: a step whose code changed may have changed them, and the sentence states the condition."""
    found = compared(after, unseen((1000, 900, 90), runs={"host": "a"}))
    assert found.notable == []
    assert any("at least one run has no statistics" in text for text in found.not_compared)
    assert named(found) == cause
    assert ("Possible cause: code" in str(found)) == (cause is not None)


def test_a_change_upstream_where_values_were_not_compared() -> None:
    """An effect may begin there; a change of the step with the effect has more weight."""
    found = compared(unseen((1000, 900, 45), hashes={"clean": "clean2"}), unseen((1000, 900, 90)))
    assert found.notable[0].node == "report"
    assert named(found) == ("code", "clean")
    assert found.cause is not None
    assert "clean, upstream, were not compared" in found.cause.reason


def test_a_step_of_sql_uses_no_package_but_its_engine() -> None:
    """A package that other steps may use is not named for it."""
    packages = {"otherlib": "1", "duckdb": "1"}
    before = world((1000, 900, 90), runs={"packages": packages})
    for name, cause in (("otherlib", ("data", "report")), ("duckdb", ("version", "duckdb"))):
        after = world((1000, 900, 45), runs={"packages": {**packages, name: "2"}})
        assert named(compared(after, before)) == cause
