"""The background of a run on the page: purpose, findings, changes, the runs before it, sources."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.story.fixture.flights import flights
from tests.story.fixture.past import SOURCE, background
from tests.story.test_rows import LOST

from odibi_core.observability import StoryGenerator
from odibi_core.story import Background, build, read_background, read_lineage, render
from odibi_core.story.source import frames, source_of, trace_of
from odibi_core.story.unusual import MOST_FINDINGS, usual
from odibi_core.viewer import embed
from odibi_core.views.answers import NodeLineage

SMALL = {"status": "success", "steps": [{"step_name": name, "state": "success"} for name in ("a", "b", "c")]}


def draw(known: Any, lineage: dict[str, Any] | None = None) -> dict[str, Any]:
    return build(read_lineage(lineage or flights()), None, read_background(known))


def test_the_first_step_that_differs_comes_first_of_what_needs_attention() -> None:
    """Its sentence leads to the step; a step that the run does not have is left out."""
    name = draw(None)["steps"][1]["name"]
    run = {"blame": f"{name} lost 5 of 9 rows; likely cause: filter", "blame_step": name}
    first = draw({"run": run})["attention"][0]
    assert (first["step"], first["text"], first["tone"]) == (1, "lost 5 of 9 rows; likely cause: filter", "warn")
    assert draw({"run": run}, {**flights(), "status": "success"})["run"]["label"].endswith("1 unusual finding")
    assert draw({"run": run | {"blame_step": "gone"}})["attention"] == draw(None)["attention"]


def test_a_loss_of_rows_stands_once() -> None:
    """The sentence of the first step takes in the findings about its rows; others, and of other steps, stay."""
    name, other = (draw(None)["steps"][place]["name"] for place in (1, 2))
    alerts = [
        {"alert_id": "a", "node_name": name, "family": "rows", "message": f"{name}: 4 rows, expected 9"},
        {"alert_id": "b", "node_name": name, "family": "selectivity", "message": "44 % kept", "follows_from": "a"},
        {"alert_id": "c", "node_name": name, "family": "duration", "message": "slow"},
        {"alert_id": "d", "node_name": other, "family": "rows", "message": "4 rows"},
    ]
    changes = [{"step": name, "text": "made 4 rows, and 9 before", "alert": "a"}, {"step": name, "text": "code"}]
    lineage = flights()
    lineage["steps"][1]["row_changes"] = [LOST]
    known = {"run": {"blame": f"{name} lost 5 of 9 rows", "blame_step": name}, "alerts": alerts, "changes": changes}
    document = draw(known, lineage)
    first, *others = document["attention"]
    assert [each["text"] for each in first["also"]][1:] == ["4 rows, expected 9", "44 % kept"]
    assert "600 of 1,000 rows lost" in first["also"][0]["text"]
    assert not [each for each in others if "rows lost" in each["text"]]
    assert [each["id"] for each in document["unusual"]] == ["c", "d"]
    assert [each.get("stated") for each in document["changes"]["list"]] == [True, None]
    # A sentence about something else takes in nothing.
    document = draw({**known, "run": {"blame": f"{name}: column a is now b", "blame_step": name}}, lineage)
    assert [each.get("id") for each in document["unusual"]] == ["a", "c", "d"]
    assert [each for each in document["attention"] if "rows lost" in each["text"]]


def test_without_a_background_the_page_has_none_of_it() -> None:
    """Nothing is claimed of runs that were not handed in: neither "no changes" nor "nothing unusual"."""
    document = draw(None)
    assert (document["unusual"], document["changes"], document["strip"], document["purpose"]) == ([], None, [], None)
    assert all("past" not in step and "source" not in step for step in document["steps"])
    assert "Nothing changed" not in render(document).partition('<script type="module">')[0]


def test_findings_are_folded_under_their_cause() -> None:
    """The first step of a finding stands by itself, what follows from it below; alerts of the program are elsewhere."""
    (first,) = draw(background())["unusual"]
    assert first["text"] == "8 rows"
    assert first["usual"] == "usually 24 (23 to 24) in 17 runs, 1 of 5,000 runs is so far off"
    assert [each["text"] for each in first["follows"]] == ["2 rows"]
    assert first["step"] == 1
    assert first["follows"][0]["step"] == 2


def test_a_message_that_has_the_expectation_is_not_followed_by_it_again() -> None:
    """The name of the step is a link before the text, so it is left out of the text too."""
    alert = {"node_name": "a", "message": "a: rows is 24, expected 72 (29 to 177)", "expected": "72", "low": 29.0,
             "high": 177.0, "likelihood": 0.004}  # fmt: skip
    (found,) = draw({"alerts": [alert]}, SMALL)["unusual"]
    assert (found["name"], found["text"]) == ("a", "rows is 24, expected 72 (29 to 177)")
    assert found["usual"] == "1 of 250 runs is so far off"


def test_a_finding_whose_cause_is_missing_is_not_lost() -> None:
    """It stands by itself."""
    known = background()
    known["alerts"] = known["alerts"][1:]
    assert [each["text"] for each in draw(known)["unusual"]] == ["2 rows"]


def test_unusual_findings_colour_the_verdict() -> None:
    """A run that succeeded with findings is amber, and its label has their number."""
    lineage = {"steps": [{"step_name": "a", "state": "success"}], "status": "success"}
    known = {"alerts": [{"alert_id": "1", "message": "x"}, {"alert_id": "2", "message": "y", "follows_from": "1"}]}
    run = draw(known, lineage)["run"]
    assert (run["tone"], run["label"]) == ("warn", "Succeeded with 2 unusual findings")
    many = [{"alert_id": str(number), "message": "x"} for number in range(MOST_FINDINGS + 5)]
    document = draw({"alerts": many, "earlier_runs": [{"run_id": "r0"}]}, lineage)
    assert document["run"]["label"] == f"Succeeded with {MOST_FINDINGS + 5} unusual findings"
    assert document["strip"][-1]["unusual"] == len(many)
    assert len(document["unusual"]) == MOST_FINDINGS


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, None),
        ({"expected": "8"}, "usually 8"),
        ({"low": 1, "high": 2.5}, "usually 1 to 2.5"),
        ({"expected": "8", "compared_runs": 1}, "usually 8 in 1 run"),
        ({"likelihood": 0.9, "expected": "8"}, "usually 8"),
        ({"likelihood": 0, "expected": "8"}, "usually 8"),
    ],
)
def test_the_expectation_has_what_is_known(row: dict[str, Any], expected: str | None) -> None:
    """A range, the runs and the chance, each only if it is there."""
    assert usual(row) == expected


def test_changes_are_listed_and_their_absence_is_stated() -> None:
    """An empty list was compared and found equal; None was not compared."""
    changes = draw(background())["changes"]
    assert (changes["count"], changes["with"]) == (2, "r0")
    assert changes["list"][0] == {
        "step": 1, "name": flights()["steps"][1]["step_name"], "text": "fewer rows", "before": "24", "after": "8",
        "why": "the input has fewer",
    }  # fmt: skip
    name = flights()["steps"][1]["step_name"]
    for text, shown in (
        (f"{name} made 8 rows", "made 8 rows"),
        (f"{name}.day: mean 1", "day: mean 1"),
        (f"{name}: no match", "no match"),
        (f"{name}s made 8 rows", f"{name}s made 8 rows"),
    ):
        known = {**background(), "changes": [{"step": name, "text": text}]}
        assert draw(known)["changes"]["list"][0]["text"] == shown, "the page shows the step before the sentence"
    assert draw({**background(), "changes": []})["changes"] == {"with": "r0", "count": 0}
    assert draw({**background(), "changes": None})["changes"] is None


def test_the_strip_ends_with_this_run() -> None:
    """Thirty runs at most, the oldest first."""
    strip = draw(background())["strip"]
    assert len(strip) == 30
    assert [run["state"] for run in strip[-5:-1]] == ["failed", "success", "success", "success"]
    assert strip[-6:-5][0]["state"] == "success"
    assert strip[-1]["unusual"] == 2
    assert draw({**background(), "earlier_runs": []})["strip"] == []


def test_each_step_has_its_last_runs() -> None:
    """Rows and duration, the oldest first and this run last."""
    step = draw(background())["steps"][0]
    assert len(step["past"]) == 30
    assert [point[2] for point in step["past"][-3:-1]] == [101, 100]
    assert step["past"][-1][2] == step["rows"]


def test_the_purpose_names_the_system_that_drove_the_run_and_the_run_around_it() -> None:
    known = background()
    known["run"] |= {
        "integration": "airflow", "integration_version": "3.3.0", "external_run_id": "scheduled__1",
        "parent_run_id": "r-9", "parent_node": "nightly",
    }  # fmt: skip
    facts = dict(draw(known)["purpose"]["facts"])
    assert (facts["Driven by"], facts["Part of"]) == ("airflow, 3.3.0, scheduled__1", "r-9, nightly")


def test_the_purpose_has_code_parameters_and_files() -> None:
    """A commit with its branch, parameters as texts, files with their sizes; unknown facts are left out."""
    found = draw(background())["purpose"]
    facts = dict(found["facts"])
    assert facts["Commit"] == "0123456789ab on main, with changes that are not committed"
    assert facts["Recording"] == "12 ms, 1.2 % of the run"
    assert facts["Host"] == "ann@box"
    assert found["params"] == [["day", "2013-10-08"], ["limits", "[1, 2]"]]
    first, second = found["files"]
    assert (first["access"], first["rows"], first["files"], first["step"]) == ("read", "336,776", 2, 0)
    assert second == {"access": "written", "uri": "s3://bucket/out.parquet"}
    assert "Commit" not in dict(draw({"run": {"python": "3.11"}})["purpose"]["facts"])


def node(**fields: Any) -> NodeLineage:
    lineage = read_lineage({"steps": [{"step_name": "clean", "state": "failed", **fields}]})
    return lineage.nodes[0]


TRACEBACK = """Traceback (most recent call last):
  File "/app/lib/python3.11/site-packages/pandas/core.py", line 7, in get
    return self[key]
  File "pandas/_libs/index.pyx", line 167, in get_loc
KeyError: 'missing'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/x/odibi_core/runtime/step_runner.py", line 70, in run
    made = call()
  File "/app/flow.py", line 12, in clean
    return wide[wide.missing > 1]
           ^^^^
  File "/app/tools.py", line 3, in helper
  File "/app/lib/python3.11/site-packages/pandas/core.py", line 9, in attr
    raise AttributeError(name)
AttributeError: missing
"""
KNOWN = read_background(background({"steps": [{"step_name": "clean"}, {"step_name": "b"}, {"step_name": "c"}]}))


def test_the_failing_line_is_marked() -> None:
    """The innermost frame inside the function's own text."""
    found = source_of(node(traceback=TRACEBACK), KNOWN)
    assert found is not None
    assert found["lines"] == SOURCE.rstrip().split("\n")
    assert (found["first"], found["failing"]) == (10, 2)
    assert found["lines"][found["failing"]] == "    return wide[wide.missing > 1]"


@pytest.mark.parametrize("traceback", [None, "", "no traceback", TRACEBACK.replace("/app/flow.py", "/app/other.py")])
def test_a_line_that_is_not_known_is_not_marked(traceback: str | None) -> None:
    """The source is shown without a mark."""
    found = source_of(node(traceback=traceback), KNOWN)
    assert found is not None
    assert "failing" not in found


def test_a_failing_line_of_sql_is_marked() -> None:
    """By the line that DuckDB names."""
    known = Background(
        nodes=[{"node_name": "clean", "source_hash": "1"}], sources={"1": "SELECT a\nFROM missing\nWHERE b"}
    )
    found = source_of(node(error_message="Catalog Error: no table\nLINE 2: FROM missing"), known)
    assert found is not None
    assert found["failing"] == 1
    assert "failing" not in (source_of(node(error_message="LINE 99: x"), known) or {})


def test_the_programs_frames_come_first() -> None:
    """The innermost first; frames of libraries and of the recorder are counted, and in the whole traceback."""
    found = trace_of(node(traceback=TRACEBACK))
    assert found is not None
    assert [(frame["name"], frame["line"], frame["code"]) for frame in found["own"]] == [
        ("helper", 3, ""),
        ("clean", 12, "return wide[wide.missing > 1]"),
    ]
    assert found["others"] == 4
    assert trace_of(node(traceback="ValueError: x")) is None


@given(st.text(max_size=300))
def test_any_text_may_be_a_traceback(text: str) -> None:
    """It never raises, and claims no frame that is not there."""
    assert all(frame["file"] in text for frame in frames(text))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_background_of_any_values_is_drawn(data: st.DataObject) -> None:
    """A value of a wrong type is absent, never an error; the page stays valid JSON."""
    known = background(SMALL)
    for part in ("earlier_runs", "earlier_nodes"):
        known[part] = known[part][:3]
    for part in data.draw(st.lists(st.sampled_from(sorted(known)), min_size=1, unique=True)):
        rows = known[part]
        if isinstance(rows, list) and data.draw(st.booleans()):
            known[part] = [{key: data.draw(VALUES) for key in row} for row in rows[:2]]
        else:
            known[part] = data.draw(VALUES)
    embed(draw(known, SMALL))


def test_times_of_a_store_and_of_a_file_are_alike() -> None:
    """Rows from a store have times, those from a file texts."""
    known = background()
    for row in known["earlier_runs"]:
        row["started"] = datetime(2026, 1, 1, tzinfo=UTC)
    assert draw(known)["strip"] == draw(background())["strip"]


def test_secrets_of_a_background_do_not_reach_the_page(tmp_path: Path) -> None:
    """Parameters, sources and commands from anywhere are redacted like everything else."""
    known = background()
    known["run"]["params"] = {"password": "hunter2", "contact": "ann@example.com"}
    known["run"]["command"] = "run.py --url https://ann:hunter3@example.com/x"
    known["changes"] = [{"text": "token=hunter4hunter4", "before": "ann@example.com"}]
    path = StoryGenerator().generate_story(flights(), tmp_path / "story.html", history=known)
    page = Path(path).read_text("utf-8")
    assert [secret for secret in ("hunter2", "ann@example.com", "hunter3", "hunter4") if secret in page] == []
    assert "day" in render(draw(background()))


def test_a_column_has_the_statistics_of_the_last_good_run() -> None:
    """By step, dataset and column; a row of another one, or of wrong types, is left out."""
    stats = [{"column": "n", "nulls": 1, "mean": 8.0}, {"column": "m", "nulls": 0}]
    after = {"name": "a", "row_count": 9, "schema": [{"column": "n", "type": "int"}], "stats": stats}
    lineage = {"status": "success", "steps": [{"step_name": "a", "after_snapshot": after}]}
    good = {"node_name": "a", "dataset": "a", "column_name": "n", "null_share": 0.25, "mean": 5.0, "q05": "x"}
    known = read_background({"good_columns": [good, good | {"column_name": "m", "node_name": "b"}]})
    (step,) = build(read_lineage(lineage), None, known)["steps"]
    assert [column.get("good") for column in step["after"]["stats"]] == [{"nullShare": 0.25, "mean": 5.0}, None]


def test_a_column_has_its_usual_ranges_or_the_runs_that_they_are_learned_from() -> None:
    """A range of wrong values is left out; without a store nothing is claimed."""
    after = {"name": "a", "stats": [{"column": "n", "nulls": 1}]}
    lineage = read_lineage({"status": "success", "steps": [{"step_name": "a", "after_snapshot": after}]})
    about = {"node_name": "a", "dataset": "a", "column_name": "n"}
    nulls = about | {"metric": "nulls", "values": [0.1, 0.2], "low": 0.0, "high": 0.15, "is_share": True}
    wrong = [about | {"metric": "mean", "values": [1, "x"]}, about | {"metric": "__proto__", "values": [1]}, {}, 7]

    def frame(**usual: Any) -> dict[str, Any]:
        (step,) = build(lineage, None, read_background({"usual": usual}))["steps"]
        return dict(step["after"])

    found = frame(compared_runs=9, bands=[nulls, *wrong], left_out=3)
    assert found["stats"][0]["usual"] == {"nulls": {"values": [0.1, 0.2], "low": 0.0, "high": 0.15, "share": True}}
    assert (found.get("comparedRuns"), found["bandsLeftOut"]) == (None, 3)
    assert frame(compared_runs=4, bands=[])["comparedRuns"] == 4
    assert {"comparedRuns", "bandsLeftOut"} & set(frame()) == set()
