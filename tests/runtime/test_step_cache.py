"""The step cache in runs: the same results, the right reasons, the figures of every answer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.runtime import step_cache_steps as steps

from odibi_core.bus.bus import EventBus
from odibi_core.checks import not_null, row_count
from odibi_core.errors import ConfigurationError, MissingExtraError
from odibi_core.runtime.orchestrator import Orchestrator, Result, Step
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink
from odibi_core.views.lineage import LineageView

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    yield
    steps.LIMIT = 1


class Runs:
    """Runs pipelines in one store, and keeps the events of the last one."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.sink = RecordingSink()

    def run(self, *given: Any, **options: Any) -> Result:
        self.sink, bus = RecordingSink(), EventBus()
        bus.subscribe(self.sink)
        options = {"store": self.store, "cache": True, "raise_on_error": False, "keep": "all", **options}
        return Orchestrator(list(given), event_bus=bus, **options).execute()

    def answers(self) -> dict[str, str]:
        """Return the answer of the cache for each step: `hit`, `miss: …` or `skipped: …`."""
        answers = [event for event in self.sink.events if event.event_type.startswith("cache_")]
        return {str(event.node_name): _answer(event.event_type, event.fields.get("reason")) for event in answers}


def _answer(kind: str, reason: str | None) -> str:
    return ": ".join(filter(None, (kind.removeprefix("cache_"), reason)))


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "store")


PIPELINE = (steps.raw, steps.big, steps.doubled, steps.both)
NAMES = ("raw", "big", "doubled", "both")


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_a_second_run_has_equal_results_and_runs_nothing(runs: Runs, executor: str) -> None:
    """Equal datasets, rows and schemas, in each executor; a step changes a copy of its input in place."""
    first = runs.run(*PIPELINE, executor=executor, max_workers=1 if executor == "inline" else 2)
    assert runs.answers() == dict.fromkeys(NAMES, "miss: first time")
    assert first.data["both"]["a"].to_list() == [2, 3, 4, 6]
    shown = [_facts(event) for event in runs.sink.events if event.event_type == "snapshot"]
    second = runs.run(*PIPELINE, executor=executor, max_workers=1 if executor == "inline" else 2)
    assert runs.answers() == dict.fromkeys(NAMES, "hit")
    for name in NAMES:
        pd.testing.assert_frame_equal(first.data[name], second.data[name])
        assert first.nodes[name]["row_count"] == second.nodes[name]["row_count"]
    assert sorted(shown) == sorted(_facts(event) for event in runs.sink.events if event.event_type == "snapshot")


def _facts(event: Any) -> str:
    about = {name: event.fields.get(name) for name in ("when", "dataset", "schema", "sample_data")}
    return str((event.node_name, event.row_count, about))


def test_executors_share_their_entries(runs: Runs) -> None:
    """The key has no executor."""
    runs.run(*PIPELINE, executor="processes", max_workers=2)
    runs.run(*PIPELINE)
    assert set(runs.answers().values()) == {"hit"}
    runs.run(*PIPELINE, executor="threads", max_workers=3)
    assert set(runs.answers().values()) == {"hit"}


def test_a_miss_names_what_changed(runs: Runs) -> None:
    """A parameter, a global, the input that follows from it; what did not change hits."""
    runs.run(*PIPELINE)
    runs.run(*PIPELINE, params={"least": 2})
    assert runs.answers()["raw"] == "hit"
    assert runs.answers()["big"] == "miss: parameter 'least' is new"
    assert runs.answers()["doubled"] == "miss: input 'big' changed"
    runs.run(*PIPELINE, params={"least": 1})
    assert runs.answers()["big"] == "miss: parameter 'least' changed"
    assert runs.answers()["doubled"] == "hit"  # the same rows as in the first run
    steps.LIMIT = 2
    result = runs.run(*PIPELINE, params={"least": 1})
    assert runs.answers()["big"] == "miss: global 'LIMIT' of big changed"
    assert result.data["big"]["a"].to_list() == [3]
    (miss,) = [event for event in runs.sink.events if event.event_type == "cache_miss"]
    assert miss.fields["changes"][0]["part"] == "global 'LIMIT' of big"
    assert miss.fields["compared_with"] != miss.run_id


def test_secrets_among_the_parameters_are_not_in_the_events(runs: Runs) -> None:
    """Neither their values nor their digests."""

    def connected(raw: Any, password: str = "") -> Any:
        return raw

    for secret in ("hunter2-one", "hunter2-two"):
        runs.run(steps.raw, connected, params={"password": secret})
    text = str([event.fields for event in runs.sink.events if event.event_type == "cache_miss"])
    assert "parameter 'password'" in text
    assert "hunter2" not in text
    assert "'before': '[REDACTED]'" in text


def test_a_file_that_changed_is_read_again(runs: Runs, tmp_path: Path) -> None:
    """Also with the same size and the same times."""
    path = tmp_path / "in.csv"
    path.write_text("a\n1\n")
    state = path.stat()
    read = Step(name="read", layer="ingest", value=str(path))
    assert runs.run(read).data["read"]["a"].to_list() == [1]
    files = [event.fields["uri"] for event in runs.sink.events if event.event_type == "file_access"]
    runs.run(read)
    assert runs.answers() == {"read": "hit"}
    assert files == [event.fields["uri"] for event in runs.sink.events if event.event_type == "file_access"] != []
    path.write_text("a\n2\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert runs.run(read).data["read"]["a"].to_list() == [2]
    assert runs.answers() == {"read": "miss: file 'in.csv' changed"}


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_sql_and_given_frames(runs: Runs, engine: str) -> None:
    """A dataset that exists before the run counts by its content."""
    make = pd.DataFrame if engine == "pandas" else pl.DataFrame
    query = Step(name="sums", type="sql", value="select sum(a) as s from given", inputs=["given"])
    for values, answer in (([1, 2], "miss"), ([1, 2], "hit"), ([2, 1], "miss"), ([1.0, 2.0], "miss")):
        runs.run(query, initial={"given": make({"a": values})}, engine_type=engine)
        assert runs.answers()["sums"].startswith(answer)


def test_steps_that_cannot_be_cached_run_and_have_a_reason(runs: Runs, tmp_path: Path) -> None:
    """The clock, a connection, a file that is written: recorded, and no lookup of the rate."""
    import datetime as dt

    def stamped(raw: Any) -> Any:
        return raw.assign(at=dt.datetime.now(dt.UTC))

    write = Step(name="write", layer="publish", value=str(tmp_path / "out.csv"), inputs={"frame": "stamped"})
    for _ in range(2):
        result = runs.run(steps.raw, stamped, write)
        assert runs.answers()["stamped"].endswith("stamped uses the clock (.now)")
        assert runs.answers()["write"] == "skipped: it writes"
    assert result.metrics.get_cache_hit_rate() == 1.0
    assert result.metrics.get_summary()["cache_lookups"] == 1


def test_a_step_decides_before_the_run_and_the_setting(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Step(cache=…)`, then `Orchestrator(cache=…)`, then ODIBI_CACHE__ENABLED."""
    one, two = Step(name="raw", value=steps.raw, cache=True), Step(name="big", value=steps.big, inputs=["raw"])
    runs.run(one, two, cache=None)
    assert list(runs.answers()) == ["raw"]
    runs.run(one, two, cache=False)
    assert runs.answers() == {"raw": "hit"}
    monkeypatch.setenv("ODIBI_CACHE__ENABLED", "true")
    runs.run(one, two, cache=None)
    assert list(runs.answers()) == ["raw", "big"]
    runs.run(Step(name="raw", value=steps.raw, cache=False), two, cache=True)
    assert list(runs.answers()) == ["big"]


def test_checks_are_asked_again_on_a_hit_and_a_failed_step_is_not_stored(runs: Runs) -> None:
    """Another check on an entry may fail, and a frame that failed its checks never becomes one."""
    good = Step(name="raw", value=steps.raw, checks=(row_count(1),))
    bad = Step(name="raw", value=steps.raw, checks=(not_null("s"),))
    for _ in range(2):
        assert not runs.run(bad).success
        assert runs.answers() == {"raw": "miss: first time"}
    assert runs.run(good).checks["passed"] == 1
    result = runs.run(good)
    assert (runs.answers(), result.checks["passed"]) == ({"raw": "hit"}, 1)
    result = runs.run(bad)
    assert runs.answers() == {"raw": "hit"}
    assert (result.success, result.checks["failed"]) == (False, 1)


def test_a_failure_is_not_stored(runs: Runs) -> None:
    """The step fails again."""
    for _ in range(2):
        assert not runs.run(steps.raw, steps.fails).success
    assert runs.answers() == {"raw": "hit", "fails": "miss: first time"}


def test_an_entry_that_is_gone_or_damaged_is_built_again(runs: Runs) -> None:
    """The reason names it."""
    runs.run(steps.raw)
    (frame,) = (runs.store / "cache" / "entries").glob("*/*/0.*")
    frame.write_bytes(frame.read_bytes()[:-1])
    runs.run(steps.raw)
    assert runs.answers()["raw"].startswith("miss: the entry was damaged and is removed: the checksum")
    for path in (runs.store / "cache" / "entries").glob("*/*/*"):
        path.unlink()
        path.parent.rmdir() if not list(path.parent.iterdir()) else None
    runs.run(steps.raw)
    assert runs.answers()["raw"] == "miss: evicted"
    runs.run(steps.raw)
    assert runs.answers()["raw"] == "hit"


def test_the_end_of_a_run_keeps_the_limit(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """ODIBI_CACHE__MAX_GB bounds the bytes of all entries."""
    monkeypatch.setenv("ODIBI_CACHE__MAX_GB", "0.000000001")
    runs.run(*PIPELINE)
    assert not list((runs.store / "cache" / "entries").glob("*/*"))


def test_a_frame_without_an_exact_form_is_not_stored(runs: Runs) -> None:
    """The step succeeds, and the reason is recorded."""

    def lazy() -> Any:
        return pl.DataFrame({"a": [1]}).lazy()

    assert runs.run(lazy).success
    assert runs.answers()["lazy"].startswith("skipped: not stored: a polars.LazyFrame")


def test_a_folder_that_cannot_be_written_fails_no_step(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is where the folder should be."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ODIBI_CACHE__DIR", str(tmp_path / "file"))
    assert runs.run(steps.raw).success
    assert "not stored: the entry cannot be written" in runs.answers()["raw"]


def test_code_that_changes_a_global_while_it_runs_is_not_stored(runs: Runs) -> None:
    """A list that grows with each run is not seen in the code, but in its value."""

    def grows() -> Any:
        steps.MARKS.append("x")
        return len(steps.MARKS)

    runs.run(grows)
    assert runs.answers()["grows"].startswith("skipped: not stored: ")
    assert runs.answers()["grows"].endswith("changed while it ran")


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_function_that_reads_a_file_by_a_hidden_name_is_not_stored(runs: Runs, tmp_path: Path, executor: str) -> None:
    """The code shows no reader, but the record of files does."""
    (tmp_path / "in.csv").write_text("a\n1\n")
    step = Step(name="hidden", value=steps.hidden, params={"path": str(tmp_path / "in.csv")})
    assert runs.run(step, executor=executor).success
    assert runs.answers()["hidden"] == "skipped: not stored: it used files that its step does not declare"
    runs.run(Step(name="hidden", value=steps.hidden, params=step.params, cache="anyway"), executor=executor)
    assert runs.answers()["hidden"].startswith("miss")


def test_the_answers_are_in_the_metrics_the_tables_and_the_story(runs: Runs) -> None:
    """Live and from the store: hits, misses, the rate, the mark of the step."""
    from odibi_core import history

    runs.run(*PIPELINE)
    result = runs.run(*PIPELINE, params={"least": 2})
    assert result.metrics.get_cache_hit_rate() == 0.25
    text = result.metrics.get_summary()
    assert (text["cache_hit_rate"], text["cache_lookups"]) == (0.25, 4)
    rows = history(runs.store).sql(f"select node_name, cache_hit from nodes where run_id = '{result.run_id}'").rows
    found = {row["node_name"]: row["cache_hit"] for row in rows}
    assert found == {"raw": True, "big": False, "doubled": False, "both": False}
    lineage = result.tracker.lineage()
    assert {node.node_name: node.cache_hit for node in lineage.nodes} == found
    replayed = LineageView()
    for event in RunStore(runs.store).read(result.run_id):
        replayed(event)
    assert {node.node_name: node.cache_hit for node in replayed.answer().nodes} == found


def test_the_durations_of_hits_are_no_baseline_and_no_difference(runs: Runs) -> None:
    """A loaded result is no fast run of its step."""
    from odibi_core.history.figures import figures
    from odibi_core.history.rows.tables import tables_of

    first, second = runs.run(*PIPELINE), runs.run(*PIPELINE)
    known = [figures(tables_of(RunStore(runs.store).read(run.run_id))) for run in (first, second)]
    assert ["duration_ms" in each["run"] for each in known] == [True, False]
    assert ["duration_ms" in each["steps"]["big"] for each in known] == [True, False]
    assert not [each for each in second.compare(first.run_id).differences if each.family == "duration"]


def test_overlapping_runs_of_one_pipeline_keep_their_datasets_apart(runs: Runs) -> None:
    """Each run has its own entries by dataset; a shared table would give one the key of the other."""
    plan = Orchestrator(list(PIPELINE), store=runs.store, cache=True)
    assert plan.cache is not None
    one, two = plan.cache.begin("one", "p"), plan.cache.begin("two", "p")
    one._entries["raw"] = object()  # type: ignore[assignment]
    assert two._entries == plan.cache._entries == {}


@pytest.mark.parametrize("value", ["yes", 1, "", object()])
def test_another_value_of_cache_is_an_error(value: Any) -> None:
    """Before anything runs, for the run and for a step."""
    with pytest.raises(ConfigurationError, match="cache must be True, False or 'anyway'"):
        Orchestrator([steps.raw], cache=value)
    with pytest.raises(ConfigurationError, match="cache must be True, False or 'anyway'"):
        Step(name="raw", value=steps.raw, cache=value)


def test_a_cache_needs_a_folder_and_xxhash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run without a store has none, unless the setting names one; the error names the extra."""
    with pytest.raises(ConfigurationError, match="cache needs a folder"):
        Orchestrator([steps.raw], store=False, cache=True)
    monkeypatch.setenv("ODIBI_CACHE__DIR", str(tmp_path))
    Orchestrator([steps.raw], store=False, cache=True)
    monkeypatch.setitem(sys.modules, "xxhash", None)
    with pytest.raises(MissingExtraError, match=r"odibi-core\[cache\]"):
        Orchestrator([steps.raw], store=False, cache=True)
    Orchestrator([steps.raw], store=False)


PROGRAM = """
import sys
from tests.runtime import step_cache_steps as steps
from odibi_core.runtime.orchestrator import Orchestrator, Step
step = Step(name="slow", value=steps.slow, params={"mark": sys.argv[2]}, cache="anyway")
print(Orchestrator([step], store=sys.argv[1]).execute().metrics.get_cache_hit_rate())
"""


def test_two_processes_that_need_one_key_build_it_once(tmp_path: Path) -> None:
    """One builds, the others wait for it and hit."""
    mark, command = tmp_path / "mark", [sys.executable, "-c", PROGRAM, str(tmp_path / "store"), str(tmp_path / "mark")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) for _ in range(3)
    ]
    rates = sorted(process.communicate(timeout=100)[0].strip() for process in running)
    assert rates == ["0.0", "1.0", "1.0"]
    assert mark.read_text() == "ran\n"
