"""Resuming: a run takes what an earlier one made if it is the same, and runs everything else."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from odibi_core.errors import ConfigurationError, PipelineError, RunNotFoundError
from odibi_core.history.comparison import compare_runs
from odibi_core.history.rows import as_dicts, tables_of
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.runtime.resume import plan as planning
from odibi_core.runtime.resume.plan import Selection
from odibi_core.store.runs import RunStore

RAN: list[str] = []
STATE = {"fails": True}


def load(limit: int = 4) -> pd.DataFrame:
    RAN.append("load")
    return pd.DataFrame({"n": range(limit), "name": ["a", "b", "c", "d"][:limit]})


def clean(load: pd.DataFrame) -> pd.DataFrame:
    RAN.append("clean")
    return load[load["n"] > 0]


def total(clean: pd.DataFrame) -> pd.DataFrame:
    RAN.append("total")
    if Path("broken").exists():
        raise ValueError("no such road")
    return pd.DataFrame({"total": [clean["n"].sum()]})


def beside(load: pd.DataFrame) -> pd.DataFrame:
    RAN.append("beside")
    return load.tail(1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own folder and store; `total` fails while there is a file `broken`."""
    monkeypatch.chdir(tmp_path)
    Path("broken").touch()
    RAN.clear()


def runs(steps: list[Any] | None = None, **options: Any) -> Orchestrator:
    steps = steps or [load, clean, total, beside]
    return Orchestrator(steps, pipeline_name="sums", store=".odibi", raise_on_error=False, keep=(), **options)


def failed(steps: list[Any] | None = None, **options: Any) -> Result:
    result = runs(steps, **options).execute()
    assert result.status == "failed"
    RAN.clear()
    return result


def mended(resume: str | bool = True, steps: list[Any] | None = None, **options: Any) -> Result:
    Path("broken").unlink(missing_ok=True)
    return runs(steps, **options).execute(resume=resume)


def events(result: Result, kind: str) -> list[Any]:
    return [event for event in RunStore(".odibi").read(result.run_id) if event.event_type == kind]


def tables(result: Result) -> dict[str, list[dict[str, Any]]]:
    return {name: as_dicts(name, rows) for name, rows in tables_of(RunStore(".odibi").read(result.run_id)).items()}


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_only_the_failed_step_runs_again(executor: str) -> None:
    """With each executor: the steps that succeeded are taken, and the result is that of a whole run."""
    options: dict[str, Any] = {"executor": executor, "max_workers": 1 if executor == "inline" else 2}
    first = failed(**options)
    second = mended(**options)
    assert second.status == "success"
    assert [name for name, node in second.nodes.items() if "taken_from" not in node] == ["total"]
    assert {node["taken_from"] for node in second.nodes.values() if "taken_from" in node} == {first.run_id}
    if executor != "processes":
        assert RAN == ["total"]
    whole = runs().execute()
    rows = {name: node["row_count"] for name, node in second.nodes.items()}
    assert rows == {name: node["row_count"] for name, node in whole.nodes.items()}


def test_the_frames_are_private_and_exact() -> None:
    """The input of the failed step is a file that its owner alone can read, listed in an event."""
    first = failed()
    (event,) = events(first, "frames_kept")
    (frame,) = [each for each in event.fields["frames"] if each["dataset"] == "clean"]
    path = first.path / "frames" / frame["file"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (frame["bytes"], frame["rows"], frame["is_unchanged"]) == (path.stat().st_size, 3, True)


def test_a_resumed_run_looks_like_a_whole_one() -> None:
    """Rows, edges, frames and checks are those of a whole run; only durations are unknown, and nothing is notable."""
    checked = [
        Step(name="load", layer="ingest", value=load, checks=[lambda load: len(load) == 4]),
        clean,
        total,
        beside,
    ]
    failed(checked)
    second, whole = mended(steps=checked), runs(checked).execute()
    one, other = tables(second), tables(whole)
    columns = (
        "node_name", "status", "rows_in", "rows_out", "source_hash", "source", "target", "row_count", "passed",
        "dataset",
    )  # fmt: skip
    for name in ("nodes", "edges", "checks", "snapshots"):
        wanted = [
            key for key in other[name][0] if key in (*columns, "source", "target", "row_count", "passed", "dataset")
        ]
        assert [{key: row[key] for key in wanted} for row in one[name]] == [
            {key: row[key] for key in wanted} for row in other[name]
        ]
    (run,), nodes = one["runs"], {row["node_name"]: row for row in one["nodes"]}
    assert (run["success_count"], run["rows_read"]) == (
        other["runs"][0]["success_count"],
        other["runs"][0]["rows_read"],
    )
    assert run["resumed_from"] is not None
    assert nodes["load"]["taken_from"] == run["resumed_from"]
    assert (nodes["load"]["attempts"], nodes["load"]["duration_ms"]) == (0, None)
    assert (second.checks, second.nodes_executed) == (whole.checks, 1)
    assert not compare_runs(".odibi", whole.run_id, second.run_id).notable


def changed(**names: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return `clean` with other code."""
    space: dict[str, Any] = {"RAN": RAN, **names}
    exec("def clean(load):\n    RAN.append('clean')\n    return load[load['n'] > LIMIT]", space)  # noqa: S102
    return space["clean"]  # type: ignore[no-any-return]


def test_a_changed_step_and_all_behind_it_run_again() -> None:
    """Another text of a function is another code; what does not depend on it is taken."""

    def clean(load: pd.DataFrame) -> pd.DataFrame:
        RAN.append("clean")
        return load[load["n"] > 1]

    failed()
    plan = runs([load, clean, total, beside]).planned(resume=True).plan
    assert {step.name: step.reason.partition(": code of")[0] for step in plan.steps if step.action == "run"} == {
        "load": "its dataset load cannot be taken: it was not kept",
        "clean": "its code changed",
        "total": "clean runs again",
        "beside": "load runs again",
    }


def test_a_changed_constant_is_changed_code() -> None:
    """A global that the function uses counts, although the text of the function is the same."""
    steps = [load, changed(LIMIT=0), total, beside]
    failed(steps)
    plan = runs([load, changed(LIMIT=1), total, beside]).planned(resume=True).plan
    assert plan.steps[1].reason == "its code changed: global 'LIMIT' of clean changed"
    assert mended(steps=[load, changed(LIMIT=1), total, beside]).nodes["total"]["row_count"] == 1
    assert "clean" in RAN


def test_sabotage_a_changed_step_that_is_taken_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: if code were not compared, the test of a changed constant would fail."""
    monkeypatch.setattr(planning, "why_not_same", lambda graph, index, *_: "it failed" if index == 2 else None)
    failed([load, changed(LIMIT=0), total, beside])
    mended(steps=[load, changed(LIMIT=1), total, beside])
    assert "clean" not in RAN


def test_other_parameters_are_another_run() -> None:
    """The latest failed run with the same parameters is resumed; of another run the steps without them are taken."""
    first = failed(params={"limit": 3})
    with pytest.raises(RunNotFoundError, match="no failed run of 'sums' with the same parameters"):
        runs().execute(resume=True)
    plan = runs().planned(resume=first.run_id).plan
    assert (plan.steps[0].action, plan.steps[0].reason) == ("run", "its parameters changed")


def _resumed(run: str | bool) -> str | None:
    past = runs().planned(resume=run).plan.past
    return None if past is None else past.run_id


def test_a_run_that_a_later_one_repeated_is_not_resumed() -> None:
    """Its results are older than those of the success; a success of some steps alone repeats nothing."""
    first = failed()
    Path("broken").unlink()
    assert runs().execute(selection=Selection(only=("load",))).status == "success"
    assert _resumed(True) == first.run_id
    later = runs().execute()
    with pytest.raises(RunNotFoundError, match=f"succeeded: {later.run_id}; name one: --resume RUN"):
        runs().planned(resume=True)
    assert _resumed(first.run_id) == first.run_id


def test_a_changed_file_is_read_again() -> None:
    """A step that read a file is taken only while the file is the same."""
    pd.DataFrame({"n": [1, 2]}).to_csv("numbers.csv", index=False)
    steps = [Step(name="load", layer="ingest", value="numbers.csv"), clean, total]
    failed(steps)
    assert runs(steps).planned(resume=True).plan.steps[0].action == "take"
    pd.DataFrame({"n": [1, 2, 3]}).to_csv("numbers.csv", index=False)
    reason = runs(steps).planned(resume=True).plan.steps[0].reason
    assert reason.startswith("the file ")
    assert reason.endswith("numbers.csv changed")


def test_an_input_that_was_changed_in_place_is_not_taken() -> None:
    """A step that changed its input before it failed left no input to go on from: its maker runs again."""

    def spoils(load: pd.DataFrame) -> pd.DataFrame:
        load["n"] = load["n"] * 2
        raise ValueError("half done")

    first = failed([load, spoils])
    (frame,) = events(first, "frames_kept")[0].fields["frames"]
    assert frame["is_unchanged"] is False
    assert runs([load, spoils]).planned(resume=True).plan.steps[0].action == "run"


def test_a_frame_with_a_secret_column_is_not_kept() -> None:
    """The event states the column; the resumed run makes the frame again."""

    def people() -> pd.DataFrame:
        RAN.append("people")
        return pd.DataFrame({"id": [1], "password": ["x"]})

    def fails(people: pd.DataFrame) -> pd.DataFrame:
        raise ValueError("no")

    first = failed([people, fails])
    (frame,) = events(first, "frames_kept")[0].fields["frames"]
    assert (frame.get("file"), frame["reason"]) == (None, "column 'password' is secret or personal by its name")
    assert not (first.path / "frames").exists()
    runs([people, fails]).execute(resume=True)
    assert RAN == ["people"]


def test_the_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame above the limit is not kept, with the reason; all runs together stay below the other limit."""
    monkeypatch.setenv("ODIBI_KEEP__MAX_MB", "0.0001")
    first = failed()
    (frame,) = [each for each in events(first, "frames_kept")[0].fields["frames"] if each["dataset"] == "clean"]
    assert "ODIBI_KEEP__MAX_MB" in frame["reason"]
    monkeypatch.delenv("ODIBI_KEEP__MAX_MB")
    monkeypatch.setenv("ODIBI_KEEP__TOTAL_MB", "0.001")
    second, third = failed(), failed()
    assert [(each.path / "frames").exists() for each in (second, third)] == [False, True]


def test_none_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `none` there is no folder and no event, and everything runs again."""
    monkeypatch.setenv("ODIBI_KEEP__FRAMES", "none")
    first = failed()
    assert (events(first, "frames_kept"), (first.path / "frames").exists()) == ([], False)
    mended()
    assert RAN == ["load", "clean", "total", "beside"]


def test_a_damaged_frame_is_made_again() -> None:
    """A file with another checksum is never unpacked."""
    first = failed()
    (path,) = (first.path / "frames").glob("*clean*")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    second = mended()
    assert second.status == "success"
    assert RAN == ["load", "clean", "total", "beside"]


def test_some_steps_take_their_inputs_from_the_last_run_that_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """`only` runs one step; the others are taken or skipped, and the run is no measure for later ones."""
    monkeypatch.setenv("ODIBI_KEEP__FRAMES", "all")
    Path("broken").unlink()
    whole = runs().execute()
    RAN.clear()
    part = runs().execute(selection=Selection(only=("total",)))
    assert RAN == ["total"]
    assert (part.nodes["clean"]["taken_from"], part.nodes["beside"]["status"]) == (whole.run_id, "skipped")
    (run,) = tables(part)["runs"]
    assert (json.loads(run["selection"]), run["unusual"]) == ({"only": ["total"]}, None)


def test_from_and_until_choose_what_depends_and_what_is_needed() -> None:
    """`from` takes the steps behind, `until` those before."""
    graph = runs().graph
    assert sorted(graph.steps[each].name for each in Selection(start=("clean",)).steps(graph)) == ["clean", "total"]
    assert sorted(graph.steps[each].name for each in Selection(until=("clean",)).steps(graph)) == ["clean", "load"]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(only=("totl",)), r"--only must be the name of a step, got 'totl' \(did you mean 'total'\?\)"),
        (Selection(only=("total",), until=("clean",)), "--only has no effect with --from and --until"),
        (Selection(start=("total",), until=("load",)), "--until must name a step that needs one of --from"),
        (Selection(only=("total",)), "the selected steps need clean, which cannot be taken"),
    ],
)
def test_a_wrong_selection_is_an_error(selection: Selection, message: str) -> None:
    """Nothing runs, and nothing is recorded."""
    with pytest.raises(ConfigurationError, match=message):
        runs().execute(selection=selection)
    assert not Path(".odibi/runs").exists()


def test_a_run_that_succeeded_is_not_resumed() -> None:
    """Nor one of another pipeline, nor without a store."""
    Path("broken").unlink()
    good = runs().execute()
    with pytest.raises(ConfigurationError, match="which succeeded"):
        runs().execute(resume=good.run_id)
    with pytest.raises(ConfigurationError, match="must be a run of 'other', got one of 'sums'"):
        Orchestrator([load], pipeline_name="other", store=".odibi").execute(resume=good.run_id)
    with pytest.raises(ConfigurationError, match="store must be a folder"):
        Orchestrator([load], store=False).execute(resume=True)


def test_a_chain_of_resumed_runs_names_the_run_that_made_it() -> None:
    """The second resumed run takes from the first, and states where the result was made."""
    first = failed()
    second = runs().execute(resume=True)
    assert second.status == "failed"
    RAN.clear()  # a global that the functions use: its value counts
    third = mended()
    assert third.nodes["clean"]["taken_from"] == first.run_id
    assert tables(third)["runs"][0]["resumed_from"] == second.run_id


def test_an_error_of_execute_is_that_of_a_plain_run() -> None:
    """A resumed run that fails again raises as any other."""
    failed()
    with pytest.raises(PipelineError, match="no such road"):
        Orchestrator([load, clean, total, beside], pipeline_name="sums", store=".odibi").execute(resume=True)


def test_a_dataset_that_only_a_skipped_step_needs_is_kept() -> None:
    """It has no further consumer after the failure, and stays until the end of the run all the same."""

    def rates() -> pd.DataFrame:
        RAN.append("rates")
        return pd.DataFrame({"n": [1], "rate": [2.0]})

    def joined(total: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
        RAN.append("joined")
        return total.assign(rate=rates["rate"].iloc[0])

    steps = [load, clean, rates, total, joined]
    first = failed(steps)
    kept = [each["dataset"] for each in events(first, "frames_kept")[0].fields["frames"]]
    assert kept == ["clean", "rates"]  # that of the failed step first
    second = mended(steps=steps)
    assert (second.status, RAN) == ("success", ["total", "joined"])


def test_a_frame_of_another_engine_is_converted() -> None:
    """A file that was read by pandas is taken as a polars frame, if the run has that engine now."""
    pd.DataFrame({"n": [1, 2]}).to_csv("numbers.csv", index=False)

    def taken(numbers: Any) -> Any:
        RAN.append(type(numbers).__module__.partition(".")[0])
        if Path("broken").exists():
            raise ValueError("no")
        return numbers

    steps: list[Any] = [Step(name="numbers", layer="ingest", value="numbers.csv"), taken]
    failed(steps)
    Path("broken").unlink()
    second = Orchestrator(steps, "polars", pipeline_name="sums", store=".odibi", keep=()).execute(resume=True)
    assert "taken_from" in second.nodes["numbers"]
    assert RAN == ["polars"]


def test_a_step_that_runs_again_may_come_from_the_cache() -> None:
    """A dataset that was not kept is made again; with a cache that is a hit, and the function does not run."""

    def numbers() -> pd.DataFrame:
        Path("calls").write_text(Path("calls").read_text() + "x" if Path("calls").exists() else "x")
        return pd.DataFrame({"n": [1, 2], "password": ["a", "b"]})

    def taken(numbers: pd.DataFrame) -> pd.DataFrame:
        if Path("broken").exists():
            raise ValueError("no")
        return numbers

    steps = [Step(name="numbers", layer="ingest", value=numbers, cache="anyway"), taken]
    failed(steps)
    second = mended(steps=steps)
    assert second.status == "success"
    assert Path("calls").read_text() == "x"
